//! The cut-over of MogileFS's clients to S3: what must hold before it.

mod check;
mod current;
mod freeze;
mod look;
mod read_state;

#[cfg(test)]
mod tests;

pub use check::{CheckTrouble, FreezeCheck, check_freeze};
pub use current::{
    CurrentFreeze, FreezeEnded, JournalledChanges, UnreadableJournal, journalled_changes,
};
pub use freeze::{FreezePlan, Watched, watch};
pub use look::Movement;
pub use read_state::{FreezePorts, FreezeTrouble, StateProgress, read_state};
