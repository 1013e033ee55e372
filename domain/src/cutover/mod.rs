//! The cut-over of MogileFS's clients to S3: what must hold before it.

mod current;
mod freeze;
mod look;
mod read_state;

#[cfg(test)]
mod tests;

pub use current::{CurrentFreeze, FreezeEnded, UnreadableJournal, current_freeze};
pub use freeze::{FreezePlan, Watched, watch};
pub use look::Movement;
pub use read_state::{FreezePorts, FreezeTrouble, StateProgress, read_state};
