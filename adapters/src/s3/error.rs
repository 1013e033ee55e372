//! What S3's errors mean, by their code and status: many have no type of their own.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::ports::StoreError;

use crate::aws::{in_full, no_answer, refused_keys};

/// Translates an error about `at`.
pub(super) fn translate<E>(error: &SdkError<E>, at: &(dyn std::fmt::Display + Sync)) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(refusal) = error {
        let status = refusal.raw().status().as_u16();
        let meta = refusal.err().meta();
        let (code, words) = (meta.code().unwrap_or_default(), meta.message());
        // Without a code: the SDK says why the answer cannot be read.
        let source = (code.is_empty() && words.is_none()).then(|| in_full(refusal.err()));
        return judge(status, code, words.or(source.as_deref()), &at.to_string());
    }
    // It was never sent: wrong settings, mostly.
    if matches!(error, SdkError::ConstructionFailure(_)) {
        return StoreError::Refused { at: at.to_string(), why: in_full(error) };
    }
    // No answer, or half of one.
    StoreError::Uncertain { at: at.to_string(), cause: no_answer(error) }
}

fn judge(status: u16, code: &str, message: Option<&str>, at: &str) -> StoreError {
    let at = at.to_owned();
    let why = match (code, message) {
        ("", None) => format!("status {status}"),
        ("", Some(message)) => format!("status {status}: {message}"),
        (code, None) => format!("{code}, status {status}"),
        (code, Some(message)) => format!("{code}: {message}"),
    };
    // S3 refuses wrong keys before it does anything (Amazon S3 API reference, "Error responses").
    if let Some((trouble, why)) = refused_keys(code, &why) {
        return StoreError::Keys { at, why, trouble };
    }
    match (status, code) {
        (412 | 409, _) => StoreError::Occupied(at),
        (_, "NoSuchBucket") => {
            let bucket = at.trim_start_matches("s3://").split('/').next().unwrap_or_default();
            StoreError::NoSuchBucket(bucket.to_owned())
        }
        (_, "BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch" | "IncompleteBody") => {
            StoreError::BadDigest(at)
        }
        (429 | 503, _)
        | (_, "SlowDown" | "RequestTimeout" | "Throttling" | "RequestLimitExceeded") => {
            StoreError::Busy { at, why }
        }
        // The server does not implement this call: it has done nothing, and will not the next time.
        (501, _) => StoreError::Refused { at, why },
        // S3 may have carried it out before it failed. A long COPY answers 200 before it is done,
        // and reports a later failure in the body.
        (500.. | 200, _) => StoreError::Uncertain { at, cause: why.into() },
        (404, _) => StoreError::NoSuchKey(at),
        (401 | 403, _) => StoreError::Denied { at, why },
        _ => StoreError::Refused { at, why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_have_their_meaning() {
        let check = |status, code: &str, wanted: &str| {
            let error = judge(status, code, Some("in words"), "s3://bucket-1/key");
            let name = format!("{error:?}");
            assert!(name.starts_with(wanted), "{status} {code}: {name}");
            error.to_string()
        };
        check(412, "PreconditionFailed", "Occupied");
        check(409, "ConditionalRequestConflict", "Occupied");
        check(404, "NoSuchKey", "NoSuchKey");
        check(404, "", "NoSuchKey");
        assert!(check(404, "NoSuchBucket", "NoSuchBucket").contains("`bucket-1`"));
        check(403, "AccessDenied", "Denied");
        assert!(check(403, "SignatureDoesNotMatch", "Keys").contains("secret key is not"));
        assert!(check(403, "InvalidAccessKeyId", "Keys").contains("does not know this access key"));
        assert!(check(403, "NotSignedUp", "Keys").contains("is not signed up"));
        assert!(check(400, "ExpiredToken", "Keys").contains("log in again"));
        check(400, "BadDigest", "BadDigest");
        check(400, "RequestTimeout", "Busy");
        check(503, "SlowDown", "Busy");
        check(429, "", "Busy");
        check(500, "InternalError", "Uncertain");
        check(501, "NotImplemented", "Refused");
        check(502, "", "Uncertain");
        check(200, "InternalError", "Uncertain");
        check(200, "SlowDown", "Busy");
        assert!(check(400, "InvalidRequest", "Refused").contains("in words"));
        check(301, "PermanentRedirect", "Refused");
    }
}
