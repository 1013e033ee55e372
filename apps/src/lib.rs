//! The command line `mogile2s3`, and what wires it together.
//!
//! Results go to stdout, progress and logs to stderr; what the exit codes mean is in [`exit`].

#[cfg(feature = "command-line")]
pub mod cli;
pub mod commands;
pub mod config;
pub mod dot_env;
pub mod environment;
pub mod exit;
pub mod fid_list;
pub mod interrupt;
pub mod lambda;
mod report;
pub mod route;
pub mod selection;
mod session;
pub mod telemetry;
pub mod wiring;
pub mod worker_function;
