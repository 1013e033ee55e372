//! The commands, a file each. The function's program has `doctor` alone.

#[cfg(feature = "command-line")]
pub mod dlq;
pub mod doctor;
#[cfg(feature = "command-line")]
pub mod enqueue;
#[cfg(feature = "command-line")]
pub mod fids;
#[cfg(feature = "command-line")]
pub mod migrate;
#[cfg(feature = "command-line")]
pub mod plan;
#[cfg(feature = "command-line")]
pub mod provision;
#[cfg(feature = "command-line")]
pub mod rekey;
#[cfg(feature = "command-line")]
pub mod runbook;
#[cfg(feature = "command-line")]
pub mod status;
#[cfg(feature = "command-line")]
pub mod sync;
#[cfg(feature = "command-line")]
pub mod tmp;
#[cfg(feature = "command-line")]
pub mod work;
