//! Why MogileFS did not give a file.

use crate::retry::{Cause, Classed, ErrorClass};
use crate::{ByteCount, Sha1};

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
    /// A replica that is not asked: its storage node is not one that MogileFS registers, or the settings
    /// leave it out. Nothing is known of its content.
    #[error("`{at}` is not asked: {why}")]
    NotAsked {
        /// The replica.
        at: String,
        /// Why, and what to do about it.
        why: String,
        /// Whether the settings leave it out.
        by_settings: bool,
    },
    /// A replica of which it cannot be said whether it may be asked: MogileFS's list of storage nodes
    /// cannot be read. Nothing is known of its content.
    #[error("whether `{at}` may be asked is not known: {why}")]
    Unjudged {
        /// The replica.
        at: String,
        /// Why the list cannot be read.
        #[source]
        why: Box<Self>,
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
            Self::UnknownKey { .. } | Self::Refused { .. } | Self::NotAsked { .. } => {
                ErrorClass::GiveUp
            }
            Self::Unjudged { why, .. } => why.class(),
            Self::BadAnswer { .. } | Self::WrongLength { .. } | Self::WrongContent { .. } => {
                ErrorClass::Corrupt
            }
        }
    }
}
