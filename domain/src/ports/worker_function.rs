use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};
use crate::{FunctionHealth, WorkerReport};

/// The deployed worker function, as far as it reports about itself.
#[async_trait]
pub trait WorkerFunction: Send + Sync {
    /// Returns the report of the function that is deployed now. For this the function calls no
    /// other system and works on no job.
    async fn report(&self) -> Result<WorkerReport, FunctionError>;

    /// Has the function look at everything that it uses, from where it runs and with its own role. It
    /// writes small objects and records, and deletes them again. It may take as long as the function may.
    async fn examine(&self) -> Result<FunctionHealth, FunctionError>;
}

/// Why there is no report of the function.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// It could not be reached, or too many of its processes are running. Ask again later.
    #[error("the function `{function}` cannot be asked now: {cause}")]
    Unavailable {
        /// Its name.
        function: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// There is no such function. Deploy it, or correct its name.
    #[error(
        "the function `{function}` does not exist in this account and region: deploy it, or \
         correct LAMBDA_FUNCTION"
    )]
    NoFunction {
        /// Its name.
        function: String,
    },
    /// The AWS keys may not invoke it. Give them the right, or keys that have it.
    #[error("the function `{function}` may not be asked: {why}")]
    Denied {
        /// Its name.
        function: String,
        /// In AWS's own words.
        why: String,
    },
    /// AWS refuses the call, or the function itself fails. Change the permission or the setting
    /// that the text names.
    #[error("the function `{function}` gives no report: {why}")]
    Refused {
        /// Its name.
        function: String,
        /// In its own words.
        why: String,
    },
    /// The function does not know the request: it was deployed from an older zip. Deploy this
    /// version.
    #[error(
        "the function `{function}` was deployed from an older zip, which reports neither its \
         version nor its formats: {said}"
    )]
    Older {
        /// Its name.
        function: String,
        /// What it answered.
        said: String,
    },
}

impl Classed for FunctionError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::NoFunction { .. }
            | Self::Denied { .. }
            | Self::Refused { .. }
            | Self::Older { .. } => ErrorClass::GiveUp,
        }
    }
}
