//! Translates the answers of Lambda and of the function.

use domain::ports::FunctionError;
use serde_json::Value;

use crate::aws::{Trouble, refused_keys};

/// What an answer is read as.
pub(super) type Form<T> = fn(Value) -> Result<T, serde_json::Error>;

/// Reads the function's answer. `failed` means that Lambda marked the payload as the function's
/// error.
pub(super) fn read<T>(
    failed: bool,
    payload: &[u8],
    function: &str,
    form: Form<T>,
) -> Result<T, FunctionError> {
    let function = function.to_owned();
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else {
        let why = format!("it answered what is not JSON, in {} bytes", payload.len());
        return Err(FunctionError::Refused { function, why });
    };
    if failed {
        let text = |name: &str| payload[name].as_str().unwrap_or_default();
        let (kind, message) = (text("errorType"), text("errorMessage"));
        let said = shortened(&format!("{kind}: {message}"));
        return Err(match kind {
            "UnknownEvent" => FunctionError::Older { function, said },
            _ => FunctionError::Refused {
                function,
                why: format!("it failed: {said}; its log in CloudWatch says more"),
            },
        });
    }
    form(payload.clone()).map_err(|error| FunctionError::Older {
        function,
        said: format!("its answer has {error}: {}", shortened(&payload.to_string())),
    })
}

/// Translates an error of Lambda itself: the function has not answered.
pub(super) fn translate(trouble: Trouble, function: &str) -> FunctionError {
    let function = function.to_owned();
    match trouble {
        Trouble::NotSent(why) => FunctionError::Refused { function, why },
        Trouble::NoAnswer(cause) => FunctionError::Unavailable { function, cause },
        Trouble::Refusal { status, code, why } => match code.as_str() {
            "ResourceNotFoundException" => FunctionError::NoFunction { function },
            "AccessDeniedException" | "AccessDenied" => {
                let why = format!("{why}; allow these AWS keys lambda:InvokeFunction on it");
                FunctionError::Denied { function, why }
            }
            code if let Some((_, why)) = refused_keys(code, &why) => {
                FunctionError::Refused { function, why }
            }
            // Throttled; and a function whose network is being set up again answers with 502.
            _ if status == 429 || status >= 500 => {
                FunctionError::Unavailable { function, cause: why.into() }
            }
            _ => FunctionError::Refused { function, why },
        },
    }
}

