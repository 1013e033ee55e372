//! The errors of a tracker, read from its `ERR` or from a missing answer.

use domain::ports::IndexError;
use domain::retry::{Classed, ErrorClass};
use domain::{Cause, SourceError};

use super::wire::Rejection;

/// Why a tracker did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum TrackerError {
    /// There is no file of this key.
    #[error("`{at}` does not know the key")]
    Gone {
        /// Which tracker.
        at: String,
    },
    /// It refuses the request, and will refuse it again.
    #[error("`{at}` refuses: {code}: {text}")]
    Refused {
        /// Which tracker.
        at: String,
        /// The word after `ERR`.
        code: String,
        /// In its own words.
        text: String,
    },
    /// It or its database is in trouble; a later try may succeed.
    #[error("`{at}` is busy: {code}: {text}")]
    Busy {
        /// Which tracker.
        at: String,
        /// The word after `ERR`.
        code: String,
        /// In its own words.
        text: String,
    },
    /// It gave no answer, or none in time.
    #[error("`{at}` cannot be reached: {cause}")]
    Unreachable {
        /// Which tracker, or all of them.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// A change was requested and not confirmed. The tracker may have carried it out, or may not
    /// have, or may still do so.
    #[error("`{at}` may have done it or not: {cause}")]
    Uncertain {
        /// Which tracker.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It gave an answer that cannot be understood.
    #[error("`{at}` gave an answer that cannot be used: {why}")]
    BadAnswer {
        /// Which tracker, or all of them.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TrackerError {
    /// Translates a tracker's `ERR`.
    pub(super) fn of(rejection: Rejection, at: String) -> Self {
        let Rejection { code, text } = rejection;
        match code.as_str() {
            "unknown_key" => Self::Gone { at },
            // The tracker's database is down, or was down a moment ago.
            "failure" | "db" => Self::Busy { at, code, text },
            _ => Self::Refused { at, code, text },
        }
    }

    /// Whether it is `ERR failure`: what a tracker says while its database is away, and whenever it
    /// dies of a row.
    pub(super) fn is_failure(&self) -> bool {
        matches!(self, Self::Busy { code, .. } if code == "failure")
    }

    /// Whether another tracker may do better.
    pub(super) const fn is_the_trackers_own(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable { .. } | Self::BadAnswer { .. } => true,
            Self::Gone { .. } | Self::Refused { .. } | Self::Uncertain { .. } => false,
        }
    }

    /// Translates the error of a change that was sent. Only a clear answer shows whether the change
    /// was carried out; every other error becomes [`Uncertain`](Self::Uncertain). `ERR failure` is
    /// not clear: a database that fails in the middle may have done its work.
    pub(super) fn of_a_change(self) -> Self {
        match self {
            Self::Busy { at, code, text } => {
                Self::Uncertain { at, cause: format!("{code}: {text}").into() }
            }
            Self::Unreachable { at, cause } => Self::Uncertain { at, cause },
            Self::BadAnswer { at, why } => Self::Uncertain { at, cause: why.into() },
            clear @ (Self::Gone { .. } | Self::Refused { .. } | Self::Uncertain { .. }) => clear,
        }
    }

    /// Turns it into the error of a request about one file.
    pub(super) fn about(self, key: &str) -> SourceError {
        match self {
            Self::Gone { .. } => SourceError::UnknownKey { key: key.to_owned() },
            Self::Refused { at, code, text } => {
                SourceError::Refused { at, why: format!("{code}: {text}") }
            }
            Self::Busy { at, code, text } => {
                SourceError::Busy { at, why: format!("{code}: {text}") }
            }
            Self::Unreachable { at, cause } => SourceError::Unreachable { at, cause },
            Self::Uncertain { at, cause } => SourceError::Uncertain { at, cause },
            Self::BadAnswer { at, why } => SourceError::BadAnswer { at, why },
        }
    }
}

impl Classed for TrackerError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Busy { .. } | Self::Unreachable { .. } | Self::Uncertain { .. } => {
                ErrorClass::Retry
            }
            Self::Gone { .. } | Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } => ErrorClass::Corrupt,
        }
    }
}

impl From<TrackerError> for IndexError {
    fn from(error: TrackerError) -> Self {
        match error {
            TrackerError::Refused { at, code, text } => {
                Self::Refused { at, why: format!("{code}: {text}") }
            }
            TrackerError::Gone { at } => Self::Refused { at, why: "unknown_key".to_owned() },
            TrackerError::BadAnswer { at, why } => Self::BadAnswer { at, why },
            TrackerError::Busy { at, code, text } => {
                Self::Unavailable { at, cause: format!("{code}: {text}").into() }
            }
            TrackerError::Unreachable { at, cause } | TrackerError::Uncertain { at, cause } => {
                Self::Unavailable { at, cause }
            }
        }
    }
}
