use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};
use crate::store_state::NodeCounters;

/// The nodes of contentrepo, each asked at its own address by contentrepo's HTTP API. The port only reads.
#[async_trait]
pub trait RepoNodes: Send + Sync {
    /// Returns what each node has counted since it started, in the order of the settings. All of them, or
    /// an error: a node that does not answer may write.
    async fn counters(&self) -> Result<Vec<NodeCounters>, RepoNodeError>;
}

/// A node of contentrepo gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum RepoNodeError {
    /// It could not be reached, or was too busy.
    #[error("contentrepo's node `{url}` does not answer: {cause}")]
    Unavailable {
        /// The URL that was asked.
        url: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses.
    #[error("contentrepo's node `{url}` refuses: {why}")]
    Refused {
        /// The URL that was asked.
        url: String,
        /// The status of its answer.
        why: String,
    },
    /// Its answer cannot be understood.
    #[error("`{url}` does not answer as contentrepo does: {why}")]
    BadAnswer {
        /// The URL that was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Classed for RepoNodeError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } => ErrorClass::Corrupt,
        }
    }
}
