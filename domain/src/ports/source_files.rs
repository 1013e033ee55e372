use crate::{Fid, SourceError, SourceFile};
use std::fmt;

use async_trait::async_trait;

use crate::content::SourceContent;

/// The files of MogileFS: replicas through the trackers, bytes from the storage nodes.
#[async_trait]
pub trait SourceFiles: Send + Sync {
    /// Where the file's replicas are, by a tracker's cache if it has one, in the order in which they should be tried; in place of a
    /// location that the fid cannot have, or on a host that must not be asked, the reason why it
    /// is refused. Empty when the trackers know of no replica. Every tracker is tried before this
    /// fails.
    ///
    /// Errors with [`SourceError::UnknownKey`] when the trackers do not know the key, or know it
    /// under another fid by now.
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;

    /// As [`replicas`](Self::replicas), with no answer from a cache. A tracker may ask a storage node
    /// first and leave out replicas of another length than the index tells. To be asked before a file
    /// is given up.
    async fn replicas_anew(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;

    /// Opens one replica; its bytes then come as they are asked for. A stream that goes silent,
    /// or crawls, ends with an error.
    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError>;

    /// Deletes the file with this key, by the database's comparison, through a tracker.
    ///
    /// Errors with [`SourceError::UnknownKey`] when there is none, and with
    /// [`SourceError::Uncertain`] when the answer was lost and a look did not show the file gone.
    async fn delete(&self, key: &str) -> Result<(), SourceError>;

    /// Gives a file another key, which must be free, through a tracker. The fid stays.
    ///
    /// Errors with [`SourceError::UnknownKey`] when there is no file of the first key, and with
    /// [`SourceError::Uncertain`] when the answer was lost.
    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError>;
}

/// One copy of a file on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The file it is a copy of.
    pub fid: Fid,
    /// Its URL, as checked.
    pub url: String,
}

impl fmt::Display for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
