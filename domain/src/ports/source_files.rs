use std::fmt;

use async_trait::async_trait;

use super::Cause;
use crate::content::SourceContent;
use crate::retry::{Classed, ErrorClass};
use crate::{ByteCount, Fid, Sha1, SourceFile};

/// The files of MogileFS: replicas through the trackers, bytes from the storage nodes.
#[async_trait]
pub trait SourceFiles: Send + Sync {
    /// Where the file's replicas are, in the order in which they should be tried; in place of a
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

/// MogileFS did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The trackers have no file of this key, or have it under another fid.
    #[error("the trackers do not know key `{key}`")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// Nobody answered, or not in time.
    #[error("`{at}` cannot be reached: {cause}")]
    Unreachable {
        /// Tracker or replica.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It was told to change something, and its answer was lost: that may have been carried out,
    /// or not, or may be yet. To be looked at before it is repeated.
    #[error("`{at}` may have done it or not: {cause}")]
    Uncertain {
        /// Tracker.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It is there and says that it cannot now.
    #[error("`{at}` is busy: {why}")]
    Busy {
        /// Tracker or replica.
        at: String,
        /// In its own words.
        why: String,
    },
    /// It is there and refuses.
    #[error("`{at}` refuses: {why}")]
    Refused {
        /// Tracker or replica.
        at: String,
        /// In its own words.
        why: String,
    },
    /// The answer cannot be understood, or must not be followed.
    #[error("`{at}` gave an answer that cannot be used: {why}")]
    BadAnswer {
        /// Tracker or replica.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// More or fewer bytes than were announced.
    #[error("replica `{replica}` gave {actual} bytes, announced {expected}")]
    WrongLength {
        /// Which one.
        replica: String,
        /// What came.
        actual: ByteCount,
        /// What it announced.
        expected: ByteCount,
    },
    /// The bytes are others.
    #[error("replica `{replica}` has content with SHA-1 {actual}, expected {expected}")]
    WrongContent {
        /// Which one.
        replica: String,
        /// The SHA-1 of what came.
        actual: Sha1,
        /// The SHA-1 in the key.
        expected: Sha1,
    },
}

impl Classed for SourceError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { .. } | Self::Uncertain { .. } | Self::Busy { .. } => {
                ErrorClass::Retry
            }
            Self::UnknownKey { .. } | Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } | Self::WrongLength { .. } | Self::WrongContent { .. } => {
                ErrorClass::Corrupt
            }
        }
    }
}
