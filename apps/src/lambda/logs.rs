//! What the function writes to CloudWatch: a line of JSON for each event worth a look, and one line
//! of embedded metrics for each batch.

use std::io;
use std::time::Duration;

use domain::engine::{JobEnd, OutageObserver, WorkObserver};
use domain::{Delivery, Outcomes, Reason, ReasonKind, Timestamp, WorkSummary};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

/// Starts logging at the level in `RUST_LOG`: by default warnings of all crates, and information of
/// this function. Files that succeed are logged at `apps=debug`.
pub(super) fn start() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,apps=info"));
    let logs = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter);
    let logs = logs.with_current_span(false).with_span_list(false).with_writer(io::stdout);
    // It only fails where logging was started already.
    let _ = logs.try_init();
}

/// Logs each job of one invocation.
pub(super) struct JobLog<'a> {
    pub(super) request_id: &'a str,
}

impl WorkObserver for JobLog<'_> {
    fn settled(&self, delivery: &Delivery, end: &JobEnd) {
        let (fid, key) = match &delivery.job {
            Ok(job) => (Some(job.fid.0), Some(job.dkey.as_str())),
            Err(bad) => (bad.fid.map(|fid| fid.0), bad.dkey.as_deref()),
        };
        let (attempt, request_id) = (delivery.attempt, self.request_id);
        let message_id = delivery.message.as_str();
        let end = match end {
            JobEnd::Failed(failure) => {
                let reason = failure.reason.kind.name();
                // Nothing is wrong with what only was not its turn.
                if failure.reason.kind == ReasonKind::NotStarted {
                    tracing::info!(fid, key, attempt, request_id, message_id, reason, "{failure}");
                } else {
                    tracing::warn!(fid, key, attempt, request_id, message_id, reason, "{failure}");
                }
                return;
            }
            JobEnd::Migrated(_) => "migrated",
            JobEnd::Verified(_) => "verified",
            JobEnd::Gone => "gone",
            JobEnd::Temporary => "temporary",
            JobEnd::Ignored => "ignored",
        };
        tracing::debug!(fid, key, attempt, request_id, message_id, "{end}");
    }
}

impl OutageObserver for JobLog<'_> {
    fn holding(&self, why: &Reason) {
        let request_id = self.request_id;
        tracing::warn!(request_id, "paused until it can be reached again: {why}");
    }

    fn going_on(&self) {
        let request_id = self.request_id;
        tracing::info!(request_id, "it can be reached again: continuing");
    }
}

/// One batch as CloudWatch's embedded metric format has it: metrics by their names, and beside
/// them the whole account, which a query may ask for reasons and fids.
pub(super) fn metrics(
    function: &str,
    request_id: &str,
    now: Timestamp,
    took: Duration,
    summary: &WorkSummary,
) -> Value {
    let Outcomes { by_copy, by_mogile, already_there, .. } = &summary.ends;
    let verified = &summary.verified;
    let not_started =
        summary.ends.failed.get(ReasonKind::NotStarted.name()).map_or(0, |sample| sample.files);
    let moved = [by_copy, by_mogile];
    let proven = [by_copy, by_mogile, already_there, verified];
    let counts = [
        ("Deliveries", "Count", summary.deliveries),
        ("Proven", "Count", proven.iter().map(|tally| tally.files).sum()),
        ("ByCopy", "Count", by_copy.files),
        ("ByMogile", "Count", by_mogile.files),
        ("AlreadyThere", "Count", already_there.files),
        ("Verified", "Count", verified.files),
        ("Gone", "Count", summary.ends.gone),
        ("GivenBack", "Count", summary.ends.failures()),
        ("NotStarted", "Count", not_started),
        ("Bytes", "Bytes", moved.iter().fold(0, |all: u64, tally| all.saturating_add(tally.bytes))),
        ("BatchTime", "Milliseconds", u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
    ];
    let names = counts.map(|(name, unit, _)| json!({"Name": name, "Unit": unit}));
    let mut line = json!({
        "_aws": {
            "Timestamp": now.0,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": names,
            }],
        },
        "FunctionName": function,
        "request_id": request_id,
        "summary": summary,
    });
    for (name, _, count) in counts {
        line[name] = count.into();
    }
    line
}

/// Of all metrics.
const NAMESPACE: &str = "Mogile2S3";

#[cfg(test)]
mod tests {
    use domain::ByteCount;

    use super::*;

    #[test]
    fn every_metric_that_is_announced_is_there() {
        let mut summary = WorkSummary { deliveries: 3, ..WorkSummary::default() };
        summary.ends.add_proven(Some(domain::Route::Copy), ByteCount(10));
        summary.ends.add_proven(Some(domain::Route::Mogile), ByteCount(5));
        summary.ends.add_proven(None, ByteCount(7));
        let line = metrics("mover", "r-1", Timestamp(99), Duration::from_millis(1234), &summary);
        let announced = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(announced["Namespace"], "Mogile2S3");
        assert_eq!(announced["Dimensions"], json!([["FunctionName"]]));
        for metric in announced["Metrics"].as_array().expect("a list") {
            let name = metric["Name"].as_str().expect("a name");
            assert!(line[name].is_u64(), "{name}: {line}");
        }
        assert_eq!(line["FunctionName"], "mover");
        assert_eq!((&line["Proven"], &line["Bytes"]), (&json!(3), &json!(15)));
        assert_eq!(line["BatchTime"], 1234);
        assert!(!line.to_string().contains('\n'), "CloudWatch takes one line");
    }
}
