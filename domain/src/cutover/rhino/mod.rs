//! The change of bucket names in rhino's database, and the way back.
//!
//! The order is law: lock → backup → journal → index dropped → rows renamed, range by range → index made →
//! rows counted → journal. The entry of the journal before each statement is the fence, and the session that
//! holds the lock sends all statements. A change that was ended at any point can be gone on with, and taken
//! back.

mod backup;
mod estimate;
mod execute;
mod kept;
mod pace;
mod plan;
mod refusal;
mod revert;
mod revert_plan;
mod trouble;
mod verify;
mod work;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::cleanup::StopRequest;
use crate::journal::{IngestedSeal, Statement};
use crate::ports::{Clock, FinishedBackup, Journal, RhinoChanges, RhinoLoad, RhinoNames};

pub use estimate::RhinoEstimate;
pub use execute::cut_over_rhino;
pub use pace::{ChunkRows, Online, Pace};
pub use plan::{RhinoPlan, RhinoStage, plan_rhino};
pub use refusal::RhinoRefusal;
pub use revert::revert_rhino;
pub use revert_plan::{RevertFrom, RhinoRevertPlan, plan_rhino_revert};
pub use trouble::{IndexSight, Reached, RhinoTrouble};
pub use verify::{CountDifference, RowDifference, Verified};

/// What a change of rhino's database reaches.
pub struct RhinoPorts {
    /// The bucket names, in sessions that only read.
    pub names: Arc<dyn RhinoNames>,
    /// Changes them.
    pub changes: Arc<dyn RhinoChanges>,
    /// How busy the server is. It is asked with [`Pace::online`] alone.
    pub load: Arc<dyn RhinoLoad>,
    /// The journal of the migration.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The database: host, port and name, as the journal and the backup call it.
    pub server: String,
}

/// How a change is carried out.
pub struct Conduct<'a> {
    /// How fast.
    pub pace: Pace,
    /// Receives what happens.
    pub progress: &'a (dyn Fn(RhinoProgress) + Sync),
    /// Ends when an operator asks to stop. A statement that is begun is brought to its end.
    pub stop: StopRequest,
    /// A random number of this process.
    pub salt: u64,
}

/// What a cut-over rests on. The caller has checked it.
#[derive(Debug, Clone, Default)]
pub struct CutoverGrounds {
    /// The number of the journal's entry of the freeze.
    pub freeze: Option<u64>,
    /// Ignored buckets with content whose loss the operator accepts by name.
    pub left_behind: Vec<String>,
}

/// What a way back rests on. The caller has checked it.
#[derive(Debug, Clone, Default)]
pub struct RevertGrounds {
    /// The list of what was ingested after the cut-over, where something was.
    pub ingested: Option<IngestedSeal>,
}

/// How far a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RhinoProgress {
    /// Counts the rows by their names.
    Counting,
    /// This many rows are read, to find those that keep their names.
    Read(u64),
    /// This many rows are in the backup.
    BackedUp(u64),
    /// The backup is whole.
    Backup(FinishedBackup),
    /// A statement is about to be sent. Its entry is in the journal.
    Statement(Statement),
    /// Rows were renamed.
    Renamed {
        /// Rows that were looked at, of this run.
        rows: u64,
        /// Rows that have other names now, of this run.
        renamed: u64,
        /// Rows that had to get other names when this run began.
        of: u64,
        /// The time that the others take at this rate, in seconds; [`None`] before the first of them.
        seconds_left: Option<u64>,
    },
    /// A statement was not carried out. It is tried again.
    Waiting {
        /// Why, with the sessions that hold the table.
        why: String,
    },
    /// The server or a replica is too busy.
    Paused {
        /// Which, and how busy.
        why: String,
    },
    /// This many rows were compared with the backup.
    Compared(u64),
}

/// How a change ended, where it was not cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RhinoEnd {
    /// All rows have their other names, the index is as it was, and the journal says so.
    Done {
        /// Rows that this run has renamed.
        renamed: u64,
        /// The backup that this run has written.
        backup: Option<FinishedBackup>,
        /// What was compared at the end, and what is not as it was before the cut-over. Behind a cut-over these
        /// are counts of buckets that are not mapped.
        verified: Verified,
    },
    /// The journal has the end already: nothing was done.
    AlreadyDone,
    /// An operator asked to stop. The same command goes on.
    Stopped(Reached),
}
