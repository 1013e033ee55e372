//! Translates a refused or unanswered call into an error of the site.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::ports::SiteError;

use crate::aws::{from_address, in_full, no_answer, refused_keys};

/// A call that was refused, or got no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The HTTP status; zero where no answer came.
    pub(super) status: u16,
    /// The service's code, without any prefix.
    pub(super) code: String,
    /// The bucket's region, if the answer names one.
    pub(super) bucket_region: Option<String>,
    /// Where the answer sends the caller, if it does.
    pub(super) location: Option<String>,
    /// The error for a caller that gives the code no meaning of its own.
    pub(super) error: SiteError,
}

impl Refusal {
    pub(super) fn of<E>(call: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        if let SdkError::ServiceError(refusal) = error {
            let meta = refusal.err().meta();
            let code = meta.code().unwrap_or_default();
            // Without a code: the SDK says why the answer cannot be read.
            let source = in_full(refusal.err());
            let words = meta.message().or_else(|| code.is_empty().then_some(&source));
            return Self::told(call, refusal.raw(), code, words);
        }
        // It was never sent: wrong settings, mostly.
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return Self::silent(SiteError::Refused { call, why: in_full(error) });
        }
        Self::silent(SiteError::Unavailable { call, cause: no_answer(error) })
    }

    /// An error of reaching a service names where it was looked for.
    pub(super) fn with_address(self, address: &str) -> Self {
        if let SiteError::Unavailable { call, cause } = &self.error
            && self.status == 0
        {
            let error = SiteError::Unavailable { call, cause: from_address(cause, address) };
            return Self { error, ..self };
        }
        self
    }

    pub(super) fn no_answer(call: &'static str, limit: Duration) -> Self {
        let cause = format!("no answer within {} s", limit.as_secs()).into();
        Self::silent(SiteError::Unavailable { call, cause })
    }

    const fn silent(error: SiteError) -> Self {
        Self { status: 0, code: String::new(), bucket_region: None, location: None, error }
    }

    fn told(
        call: &'static str,
        response: &HttpResponse,
        code: &str,
        message: Option<&str>,
    ) -> Self {
        let status = response.status().as_u16();
        // The codes of SQS's older protocol have a prefix.
        let code = code.rsplit('.').next().unwrap_or_default().to_owned();
        let words = message.unwrap_or("no words");
        let why = if code.is_empty() {
            format!("status {status}, {words}")
        } else {
            format!("{code}, {words}")
        };
        let error = judge(call, status, &code, why);
        let header = |name: &str| response.headers().get(name).map(str::to_owned);
        let (bucket_region, location) = (header("x-amz-bucket-region"), header("location"));
        Self { status, code, bucket_region, location, error }
    }

    pub(super) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }
}

fn judge(call: &'static str, status: u16, code: &str, why: String) -> SiteError {
    if let Some((_, why)) = refused_keys(code, &why) {
        return SiteError::Refused { call, why };
    }
    match (status, code) {
        (
            _,
            // The resource was made, changed or deleted a moment ago.
            "OperationAborted"
            | "QueueDeletedRecently"
            | "ContinuousBackupsUnavailableException"
            | "ResourceInUseException"
            | "LimitExceededException",
        )
        // The answer to a HEAD has no code.
        | (409, "") => SiteError::NotYet { call, why },
        (429 | 503, _)
        | (
            _,
            "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "RequestThrottled"
            | "RequestLimitExceeded"
            | "RequestTimeout",
        ) => SiteError::Unavailable { call, cause: why.into() },
        // An endpoint that does not implement a call will not implement it on the next try.
        (501, _) => SiteError::Refused { call, why },
        (500.., _) => SiteError::Unavailable { call, cause: why.into() },
        // An account can block public policies for all its buckets. No bucket's settings show that.
        (403, _) if call == "PutBucketPolicy" => SiteError::Refused {
            call,
            why: format!(
                "{why}; these keys lack s3:PutBucketPolicy, or the account blocks public access \
                 (aws s3control get-public-access-block)"
            ),
        },
        (403 | 401, _) => {
            SiteError::Refused { call, why: format!("{why}; do these keys have the right?") }
        }
        _ => SiteError::Refused { call, why },
    }
}

/// Returns the answer, or [`None`] where the service's code is one of `absent`.
pub(super) fn present<T>(
    answer: Result<T, Refusal>,
    absent: &[&str],
) -> Result<Option<T>, SiteError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(refusal) if refusal.is(absent) => Ok(None),
        Err(refusal) => Err(refusal.error),
    }
}

/// Succeeds where the call did its work, or where the service's code is one of `before`: the work
/// had been done already.
pub(super) fn done<T>(answer: Result<T, Refusal>, before: &[&str]) -> Result<(), SiteError> {
    present(answer, before).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::retry::{Classed, ErrorClass};

    #[test]
    fn codes_and_statuses_have_their_meaning() {
        for (status, code, class) in [
            (503, "SlowDown", ErrorClass::Retry),
            (400, "ThrottlingException", ErrorClass::Retry),
            (500, "InternalError", ErrorClass::Retry),
            (409, "OperationAborted", ErrorClass::Retry),
            (409, "", ErrorClass::Retry),
            (400, "QueueDeletedRecently", ErrorClass::Retry),
            (400, "ContinuousBackupsUnavailableException", ErrorClass::Retry),
            (501, "NotImplemented", ErrorClass::GiveUp),
            (403, "AccessDenied", ErrorClass::GiveUp),
            (400, "UnknownOperationException", ErrorClass::GiveUp),
        ] {
            let error = judge("Call", status, code, "in words".to_owned());
            assert_eq!(error.class(), class, "{status} {code}");
            assert!(error.to_string().contains("in words"), "{error}");
        }
    }

    #[test]
    fn an_answer_without_a_code_says_why_it_cannot_be_read() {
        let status = 200_u16.try_into().expect("a status");
        let response = HttpResponse::new(status, aws_sdk_s3::primitives::SdkBody::empty());
        let refusal = Refusal::told("GetBucketVersioning", &response, "", Some("no root element"));
        let said = refusal.error.to_string();
        assert!(said.contains("status 200, no root element"), "{said}");
    }

    #[test]
    fn only_a_call_without_an_answer_names_the_address() {
        let silent = Refusal::no_answer("GetBucketPolicy", Duration::from_secs(20));
        let said = silent.with_address("S3 in region `eu-west-1`").error.to_string();
        assert!(said.contains("S3 in region `eu-west-1`"), "{said}");
        let wrong = judge("GetBucketPolicy", 403, "InvalidAccessKeyId", "no such key".to_owned());
        assert!(wrong.to_string().contains("does not know this access key"), "{wrong}");
    }
}
