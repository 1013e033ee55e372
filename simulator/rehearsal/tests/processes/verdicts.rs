//! What the commands say is true, and what they print to be done really mends: the real commands,
//! in processes of their own, against a world that is up.

mod accepted;
mod after_migrate;
mod after_verify;
mod audit;
mod buckets;
mod clients;
mod counts;
mod databases;
mod doctor;
mod guard;
mod layers;
mod moved;
mod planted;
mod printed;
mod queued;
mod session;
mod settings;
mod start;
mod unreadable;
mod witness;
