//! Asks AWS Security Token Service whose keys are used.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use domain::retry::{Classed, ErrorClass, backoff};
use domain::{Cause, limits};
use tokio::time::sleep;

use crate::aws::{Timeouts, Trouble, address, answer, from_address};
use crate::calls::{Calls, System};

/// AWS did not say whose keys are used.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// STS could not be reached, or was too busy.
    #[error("STS cannot be asked whose keys these are: {0}")]
    Unavailable(#[source] Cause),
    /// It refuses: the keys are wrong or have expired.
    #[error("STS does not say whose keys these are: {0}")]
    Refused(String),
}

impl Classed for CallerError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) => ErrorClass::Retry,
            Self::Refused(_) => ErrorClass::GiveUp,
        }
    }
}

/// Returns the ARN of the user or role whose keys are used. It needs no permission (STS API reference,
/// `GetCallerIdentity`).
pub async fn caller(
    config: &SdkConfig,
    timeouts: Timeouts,
    calls: &Calls,
) -> Result<String, CallerError> {
    let client = Client::new(config);
    let mut attempt = 1;
    loop {
        match ask(&client, config, timeouts, calls).await {
            Err(CallerError::Unavailable(_)) if attempt < limits::ATTEMPTS => {
                sleep(backoff(attempt, 0)).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

async fn ask(
    client: &Client,
    config: &SdkConfig,
    timeouts: Timeouts,
    calls: &Calls,
) -> Result<String, CallerError> {
    let (call, limit) = (client.get_caller_identity().send(), timeouts.request);
    let waiting = calls.begin(System::Sts, "GetCallerIdentity");
    let answer = waiting.end(answer(limit, call).await.map_err(|trouble| match trouble {
        Trouble::NoAnswer(cause) => {
            CallerError::Unavailable(from_address(&cause, &address(config, "STS")))
        }
        Trouble::Refusal { status: 429 | 500.., why, .. } => CallerError::Unavailable(why.into()),
        Trouble::NotSent(why) | Trouble::Refusal { why, .. } => CallerError::Refused(why),
    }))?;
    let arn = answer.arn.filter(|arn| !arn.is_empty());
    arn.ok_or_else(|| CallerError::Refused("an answer without an ARN".to_owned()))
}
