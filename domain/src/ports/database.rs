use crate::retry::{Cause, Classed, ErrorClass};

/// The database of contentrepo or rhino gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It could not be reached, or was too busy.
    #[error("the database `{at}` cannot be read now: {cause}")]
    Unavailable {
        /// Host, port and name.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses for a lasting reason.
    #[error("the database `{at}` refuses to be read: {why}")]
    Refused {
        /// Host, port and name.
        at: String,
        /// In its own words.
        why: String,
    },
    /// It gave an answer that cannot be understood.
    #[error("the database `{at}` answered nonsense: {why}")]
    BadAnswer {
        /// Host, port and name.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Classed for DatabaseError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } => ErrorClass::Corrupt,
        }
    }
}
