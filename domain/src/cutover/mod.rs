//! The cut-over of MogileFS's clients to S3: what must hold before it, the changes of bucket names in their
//! databases, and the way back.

mod check;
pub mod client_config;
mod contentrepo;
mod current;
mod evidence;
mod freeze;
mod gate;
mod held;
mod intermediaries;
mod look;
mod read_state;
pub mod rhino;
mod smoke_rows;
mod standing;

#[cfg(test)]
mod tests;

pub use check::{CheckTrouble, FreezeCheck, check_freeze, glance_at_freeze};
pub use contentrepo::{
    RepoBackup, RepoCutover, RepoDone, RepoEnd, RepoPlan, RepoPorts, RepoRefusal, RepoRevert,
    RepoRevertSeen, RepoTrouble, UnfitRow, cut_over_contentrepo, look_back, plan_contentrepo,
    revert_contentrepo,
};
pub use current::{
    CurrentFreeze, DeletedSince, FreezeEnded, JournalledChanges, UnreadableJournal,
    journalled_changes,
};
pub use evidence::{AUDIT, GateEvidence, JournalledEvidence, NO_QUEUE, VERIFY, read_gate_evidence};
pub use freeze::{FreezePlan, Watched, watch};
pub use gate::{
    EvidenceSeen, FreezeSeen, Frozen, Gate, GateGrounds, IngestedSeen, LeftBehindSeen, NoOverride,
    OrderSeen, QueueLook, QueueSeen, VerifiedSeen, cutover_gates, revert_gates, watch_queues,
};
pub use held::{
    ClientsHeld, HeldObjects, Ingested, LeftBehind, UnmappedBucket, read_held, read_ingested,
};
pub use intermediaries::{
    IntermediariesRefused, IntermediaryDeletion, IntermediaryObserver, IntermediaryPlan,
    IntermediaryPorts, IntermediaryRefusal, KeptIntermediary, delete_intermediaries,
};
pub use look::Movement;
pub use read_state::{FreezePorts, FreezeTrouble, StateProgress, read_state};
pub use smoke_rows::SmokeRows;
pub use standing::{Cutovers, Phase, Run, Standing, read_cutovers};
