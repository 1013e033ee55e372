//! Settings, time-outs and the translation of errors that all AWS clients share.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::{Cause, KeyTrouble, limits};
use tokio::time::timeout;

/// The time limit for connecting to AWS.
const CONNECT: Duration = Duration::from_secs(5);

/// How long AWS may take to answer. The defaults are production's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a request that moves no content.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { request: limits::REQUEST_TIME }
    }
}

impl Timeouts {
    /// The limit for a request that uploads or downloads `bytes` bytes.
    #[must_use]
    pub fn moving(&self, bytes: u64) -> Duration {
        self.request + limits::moving_time(bytes)
    }

    /// The limit for the completion of a multipart upload.
    #[must_use]
    pub fn completing(&self) -> Duration {
        self.request * limits::COMPLETE_TIMES
    }

    /// The limit for a COPY of `bytes` bytes.
    #[must_use]
    pub fn copying(&self, bytes: u64) -> Duration {
        self.request + limits::copying_time(bytes)
    }
}

/// Loads credentials, region and endpoint from the standard environment. `region` overrides the
/// environment's.
///
/// The SDK's own retries and its stalled-stream protection are off: a repeated write could be
/// refused because its first try had succeeded, and a slow source would look like a slow S3. The
/// domain retries, and each call has its own time-out.
pub async fn load(region: Option<String>) -> SdkConfig {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    match region {
        Some(region) => config.region(Region::new(region)).load().await,
        None => config.load().await,
    }
}

/// Why there are no keys to sign requests with.
#[derive(Debug)]
pub enum NoCredentials {
    /// The standard environment has none.
    Absent,
    /// What it says of them makes no sense, in these words.
    Misconfigured(String),
    /// What it names for them gives none, in these words: a login that has expired, mostly.
    NotGiven(String),
}

/// Errors where the standard environment has no keys, or what it names for them (a login, a program, a
/// service) gives none. Where that does not answer in time there may be some: the first request says why
/// there are none.
pub async fn require_credentials(config: &SdkConfig) -> Result<(), NoCredentials> {
    let Some(provider) = config.credentials_provider() else { return Err(NoCredentials::Absent) };
    match timeout(limits::REQUEST_TIME, provider.provide_credentials()).await {
        Ok(Err(CredentialsError::CredentialsNotLoaded(_))) => Err(NoCredentials::Absent),
        Ok(Err(error @ CredentialsError::InvalidConfiguration(_))) => {
            Err(NoCredentials::Misconfigured(in_full(&error)))
        }
        Ok(Ok(_) | Err(CredentialsError::ProviderTimedOut(_))) | Err(_) => Ok(()),
        Ok(Err(error)) => Err(NoCredentials::NotGiven(in_full(&error))),
    }
}

/// Whether S3 is an endpoint of one's own (`AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or a profile's)
/// rather than Amazon's. Amazon's endpoints in a VPC (`PrivateLink`,
/// `https://bucket.vpce-….s3.REGION.vpce.amazonaws.com`) are Amazon's.
#[must_use]
pub fn has_own_s3_endpoint(config: &SdkConfig) -> bool {
    own_s3_endpoint(config).is_some()
}

/// The same endpoint, without a user, a password or a query in it. Amazon's endpoints all lead to the same
/// buckets.
#[must_use]
pub fn own_s3_endpoint(config: &SdkConfig) -> Option<String> {
    let url = endpoint(config, "AWS_ENDPOINT_URL_S3").filter(|url| !is_amazons(url))?;
    Some(without_secrets(&url))
}

fn without_secrets(url: &str) -> String {
    match url::Url::parse(url.trim()) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => "no URL".to_owned(),
    }
}

/// Whether S3 has an endpoint other than the region's public one: it is asked for by the bucket's
/// path, and no part of its name may be replaced.
#[must_use]
pub(crate) fn has_other_s3_endpoint(config: &SdkConfig) -> bool {
    endpoint(config, "AWS_ENDPOINT_URL_S3").is_some()
}

/// The same of SQS (`AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL`).
#[must_use]
pub fn has_own_sqs_endpoint(config: &SdkConfig) -> bool {
    endpoint(config, "AWS_ENDPOINT_URL_SQS").is_some_and(|url| !is_amazons(&url))
}

/// Whether there is a Lambda beside the SQS that is set: an SQS of one's own has none at Amazon.
#[must_use]
pub fn has_lambda_beside_sqs(config: &SdkConfig) -> bool {
    !has_own_sqs_endpoint(config) || endpoint(config, "AWS_ENDPOINT_URL_LAMBDA").is_some()
}

