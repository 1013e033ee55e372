//! The cut-over of MogileFS's clients to S3: what must hold before it, the changes of bucket names in their
//! databases, and the way back.

mod check;
mod current;
mod freeze;
mod look;
mod read_state;
pub mod rhino;
mod standing;

#[cfg(test)]
mod tests;

pub use check::{CheckTrouble, FreezeCheck, check_freeze};
pub use current::{
    CurrentFreeze, DeletedSince, FreezeEnded, JournalledChanges, UnreadableJournal,
    journalled_changes,
};
pub use freeze::{FreezePlan, Watched, watch};
pub use look::Movement;
pub use read_state::{FreezePorts, FreezeTrouble, StateProgress, read_state};
pub use standing::{Cutovers, Phase, Run, Standing, read_cutovers};
