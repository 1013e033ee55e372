use std::time::Duration;

use super::examine::not_seen;
use crate::blueprint::QueueState;
use crate::ports::SiteLooks;
use crate::{Check, limits};

/// The URLs of both queues. They say in which account and region each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// The job queue's.
    pub jobs: String,
    /// The dead-letter queue's, where the settings name one.
    pub dead_letters: Option<String>,
}

/// Looks at the times of the queues, and at where the job queue's dead letters go. A queue that is missing
/// is left to the checks that read it. Returns what the job queue is like, too.
pub async fn examine_queue_settings<S: SiteLooks + ?Sized>(
    site: &S,
    urls: &QueueUrls,
) -> (Vec<Check>, Option<QueueState>) {
    let (subject, fact) = ("queue", "its settings can be read");
    let jobs = match site.queue_at(&urls.jobs).await {
        Ok(Some(jobs)) => jobs,
        Ok(None) => return (Vec::new(), None),
        Err(error) => return (vec![not_seen(subject, fact, &error)], None),
    };
    let mut checks = vec![examine_retention(subject, jobs.retention, limits::JOB_RETENTION)];
    let Some(named) = &urls.dead_letters else { return (checks, Some(jobs)) };
    match site.queue_at(named).await {
        Ok(Some(letters)) => {
            checks.extend(jobs.redrive.as_ref().map(|to| examine_redrive(&to.to_arn, &letters)));
            let wanted = limits::DEAD_LETTER_RETENTION;
            checks.push(examine_retention("dead-letter queue", letters.retention, wanted));
        }
        Ok(None) => {}
        Err(error) => checks.push(not_seen("dead-letter queue", fact, &error)),
    }
    (checks, Some(jobs))
}

/// By their ARNs: a queue of the same name may be in another account or region.
fn examine_redrive(to: &str, letters: &QueueState) -> Check {
    let fact = "its dead letters go to the queue of SQS_DLQ_URL";
    if to == letters.arn {
        return Check::good("queue", fact, format!("`{to}`"));
    }
    let detail = format!(
        "SQS sends them to `{to}`, and SQS_DLQ_URL names `{}`: `dlq` and `status` would not see them. Set \
         SQS_DLQ_URL to the URL of `{to}`, or correct the redrive policy of the queue",
        letters.arn
    );
    Check::bad("queue", fact, detail)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Health::{Bad, Good};

    #[test]
    fn a_queue_of_the_same_name_elsewhere_is_another_queue() {
        let letters = QueueState {
            url: String::new(),
            arn: "arn:aws:sqs:us-east-1:111:jobs-dead".to_owned(),
            retention: Duration::ZERO,
            visibility: Duration::ZERO,
            redrive: None,
        };
        for (to, health) in [
            ("arn:aws:sqs:us-east-1:111:jobs-dead", Good),
            ("arn:aws:sqs:us-east-1:222:jobs-dead", Bad),
            ("arn:aws:sqs:eu-west-1:111:jobs-dead", Bad),
            ("arn:aws:sqs:us-east-1:111:other", Bad),
        ] {
            assert_eq!(examine_redrive(to, &letters).health, health, "{to}");
        }
    }
}
