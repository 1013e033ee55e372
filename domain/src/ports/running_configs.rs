use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// The configuration with which contentrepo and rhino run, as their HTTP APIs give it. The port only reads. It
/// follows no redirect and uses no proxy: another server would answer for the one that was asked.
#[async_trait]
pub trait RunningConfigs: Send + Sync {
    /// Returns what this URL answers: contentrepo's `/config`, or rhino's `/config?type=repo`. It is JSON, as
    /// text.
    async fn config(&self, url: &str) -> Result<String, RunningConfigError>;
}

/// A client did not give its configuration.
#[derive(Debug, thiserror::Error)]
pub enum RunningConfigError {
    /// It could not be reached, or was too busy.
    #[error("`{url}` does not answer: {cause}")]
    Unavailable {
        /// The URL that was asked.
        url: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It answers, and not with a configuration.
    #[error("`{url}` gives no configuration: {why}")]
    NoConfig {
        /// The URL that was asked.
        url: String,
        /// What it answers.
        why: String,
    },
}

impl Classed for RunningConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::NoConfig { .. } => ErrorClass::GiveUp,
        }
    }
}
