use std::time::Duration;

use super::examine::not_seen;
use crate::blueprint::QueueState;
use crate::ports::{QueueConsumer, QueueConsumers};
use crate::retry::{Classed, ErrorClass};
use crate::{Check, limits};

/// Looks at which functions Lambda hands the jobs of a queue to, and whether a delivery stays invisible for
/// long enough. `function` is the one that the settings name, by its name or ARN.
pub async fn examine_consumers(
    consumers: &dyn QueueConsumers,
    queue: &QueueState,
    function: Option<&str>,
) -> Vec<Check> {
    let (subject, fact) = ("queue", "no function but that of LAMBDA_FUNCTION takes its jobs");
    let all = match consumers.consumers(&queue.arn).await {
        Ok(all) => all,
        Err(error) if error.class() == ErrorClass::Retry => {
            return vec![not_seen(subject, fact, &error)];
        }
        Err(error) => {
            let detail = format!(
                "{error}. It was not looked at: give these keys lambda:ListEventSourceMappings (docs/IAM.md)"
            );
            return vec![Check::caution(subject, fact, detail)];
        }
    };
    let is_ours = |consumer: &&QueueConsumer| function.is_some_and(|ours| consumer.is_of(ours));
    let others: Vec<_> = all.iter().filter(|it| it.enabled).filter(|it| !is_ours(it)).collect();
    let mut checks = vec![match (others.first(), function) {
        (None, _) => Check::good(subject, fact, format!("{} mappings looked at", all.len())),
        (Some(QueueConsumer { function, uuid, .. }), Some(_)) => {
            let detail = format!(
                "the function `{function}` takes jobs, too. Another program writes there by rules of its own, \
                 and what it does is not proven. Disable its mapping before any job is sent: aws lambda \
                 update-event-source-mapping --uuid {uuid} --no-enabled"
            );
            Check::bad(subject, fact, detail)
        }
        (Some(QueueConsumer { function, uuid, .. }), None) => {
            let detail = format!(
                "the function `{function}` takes its jobs. Where that is the worker of this program, set \
                 LAMBDA_FUNCTION to it. If not, disable its mapping before any job is sent: aws lambda \
                 update-event-source-mapping --uuid {uuid} --no-enabled"
            );
            Check::bad(subject, fact, detail)
        }
    }];
    if let Some(function) = function {
        let ours = all.iter().find(is_ours);
        checks.push(examine_ours(ours));
        if ours.is_some() {
            checks.extend(examine_time(consumers, queue.visibility, function).await);
        }
    }
    checks
}

/// Lambda hands a batch back as a whole where the function is throttled, and tries again for as long as the
/// batch is invisible to others (Lambda developer guide, "Configuring a queue to use with Lambda").
async fn examine_time(
    consumers: &dyn QueueConsumers,
    visibility: Duration,
    function: &str,
) -> Option<Check> {
    let (subject, fact) = ("queue", "a job stays invisible for as long as Lambda may need it");
    let time = match consumers.function_time(function).await {
        Ok(time) => time?,
        Err(error) if error.class() == ErrorClass::Retry => {
            return Some(not_seen(subject, fact, &error));
        }
        Err(error) => {
            let detail = format!(
                "{error}. It was not looked at: give these keys lambda:GetFunctionConfiguration \
                 (docs/IAM.md)"
            );
            return Some(Check::caution(subject, fact, detail));
        }
    };
    let (is, may, wanted) =
        (visibility.as_secs(), time.as_secs(), limits::visibility(time).as_secs());
    let found = format!("invisible for {is} s, and the function may take {may} s");
    if is >= wanted {
        return Some(Check::good(subject, fact, found));
    }
    let what_mends = format!(
        "Lambda asks for {} times as long, {wanted} s: `mogile2s3 provision --function-timeout-seconds \
         {may}`, which needs --access-profile, sets that",
        limits::VISIBILITY_TIMES
    );
    Some(if is < may {
        let detail = format!(
            "{found}: two of its processes work on the same job, and deliveries are used up. {what_mends}"
        );
        Check::bad(subject, fact, detail)
    } else {
        let detail = format!("{found}: a batch that is throttled comes back early. {what_mends}");
        Check::caution(subject, fact, detail)
    })
}