/// The most characters of an answer that an error repeats.
const REPEATED: usize = 200;

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(REPEATED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use domain::retry::{Classed, ErrorClass};
    use domain::{Formats, FunctionHealth, Health, WorkerReport};
    use serde_json::json;

    use super::*;

    fn told(failed: bool, payload: &Value) -> Result<WorkerReport, FunctionError> {
        read(failed, payload.to_string().as_bytes(), "worker", serde_json::from_value)
    }

    fn a_report() -> Value {
        json!({
            "version": "0.1.0",
            "formats": {"jobs": 1, "ledger": 2, "verifications": 3},
            "domain": "repo",
            "buckets": "a:aaa"
        })
    }

    #[test]
    fn a_report_is_read() {
        let report = told(false, &a_report()).expect("a report");
        assert_eq!(report.formats, Formats { jobs: 1, ledger: 2, verifications: 3, failures: 1 });
        assert_eq!((report.version.as_str(), report.buckets.as_str()), ("0.1.0", "a:aaa"));
    }

    #[test]
    fn what_a_function_sees_is_read_with_its_settings_or_without() {
        let checks = json!([
            {"subject": "ledger", "fact": "f", "health": "unreachable", "detail": "d"},
        ]);
        let told = |payload: Value| {
            let bytes = payload.to_string();
            read::<FunctionHealth>(false, bytes.as_bytes(), "worker", serde_json::from_value)
        };
        let mut health = a_report();
        health["checks"] = checks;
        let without = told(health.clone()).expect("its checks");
        assert_eq!((without.checks[0].health, without.settings.len()), (Health::Unreachable, 0));
        health["settings"] = json!({"DYNAMODB_TABLE": "ledger"});
        let with = told(health).expect("its checks");
        assert_eq!(with.settings["DYNAMODB_TABLE"], "ledger");
        let error = told(a_report()).expect_err("no checks");
        assert!(matches!(error, FunctionError::Older { .. }), "{error:?}");
    }

    #[test]
    fn a_function_that_does_not_know_the_question_is_older() {
        let unknown = json!({
            "errorType": "UnknownEvent",
            "errorMessage": "nothing was done: what came is an object with `report`"
        });
        let mut without_formats = a_report();
        without_formats.as_object_mut().expect("an object").remove("formats");
        let mut without_domain = a_report();
        without_domain.as_object_mut().expect("an object").remove("domain");
        let mut with_fewer = a_report();
        with_fewer["formats"].as_object_mut().expect("an object").remove("ledger");
        for (failed, payload, said) in [
            (true, unknown, "object with `report`"),
            (false, without_formats, "formats"),
            (false, without_domain, "domain"),
            (false, with_fewer, "ledger"),
            (false, json!({"healthy": true, "checks": []}), "version"),
            (false, json!({"batchItemFailures": []}), "batchItemFailures"),
            (false, json!(null), "null"),
        ] {
            let error = told(failed, &payload).expect_err("no report");
            assert!(matches!(error, FunctionError::Older { .. }), "{payload}: {error:?}");
            let text = error.to_string();
            assert!(text.contains("`worker`") && text.contains(said), "{text}");
            assert_eq!(error.class(), ErrorClass::GiveUp);
        }
    }

    #[test]
    fn a_function_that_fails_is_not_older() {
        let message = "RequestId: 1 Error: Runtime exited with error: exit status 2";
        let crashed = json!({"errorType": "Runtime.ExitError", "errorMessage": message});
        // An error's payload may look like a report.
        for payload in [crashed, a_report()] {
            let error = told(true, &payload).expect_err("it failed");
            assert!(matches!(error, FunctionError::Refused { .. }), "{error:?}");
            assert!(error.to_string().contains("CloudWatch"), "{error}");
        }
        let error = read::<WorkerReport>(false, b"<html>", "worker", serde_json::from_value)
            .expect_err("no JSON");
        assert!(matches!(error, FunctionError::Refused { .. }), "{error:?}");
    }

    #[test]
    fn a_long_answer_is_repeated_in_part() {
        let long = json!({"errorType": "UnknownEvent", "errorMessage": "ü".repeat(10_000)});
        let text = told(true, &long).expect_err("no report").to_string();
        assert!(text.len() < 1_000, "{}", text.len());
    }

    fn refusal(status: u16, code: &str) -> FunctionError {
        let why = format!("{code}: no words");
        translate(Trouble::Refusal { status, code: code.to_owned(), why }, "worker")
    }

    #[test]
    fn what_lambda_refuses_is_told_by_what_mends_it() {
        assert!(matches!(
            refusal(404, "ResourceNotFoundException"),
            FunctionError::NoFunction { .. }
        ));
        for (status, code, hint) in [
            (403, "UnrecognizedClientException", "does not know this access key"),
            (403, "ExpiredTokenException", "log in again"),
            (400, "InvalidParameterValueException", "InvalidParameterValueException"),
        ] {
            let error = refusal(status, code);
            assert!(matches!(error, FunctionError::Refused { .. }), "{code}: {error:?}");
            assert!(error.to_string().contains(hint), "{error}");
        }
        let denied = refusal(403, "AccessDeniedException");
        assert!(matches!(denied, FunctionError::Denied { .. }), "{denied:?}");
        assert!(denied.to_string().contains("lambda:InvokeFunction"), "{denied}");
    }

    #[test]
    fn what_passes_can_be_asked_again() {
        for (status, code) in [
            (429, "TooManyRequestsException"),
            (500, "ServiceException"),
            (502, "ResourceNotReadyException"),
            (503, ""),
        ] {
            assert_eq!(refusal(status, code).class(), ErrorClass::Retry, "{status} {code}");
        }
        let error = translate(Trouble::NoAnswer("gone".into()), "worker");
        assert_eq!(error.class(), ErrorClass::Retry);
    }
}
