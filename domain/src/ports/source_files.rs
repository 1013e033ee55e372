use crate::{Fid, SourceError, SourceFile};
use std::fmt;

use async_trait::async_trait;

use crate::content::SourceContent;

/// The files of MogileFS: replicas through the trackers, bytes from the storage nodes.
#[async_trait]
pub trait SourceFiles: Send + Sync {
    /// Returns where the file's replicas are, in the order in which they should be tried. A tracker
    /// may answer from its cache. In place of a location that the fid cannot have, or of one on a
    /// host that must not be asked, stands the reason why it is refused. Empty when the trackers know
    /// of no replica. Every tracker is tried before this fails. It also fails while it is not known
    /// which hosts may be asked.
    ///
    /// Errors with [`SourceError::UnknownKey`] when the trackers do not know the key, or know it
    /// under another fid by now.
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;

    /// Returns the same as [`replicas`](Self::replicas), of a file with any key, and never from a
    /// cache. A tracker may ask a storage node first and leave out replicas of another length than the
    /// index has. Callers ask this before they give a file up.
    async fn replicas_anew(
        &self,
        fid: Fid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError>;

    /// Returns the fid that the trackers have under this key now, whatever key that is, from their
    /// database; [`None`] when they have none. The database compares the keys, usually without regard
    /// to case.
    async fn fid_of(&self, key: &str) -> Result<Option<Fid>, SourceError>;

    /// Returns the numbers of the devices on which the index has a replica of the file with this key,
    /// whether or not they can be asked; [`None`] when the trackers do not know the key.
    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError>;

    /// Opens one replica; its bytes then come as they are asked for. A stream that goes silent,
    /// or crawls, ends with an error.
    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError>;

    /// Deletes the file with this key through a tracker. The database compares the keys, usually
    /// without regard to case.
    ///
    /// Errors with [`SourceError::UnknownKey`] when there is no such file. Errors with
    /// [`SourceError::Uncertain`] when the answer was lost and a look-up did not show that the file
    /// is gone.
    async fn delete(&self, key: &str) -> Result<(), SourceError>;

    /// Gives a file another key through a tracker. The new key must be free. The fid stays.
    ///
    /// Errors with [`SourceError::UnknownKey`] when there is no file of the old key, and with
    /// [`SourceError::Uncertain`] when the answer was lost.
    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError>;
}

/// A replica: one copy of a file on one device.
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
