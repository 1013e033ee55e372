use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::DatabaseError;
use crate::retry::{Classed, ErrorClass};
use crate::{Dkey, Obstacle, Reason, ReasonKind, TypeAndName};

/// What contentrepo says of the type and name of each content, gathered on this machine's disk: files
/// come by fid, contentrepo's rows by their ids, and ten million of them are too many for memory.
#[async_trait]
pub trait TypesAndNames: Send + Sync {
    /// Returns what is said of each of these files, in their order; [`None`] of a file of which
    /// contentrepo has no row.
    async fn of(&self, files: &[Dkey]) -> Result<Vec<Option<TypeAndName>>, TypesError>;
}

/// Begins spools.
#[async_trait]
pub trait Spools: Send + Sync {
    /// Begins an empty one. Whatever it keeps on disk is gone when it and its
    /// [`TypesAndNames`] are dropped, and when the process is killed.
    async fn begin(&self) -> Result<Box<dyn Spool>, SpoolError>;
}

/// Gathers what contentrepo says, before the first file is asked for.
#[async_trait]
pub trait Spool: Send {
    /// Takes what some rows say. They come ascending by the rows' ids.
    async fn add(&mut self, rows: Vec<RowSays>) -> Result<(), SpoolError>;

    /// Sorts what was gathered. Of several rows for one file the last one counts that was in use, or
    /// else the last one.
    async fn finish(self: Box<Self>) -> Result<Spooled, SpoolError>;
}

/// What one row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSays {
    /// The file that it refers to.
    pub of: Dkey,
    /// Whether the row is in use: neither deleted nor purged.
    pub in_use: bool,
    /// The type and the name.
    pub says: TypeAndName,
}

/// What was gathered.
pub struct Spooled {
    /// To be asked.
    pub types: Arc<dyn TypesAndNames>,
    /// Files that some row refers to.
    pub files: u64,
    /// Files whose rows in use disagree, or whose deleted rows do where none is in use.
    pub disagreeing: u64,
    /// The bytes on disk.
    pub bytes: u64,
}

impl fmt::Debug for Spooled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { types: _, files, disagreeing, bytes } = self;
        write!(out, "{files} files, {disagreeing} disagreeing, {bytes} bytes")
    }
}

/// Types and names could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TypesError {
    /// From contentrepo's database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// From this machine's disk.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl Classed for TypesError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Database(error) => error.class(),
            Self::Spool(_) => ErrorClass::GiveUp,
        }
    }
}

impl From<&TypesError> for Reason {
    fn from(error: &TypesError) -> Self {
        let obstacle = match error {
            TypesError::Database(DatabaseError::Unavailable { .. }) => Obstacle::Unreachable,
            TypesError::Database(DatabaseError::Refused { .. }) => Obstacle::Refusal,
            TypesError::Database(DatabaseError::BadAnswer { .. }) | TypesError::Spool(_) => {
                Obstacle::OfItsKind
            }
        };
        Self::new(ReasonKind::TypesAndNames, error).because_of(obstacle)
    }
}

/// This machine's disk did not keep them.
#[derive(Debug, thiserror::Error)]
#[error("the types and names in `{at}` cannot be kept or read back: {why}")]
pub struct SpoolError {
    /// The directory.
    pub at: String,
    /// What the system says.
    pub why: String,
}