fn examine_ours(ours: Option<&QueueConsumer>) -> Check {
    let (subject, fact) = ("queue", "Lambda hands its jobs to the function of LAMBDA_FUNCTION");
    match ours {
        None => {
            let detail = "the queue has no mapping to it: jobs wait for `mogile2s3 work`. Deploy the \
                          template (docs/OPERATING.md), which makes one, or correct SQS_URL";
            Check::caution(subject, fact, detail)
        }
        Some(QueueConsumer { enabled: false, uuid, .. }) => {
            let detail = format!(
                "the mapping is disabled, and jobs wait: aws lambda update-event-source-mapping --uuid \
                 {uuid} --enabled, when they are to be worked on"
            );
            Check::caution(subject, fact, detail)
        }
        Some(QueueConsumer { returns_single_messages: false, .. }) => {
            let detail = "the mapping lacks ReportBatchItemFailures: one failed job brings its whole batch \
                          back, and uses up deliveries. Deploy the template (docs/OPERATING.md)";
            Check::bad(subject, fact, detail)
        }
        Some(_) => Check::good(subject, fact, "the mapping is enabled"),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::Health::{self, Bad, Caution, Good};
    use crate::ports::SiteError;

    /// The mappings, and the seconds that the function may take.
    struct Maps(Vec<QueueConsumer>, Option<u64>);

    fn queue(visibility: u64) -> QueueState {
        QueueState {
            url: String::new(),
            arn: "arn".to_owned(),
            retention: Duration::ZERO,
            visibility: Duration::from_secs(visibility),
            redrive: None,
        }
    }

    #[async_trait]
    impl QueueConsumers for Maps {
        async fn consumers(&self, _: &str) -> Result<Vec<QueueConsumer>, SiteError> {
            Ok(self.0.clone())
        }

        async fn function_time(&self, _: &str) -> Result<Option<Duration>, SiteError> {
            let denied = SiteError::Refused { call: "GetFunctionConfiguration", why: "no".into() };
            self.1.map(|seconds| Some(Duration::from_secs(seconds))).ok_or(denied)
        }
    }

    /// `name`, `-` before it where it is disabled, `!` where it gives whole batches back.
    fn consumer(text: &str) -> QueueConsumer {
        QueueConsumer {
            uuid: "0a1b".to_owned(),
            function: text.trim_start_matches(['-', '!']).to_owned(),
            enabled: !text.starts_with('-'),
            returns_single_messages: !text.starts_with('!'),
        }
    }

    #[test]
    fn another_function_on_the_queue_is_named() {
        let check = |named: Option<&str>, all: &[&str], healths: &[Health], words: &str| {
            let maps = Maps(all.iter().map(|text| consumer(text)).collect(), Some(120));
            let checks = examine_consumers(&maps, &queue(720), named).now_or_never();
            let checks = checks.expect("no wait");
            let found: Vec<_> = checks.iter().map(|check| check.health).collect();
            assert_eq!(found, healths, "{checks:?}");
            assert!(checks.iter().any(|check| check.detail.contains(words)), "{words}: {checks:?}");
        };
        check(None, &[], &[Good], "0 mappings");
        check(None, &["-old"], &[Good], "1 mappings");
        check(None, &["old"], &[Bad], "`old` takes its jobs");
        check(Some("ours"), &["ours"], &[Good, Good, Good], "enabled");
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:ours:7";
        check(Some(arn), &["ours"], &[Good, Good, Good], "enabled");
        check(Some("ours"), &["ours", "old"], &[Bad, Good, Good], "--uuid 0a1b --no-enabled");
        check(Some("ours"), &["-ours"], &[Good, Caution, Good], "--uuid 0a1b --enabled");
        check(Some("ours"), &["!ours"], &[Good, Bad, Good], "ReportBatchItemFailures");
        check(Some("ours"), &[], &[Good, Caution], "no mapping");
    }

    #[test]
    fn a_job_that_is_visible_before_its_function_has_ended_is_told() {
        for (visibility, time, health, words) in [
            (720, Some(120), Good, "invisible for 720 s, and the function may take 120 s"),
            (719, Some(120), Caution, "6 times as long, 720 s"),
            (120, Some(120), Caution, "--function-timeout-seconds 120"),
            (119, Some(120), Bad, "two of its processes work on the same job"),
            (0, Some(1), Bad, "invisible for 0 s"),
            (720, None, Caution, "give these keys lambda:GetFunctionConfiguration"),
        ] {
            let maps = Maps(vec![consumer("ours")], time);
            let checks = examine_consumers(&maps, &queue(visibility), Some("ours")).now_or_never();
            let checks = checks.expect("no wait");
            let last = checks.last().expect("a check");
            assert_eq!(last.health, health, "{last:?}");
            assert!(last.detail.contains(words), "{words}: {last:?}");
        }
    }
}
