//! The MogileFS client against servers that misbehave: trackers and storage nodes that say what a
//! script tells them to, and the stand-in with faults.

mod changes;
mod client;
mod connections;
mod golden;
mod hosts;
mod properties;
mod replicas;
mod scripted;
mod stage;
mod trackers;
mod unreadable;
mod urls;
