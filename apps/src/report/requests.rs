//! What a command cost: requests by kind, and time.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use adapters::calls::{Calls, Outcomes};
use indicatif::HumanCount;
use serde::{Serialize, Serializer};

/// The requests that a command sent, and the time that it took.
#[derive(Debug, Default, Serialize)]
pub struct Cost {
    /// Requests by kind, such as `S3 COPY`.
    pub requests: BTreeMap<String, RequestCount>,
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
}

/// Requests of one kind.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct RequestCount {
    pub ok: u64,
    /// Refused or unanswered. The same may have been asked again, with success.
    pub failed: u64,
}

impl Cost {
    /// Counts all requests so far.
    pub fn new(calls: &Calls, took: Duration) -> Self {
        let requests = calls.all().into_iter();
        let requests = requests.map(|((system, operation), Outcomes { ok, failed })| {
            (format!("{system} {operation}"), RequestCount { ok, failed })
        });
        Self { requests: requests.collect(), took }
    }
}

/// Requests by kind, in one line.
pub fn write_requests(out: &mut String, cost: &Cost) -> fmt::Result {
    let requests = cost.requests.iter().map(|(name, count)| match count.failed {
        0 => format!("{name} {}", HumanCount(count.ok)),
        failed => {
            let without = HumanCount(failed);
            format!("{name} {} (and {without} without success)", HumanCount(count.ok))
        }
    });
    writeln!(out, "Requests: {}", requests.collect::<Vec<_>>().join(", "))?;
    if cost.requests.values().all(|count| count.failed == 0) {
        return Ok(());
    }
    writeln!(
        out,
        "  (one without success was repeated, or its answer decided what to do next: of files that \
         failed see the classes above)"
    )
}

/// For machines: seconds, to the millisecond.
fn in_seconds<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_repeated_with_success_has_not_failed() {
        let of = |failed| {
            let requests = [("S3 COPY".to_owned(), RequestCount { ok: 5, failed })].into();
            let mut said = String::new();
            let cost = Cost { requests, took: Duration::ZERO };
            write_requests(&mut said, &cost).expect("a string takes it");
            said
        };
        assert_eq!(of(0), "Requests: S3 COPY 5\n");
        let repeated = of(2);
        let line =
            "Requests: S3 COPY 5 (and 2 without success)\n  (one without success was repeated";
        assert!(repeated.starts_with(line), "{repeated}");
        assert!(!repeated.contains("2 failed"), "{repeated}");
    }
}
