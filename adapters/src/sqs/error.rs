//! What SQS's errors mean, by their code and status. A code has two forms: the one of the JSON
//! protocol, and the one of the older query protocol. An answer may carry either.

use domain::ports::{QueueError, QueueRole};

use super::QueueUrl;
use crate::aws::{Trouble, refused_keys};

/// Translates what went wrong at a queue.
pub(super) fn translate(trouble: Trouble, url: &QueueUrl, role: QueueRole) -> QueueError {
    let queue = url.to_string();
    match trouble {
        Trouble::NotSent(why) => QueueError::Refused { queue, why },
        Trouble::NoAnswer(cause) => QueueError::Unavailable { queue, cause },
        Trouble::Refusal { status, code, why } => match plain(&code) {
            code if let Some((trouble, why)) = refused_keys(code, &why) => {
                QueueError::Keys { queue, why, trouble }
            }
            "QueueDoesNotExist" | "NonExistentQueue" => QueueError::NoQueue { queue, role },
            "InvalidAddress" => QueueError::Refused {
                queue,
                why: format!("{why}; is this the URL of a queue in this region?"),
            },
            code if passes(code) || status == 429 || status >= 500 => {
                QueueError::Unavailable { queue, cause: why.into() }
            }
            _ => QueueError::Refused { queue, why },
        },
    }
}

/// Whether the trouble that a code stands for passes by itself: throttling by SQS or by the key
/// service behind it, the limit of messages in flight, and faults of the service.
pub(super) fn passes(code: &str) -> bool {
    matches!(
        plain(code),
        "RequestThrottled"
            | "RequestThrottledException"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "KmsThrottled"
            | "KMS.ThrottlingException"
            | "OverLimit"
            | "InternalError"
            | "InternalFailure"
            | "InternalServerError"
            | "ServiceUnavailable"
    )
}

/// Removes the prefix that the query protocol puts before a code.
fn plain(code: &str) -> &str {
    code.trim_start_matches("AWS.SimpleQueueService.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::retry::{Classed, ErrorClass};

    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";

    fn told(status: u16, code: &str) -> QueueError {
        let why = format!("{code}: no words");
        let trouble = Trouble::Refusal { status, code: code.to_owned(), why };
        translate(trouble, &URL.parse().expect("a URL"), QueueRole::Jobs)
    }

    #[test]
    fn a_queue_that_is_not_there_is_named_with_what_it_is_for() {
        for code in ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"] {
            let error = told(400, code);
            assert!(matches!(error, QueueError::NoQueue { .. }), "{code}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(URL) && text.contains("the job queue"), "{text}");
        }
    }

    #[test]
    fn what_passes_is_tried_again() {
        for (status, code) in [
            (403, "RequestThrottled"),
            (400, "ThrottlingException"),
            (400, "KmsThrottled"),
            (400, "KMS.ThrottlingException"),
            (400, "OverLimit"),
            (403, "AWS.SimpleQueueService.OverLimit"),
            (429, ""),
            (500, "InternalFailure"),
            (503, "ServiceUnavailable"),
            (502, ""),
        ] {
            assert_eq!(told(status, code).class(), ErrorClass::Retry, "{status} {code}");
        }
        let error = translate(
            Trouble::NoAnswer("gone".into()),
            &URL.parse().expect("a URL"),
            QueueRole::Jobs,
        );
        assert_eq!(error.class(), ErrorClass::Retry);
    }

    #[test]
    fn what_lasts_is_given_up() {
        for (status, code) in [
            (403, "AccessDenied"),
            (403, "AccessDeniedException"),
            (400, "KmsAccessDenied"),
            (400, "KMS.DisabledException"),
            (404, "InvalidAddress"),
            (400, "InvalidParameterValue"),
            (400, ""),
        ] {
            let error = told(status, code);
            assert!(matches!(error, QueueError::Refused { .. }), "{status} {code}: {error:?}");
            assert!(error.to_string().contains(code), "{error}");
        }
        for (code, said) in [
            ("InvalidClientTokenId", "does not know this access key"),
            ("ExpiredToken", "log in again"),
            ("OptInRequired", "is not signed up for this service"),
        ] {
            let error = told(403, code);
            assert!(matches!(error, QueueError::Keys { .. }), "{code}: {error:?}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
