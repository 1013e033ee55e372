//! The command line `mogile2s3`, and what wires it together.
//!
//! Results go to stdout, progress and logs to stderr; what the exit codes mean is in [`exit`].

// The function's program has one command, and so needs few of the reports and their words.
#![cfg_attr(not(feature = "command-line"), allow(dead_code, unused_imports))]

#[cfg(feature = "command-line")]
mod acceptances;
#[cfg(feature = "command-line")]
pub mod cli;
pub mod commands;
pub mod config;
pub mod dot_env;
pub mod environment;
#[cfg(feature = "command-line")]
mod evidence;
pub mod exit;
pub mod fid_list;
pub mod interrupt;
#[cfg(feature = "command-line")]
mod journal;
pub mod lambda;
mod report;
pub mod route;
pub mod selection;
mod session;
pub mod telemetry;
pub mod wiring;
pub mod worker_function;
