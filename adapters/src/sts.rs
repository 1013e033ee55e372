//! Asks AWS Security Token Service whose keys are used.

use aws_config::SdkConfig;
use aws_sdk_sts::Client;
use domain::retry::{Classed, ErrorClass, backoff};
use domain::{Cause, KeyTrouble, limits};
use tokio::time::sleep;

use crate::aws::{Timeouts, Trouble, address, answer, from_address, refused_keys};
use crate::calls::{Calls, System};

/// AWS did not say whose keys are used.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// STS could not be reached, or was too busy.
    #[error("STS cannot be asked whose keys these are: {0}")]
    Unavailable(#[source] Cause),
    /// The keys are wrong or have expired.
    #[error("STS does not accept these keys: {why}")]
    Keys {
        /// What is wrong with them, in words.
        why: String,
        /// What is wrong with them.
        trouble: KeyTrouble,
    },
    /// It refuses for another reason.
    #[error("STS does not say whose keys these are: {0}")]
    Refused(String),
}

impl Classed for CallerError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(_) => ErrorClass::Retry,
            Self::Keys { .. } | Self::Refused(_) => ErrorClass::GiveUp,
        }
    }
}

/// Returns the ARN of the user or role whose keys are used. It needs no permission (STS API reference,
/// `GetCallerIdentity`). `salt` spreads the pauses between tries.
pub async fn caller(
    config: &SdkConfig,
    timeouts: Timeouts,
    calls: &Calls,
    salt: u64,
) -> Result<String, CallerError> {
    let client = Client::new(config);
    let mut attempt = 1;
    loop {
        match ask(&client, config, timeouts, calls).await {
            Err(CallerError::Unavailable(_)) if attempt < limits::ATTEMPTS => {
                sleep(backoff(attempt, salt)).await;
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
    let answer = answer(limit, call).await;
    let answer = waiting.end(answer.map_err(|trouble| translate(trouble, config)))?;
    let arn = answer.arn.filter(|arn| !arn.is_empty());
    arn.ok_or_else(|| CallerError::Refused("an answer without an ARN".to_owned()))
}

fn translate(trouble: Trouble, config: &SdkConfig) -> CallerError {
    match trouble {
        Trouble::NotSent(why) => CallerError::Refused(why),
        Trouble::NoAnswer(cause) => {
            CallerError::Unavailable(from_address(&cause, &address(config, "STS")))
        }
        Trouble::Refusal { status, code, why } => {
            if let Some((trouble, why)) = refused_keys(&code, &why) {
                return CallerError::Keys { why, trouble };
            }
            if passes(&code) || status == 429 || status >= 500 {
                return CallerError::Unavailable(why.into());
            }
            CallerError::Refused(why)
        }
    }
}

/// Whether STS only asks to slow down, which it does with status 400 (STS API reference, "Common
/// errors"; the codes are those that the SDKs take for throttling, as in `aws-runtime`'s
/// `retries::classifiers`).
fn passes(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "RequestTimeout"
            | "RequestTimeoutException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_sts_has_its_class_and_no_words_about_keys_of_its_own() {
        let config = SdkConfig::builder().build();
        for (status, code, said) in [
            (400, "Throttling", "cannot be asked"),
            (400, "ThrottlingException", "cannot be asked"),
            (400, "RequestLimitExceeded", "cannot be asked"),
            (503, "ServiceUnavailable", "cannot be asked"),
            (500, "", "cannot be asked"),
            (429, "", "cannot be asked"),
            (403, "InvalidClientTokenId", "does not know this access key"),
            (403, "SignatureDoesNotMatch", "does not know this access key"),
            (403, "ExpiredToken", "log in again"),
            (400, "RequestExpired", "the clock of this machine"),
            (403, "OptInRequired", "is not signed up for this service"),
            (403, "AccessDenied", "does not say whose keys these are"),
            (400, "InvalidAction", "does not say whose keys these are"),
        ] {
            let (code, why) = (code.to_owned(), format!("{code}: its own words"));
            let error = translate(Trouble::Refusal { status, code: code.clone(), why }, &config);
            let (text, heals) = (error.to_string(), error.class() == ErrorClass::Retry);
            assert!(text.contains(said), "{code}: {text}");
            assert_eq!(heals, said == "cannot be asked", "{code}: {text}");
            // What it says of the time has no token in it.
            let is_of_time = said == "the clock of this machine";
            let of_keys = matches!(error, CallerError::Keys { .. }) && !is_of_time;
            assert_eq!(of_keys, !text.contains("its own words"), "{code}: {text}");
        }
    }
}
