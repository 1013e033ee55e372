use std::time::Duration;

use super::examine::not_seen;
use crate::blueprint::QueueState;
use crate::ports::Site;
use crate::{Check, limits};

/// The names of both queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNames {
    /// The job queue's.
    pub jobs: String,
    /// The dead-letter queue's, where the settings name one.
    pub dead_letters: Option<String>,
}

/// Looks at the times of the queues, and at where the job queue's dead letters go. A queue that is missing
/// is left to the checks that read it. Returns what the job queue is like, too.
pub async fn examine_queue_settings(
    site: &dyn Site,
    names: &QueueNames,
) -> (Vec<Check>, Option<QueueState>) {
    let (subject, fact) = ("queue", "its settings can be read");
    let jobs = match site.queue(&names.jobs).await {
        Ok(Some(jobs)) => jobs,
        Ok(None) => return (Vec::new(), None),
        Err(error) => return (vec![not_seen(subject, fact, &error)], None),
    };
    let mut checks = vec![examine_retention(subject, jobs.retention, limits::JOB_RETENTION)];
    let letters_to = names.dead_letters.as_ref();
    if let (Some(redrive), Some(named)) = (&jobs.redrive, letters_to) {
        let fact = "its dead letters go to the queue of SQS_DLQ_URL";
        let to = redrive.to_arn.rsplit(':').next().unwrap_or_default();
        checks.push(if to == named {
            Check::good(subject, fact, format!("`{named}`"))
        } else {
            let detail = format!(
                "SQS sends them to `{to}`, and SQS_DLQ_URL names `{named}`: `dlq` and `status` would not \
                 see them. Set SQS_DLQ_URL to `{to}`, or correct the redrive policy of the queue"
            );
            Check::bad(subject, fact, detail)
        });
    }
    if let Some(named) = letters_to {
        let subject = "dead-letter queue";
        match site.queue(named).await {
            Ok(Some(letters)) => {
                let wanted = limits::DEAD_LETTER_RETENTION;
                checks.push(examine_retention(subject, letters.retention, wanted));
            }
            Ok(None) => {}
            Err(error) => checks.push(not_seen(subject, fact, &error)),
        }
    }
    (checks, Some(jobs))
}

/// SQS deletes what is older, worked on or not.
fn examine_retention(subject: &str, found: Duration, wanted: Duration) -> Check {
    let fact = "its messages are kept as long as SQS can";
    let words = |time: Duration| match time.as_secs() / 3_600 {
        hours if hours >= 48 => format!("{} days", hours / 24),
        hours if hours >= 1 => format!("{hours} hours"),
        _ => format!("{} s", time.as_secs()),
    };
    if found >= wanted {
        return Check::good(subject, fact, words(found));
    }
    let detail = format!(
        "SQS deletes them after {}, whether they were worked on or not, and it can keep them for {}: \
         `mogile2s3 provision`, which needs --access-profile, sets that",
        words(found),
        words(wanted)
    );
    if found < SHORTEST {
        return Check::bad(subject, fact, detail);
    }
    Check::caution(subject, fact, detail)
}

/// Messages must outlive a weekend's outage.
const SHORTEST: Duration = Duration::from_hours(72);
