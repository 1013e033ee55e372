//! Why a change of rhino's database came to no end.

use std::fmt;

use super::refusal::RhinoRefusal;
use super::verify::CountDifference;
use crate::cutover::UnreadableJournal;
use crate::journal::{DataError, Direction};
use crate::ports::{BackupError, ChangeError, DatabaseError};
use crate::runbook::JournalTrouble;

/// Why a change came to no end.
#[derive(Debug, thiserror::Error)]
pub enum RhinoTrouble {
    /// Something hinders it, and nothing was changed. There is at least one reason.
    #[error("{}", all(.0))]
    Refused(Vec<RhinoRefusal>),
    /// The database or the journal is not as the plan saw it, and nothing was changed.
    #[error("nothing was changed: {0}; begin again")]
    ChangedMeanwhile(String),
    /// An entry of the journal was not written. Where [`JournalTrouble::TakenOver`] is the reason another
    /// operator goes on, and this one must not.
    #[error(transparent)]
    Journal(#[from] JournalTrouble),
    /// The journal cannot be read.
    #[error(transparent)]
    UnreadableJournal(#[from] UnreadableJournal),
    /// The ids of rows that keep their names cannot be had from the journal.
    #[error(
        "the journal does not have the rows that keep their names: {0}; give the backup instead"
    )]
    Kept(String),
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// All statements were carried out, and the rows are not what they must be.
    #[error("the rows are not what they must be: {}; {}", all(.differences), advice(*.direction))]
    Miscounted {
        /// Which way.
        direction: Direction,
        /// The differences, by name.
        differences: Vec<CountDifference>,
    },
    /// It was cut short behind its first entry in the journal.
    #[error("{why}; {reached}")]
    HalfWay {
        /// How far it is.
        reached: Reached,
        /// Why it was.
        #[source]
        why: Box<Self>,
    },
}

impl RhinoTrouble {
    /// Whether another operator has written into the journal, or holds the lock: this one stops for good.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        match self {
            Self::HalfWay { why, .. } => why.is_taken_over(),
            Self::Journal(JournalTrouble::TakenOver(_))
            | Self::Change(ChangeError::Locked { .. }) => true,
            Self::Refused(_)
            | Self::ChangedMeanwhile(_)
            | Self::Journal(_)
            | Self::UnreadableJournal(_)
            | Self::Kept(_)
            | Self::Database(_)
            | Self::Change(_)
            | Self::Backup(_)
            | Self::Miscounted { .. } => false,
        }
    }

    /// The innermost reason, without how far the change is.
    #[must_use]
    pub fn reason(&self) -> &Self {
        if let Self::HalfWay { why, .. } = self { why.reason() } else { self }
    }
}

impl From<DataError> for RhinoTrouble {
    fn from(error: DataError) -> Self {
        Self::Kept(error.to_string())
    }
}

/// How far a change is that has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Which way.
    pub direction: Direction,
    /// Rows that this run has renamed.
    pub renamed: u64,
    /// Rows that had to be renamed when this run began.
    pub of: u64,
    /// What is known of the index.
    pub index: IndexSight,
}

/// What is known of the index on the bucket names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexSight {
    /// The table never had one.
    None,
    /// It is there.
    There,
    /// It is missing: reads by bucket name are slow until the change is gone on with or taken back.
    Missing,
    /// The last statement about it was not answered.
    Unknown,
}

/// The command that cuts over, and that goes on with a cut-over.
pub(super) const COMMAND: &str = "mogile2s3 cutover rhino";

/// The command that takes a cut-over back.
pub(super) fn revert_command() -> String {
    format!("{COMMAND} --revert")
}

impl fmt::Display for Reached {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, renamed, of, index } = self;
        let names = match direction {
            Direction::ToS3 => "S3 names",
            Direction::ToMogile => "MogileFS names again",
        };
        write!(out, "{renamed} of {of} rows of articleFile that were left have their {names}, ")?;
        out.write_str(match index {
            IndexSight::None => "and the table never had the index bucketName_index",
            IndexSight::There => "and the index bucketName_index is there",
            IndexSight::Missing => "and the index bucketName_index is MISSING",
            IndexSight::Unknown => "and the index bucketName_index MAY BE MISSING",
        })?;
        match direction {
            Direction::ToS3 => {
                write!(out, "; `{COMMAND}` goes on, `{}` takes it back", revert_command())
            }
            Direction::ToMogile => write!(out, "; `{}` goes on", revert_command()),
        }
    }
}

/// What to do where something else has changed rows meanwhile.
fn advice(direction: Direction) -> String {
    let revert = revert_command();
    let goes_on = match direction {
        Direction::ToS3 => {
            format!("take this change back with `{revert}`, freeze the store, and begin again")
        }
        Direction::ToMogile => format!("freeze the store, and go on with `{revert}`"),
    };
    format!(
        "something else changes the table, and the journal does not have the end of this change: {goes_on}"
    )
}

/// All of them in one line.
pub(super) fn all<T: fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
