//! The commands, a file each.

pub mod dlq;
pub mod doctor;
pub mod enqueue;
pub mod fids;
pub mod migrate;
pub mod plan;
pub mod provision;
#[cfg(feature = "command-line")]
pub mod runbook;
pub mod status;
pub mod sync;
pub mod work;