/// The endpoint that is set for a service, the narrowest setting first.
fn endpoint(config: &SdkConfig, of_service: &str) -> Option<String> {
    let of_service = std::env::var(of_service).ok().filter(|url| !url.trim().is_empty());
    of_service.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// Whether the host of an endpoint is in a domain of AWS (AWS General Reference, "AWS service
/// endpoints").
fn is_amazons(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url.trim()) else { return false };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let domains = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"];
    domains.iter().any(|domain| host.ends_with(domain))
}

/// Where a service is reached, as errors name it: the endpoint of one's own, without a user or a
/// password in it, or Amazon's region.
pub(crate) fn address(config: &SdkConfig, service: &str) -> String {
    let own = endpoint(config, &format!("AWS_ENDPOINT_URL_{}", service.to_uppercase()));
    address_of(service, own.as_deref(), config.region().map(AsRef::as_ref))
}

fn address_of(service: &str, endpoint: Option<&str>, region: Option<&str>) -> String {
    let Some(endpoint) = endpoint else {
        return format!("{service} in region `{}`", region.unwrap_or_default());
    };
    match url::Url::parse(endpoint) {
        Ok(url) => format!("{service} at `{}`", url.origin().ascii_serialization()),
        Err(_) => format!("{service} at an endpoint that is not a URL"),
    }
}

/// A cause with the address of who gave no answer.
pub(crate) fn from_address(cause: &Cause, address: &str) -> Cause {
    format!("{cause} ({address})").into()
}

/// What a refusal says of the account's keys, and how to say it; [`None`] where it is about something
/// else. `why` is the code with the service's own words. They are left out, because some services repeat
/// the request in them, with the session's token; only those about the time are safe.
pub(crate) fn refused_keys(code: &str, why: &str) -> Option<(KeyTrouble, String)> {
    let trouble = key_trouble(code, why)?;
    let said = if trouble == KeyTrouble::WrongClock { why } else { code };
    Some((trouble, format!("{said}: {}", meaning(trouble))))
}

/// By the services' lists of common errors. A signature's time is refused from five minutes on, by S3 from
/// fifteen on (AWS General Reference, "Troubleshoot signed requests"; Amazon S3 API reference, "Error
/// responses").
fn key_trouble(code: &str, why: &str) -> Option<KeyTrouble> {
    let is_of_its_time = ["Signature expired", "Signature not yet current"];
    let is_of_its_time = is_of_its_time.iter().any(|words| why.contains(words));
    match code {
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => {
            Some(KeyTrouble::WrongClock)
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" if is_of_its_time => {
            Some(KeyTrouble::WrongClock)
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidToken" => Some(KeyTrouble::Unknown),
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
            Some(KeyTrouble::Expired)
        }
        // Signing up, or the opening of the account, is not complete; or the account is closed.
        "NotSignedUp" | "OptInRequired" | "SubscriptionRequiredException" => {
            Some(KeyTrouble::NotSignedUp)
        }
        _ => None,
    }
}

const fn meaning(trouble: KeyTrouble) -> &'static str {
    match trouble {
        KeyTrouble::Unknown => {
            "AWS does not know this access key, or the secret key is not the one of this access key"
        }
        KeyTrouble::Expired => "log in again",
        KeyTrouble::WrongClock => {
            "the clock of this machine is wrong by more than five minutes; set it"
        }
        KeyTrouble::NotSignedUp => {
            "the AWS account of these keys is not signed up for this service"
        }
    }
}

/// Why a call brought nothing.
pub(crate) enum Trouble {
    /// The SDK could not send the request, mostly because of wrong settings.
    NotSent(String),
    /// No answer came, or only a part of one.
    NoAnswer(Cause),
    /// The service answered with an error.
    Refusal {
        /// The HTTP status of the answer.
        status: u16,
        /// The service's error code; empty where the answer has none.
        code: String,
        /// The code and the service's message, as one text.
        why: String,
    },
}

/// Waits at most `time` for the answer to a call, and translates its error.
pub(crate) async fn answer<T, E>(
    time: Duration,
    call: impl Future<Output = Result<T, SdkError<E>>> + Send,
) -> Result<T, Trouble>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Ok(answer) = timeout(time, call).await else {
        return Err(Trouble::NoAnswer(format!("no answer within {} s", time.as_secs()).into()));
    };
    answer.map_err(|error| {
        if let SdkError::ServiceError(refusal) = &error {
            let meta = refusal.err().meta();
            let status = refusal.raw().status().as_u16();
            let why = match (meta.code(), meta.message()) {
                // Mostly an answer that is not of this service: the SDK says why it cannot be read.
                (None, _) => format!("status {status}: {}", in_full(refusal.err())),
                (Some(code), None) => format!("{code}, status {status}"),
                (Some(code), Some(message)) => format!("{code}: {message}"),
            };
            let code = meta.code().unwrap_or_default().to_owned();
            return Trouble::Refusal { status, code, why };
        }
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return Trouble::NotSent(in_full(&error));
        }
        Trouble::NoAnswer(no_answer(&error))
    })
}

/// Returns an error and all its causes in one line. The SDK's own text says only "service error".
pub(crate) fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        next = error.source();
    }
    text
}

/// Returns the reason for a missing answer, as the cause of a port's error.
pub(crate) fn no_answer<E, R>(error: &SdkError<E, R>) -> Cause
where
    E: std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    in_full(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_region_or_the_endpoint_and_no_password() {
        let check = |endpoint, expected: &str| {
            assert_eq!(address_of("S3", endpoint, Some("eu-west-1")), expected);
        };
        check(None, "S3 in region `eu-west-1`");
        check(Some("http://127.0.0.1:4566/"), "S3 at `http://127.0.0.1:4566`");
        check(Some("https://me:secret@host/x?y=z"), "S3 at `https://host`");
        check(Some("127.0.0.1"), "S3 at an endpoint that is not a URL");
    }

    #[test]
    fn an_endpoint_of_evidence_has_no_password() {
        for (url, expected) in [
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566/"),
            (" http://127.0.0.1:4566/ ", "http://127.0.0.1:4566/"),
            ("https://me:secret@host/a?y=secret#secret", "https://host/a"),
            ("127.0.0.1", "no URL"),
        ] {
            assert_eq!(without_secrets(url), expected, "{url}");
        }
    }

    #[test]
    fn codes_about_keys_are_not_codes_about_permissions() {
        for (code, expected) in [
            ("InvalidAccessKeyId", Some(KeyTrouble::Unknown)),
            ("SignatureDoesNotMatch", Some(KeyTrouble::Unknown)),
            ("InvalidSignatureException", Some(KeyTrouble::Unknown)),
            ("UnrecognizedClientException", Some(KeyTrouble::Unknown)),
            ("InvalidClientTokenId", Some(KeyTrouble::Unknown)),
            ("ExpiredToken", Some(KeyTrouble::Expired)),
            ("ExpiredTokenException", Some(KeyTrouble::Expired)),
            ("RequestTimeTooSkewed", Some(KeyTrouble::WrongClock)),
            ("NotSignedUp", Some(KeyTrouble::NotSignedUp)),
            ("OptInRequired", Some(KeyTrouble::NotSignedUp)),
            ("SubscriptionRequiredException", Some(KeyTrouble::NotSignedUp)),
            ("AccessDenied", None),
            ("AccessDeniedException", None),
            ("", None),
        ] {
            let why = format!("{code}: in words with a token");
            let told = refused_keys(code, &why);
            assert_eq!(told.as_ref().map(|(trouble, _)| *trouble), expected, "{code}");
            let is_safe = expected == Some(KeyTrouble::WrongClock);
            assert!(told.is_none_or(|(_, said)| said.contains("token") == is_safe), "{code}");
        }
    }

    #[test]
    fn a_signature_of_a_wrong_time_is_not_one_of_a_wrong_key() {
        for (code, words) in [
            (
                "InvalidSignatureException",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z \
                 (20260101T001500Z - 5 min.)",
            ),
            ("InvalidSignatureException", "Signature not yet current: 20260101T003000Z is still"),
            ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than"),
            (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time",
            ),
        ] {
            let (trouble, said) = refused_keys(code, &format!("{code}: {words}")).expect("of keys");
            assert_eq!(trouble, KeyTrouble::WrongClock, "{code}");
            let wanted = "the clock of this machine is wrong by more than five minutes; set it";
            assert!(said.contains(words) && said.contains(wanted), "{said}");
        }
    }

    #[test]
    fn endpoints_in_a_vpc_are_amazons() {
        for (url, amazons) in [
            ("https://bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com", true),
            ("https://vpce-0a1b-2c3d.sqs.eu-west-1.vpce.amazonaws.com/", true),
            ("https://s3.cn-north-1.amazonaws.com.cn", true),
            ("https://S3.US-EAST-1.AMAZONAWS.COM:443", true),
            ("https://s3.dualstack.us-west-2.api.aws", true),
            ("http://127.0.0.1:4566", false),
            ("http://localhost:4566/amazonaws.com", false),
            ("https://amazonaws.com.example.org", false),
            ("https://s3.notamazonaws.com", false),
            ("https://me:amazonaws.com@example.org", false),
            ("s3.amazonaws.com", false),
        ] {
            assert_eq!(is_amazons(url), amazons, "{url}");
            let config = SdkConfig::builder().endpoint_url(url).build();
            assert_eq!(has_own_s3_endpoint(&config), !amazons, "{url}");
            assert_eq!(has_own_sqs_endpoint(&config), !amazons, "{url}");
        }
        assert!(!has_own_s3_endpoint(&SdkConfig::builder().build()));
    }
}
