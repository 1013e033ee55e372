//! Reads what locks a bucket's objects, and what copies them to other buckets.

use aws_sdk_s3::types::{ObjectLockConfiguration, ReplicationRuleStatus};
use domain::blueprint::ObjectLock;
use domain::ports::SiteError;

use super::refusal::{Refusal, present};
use super::{AwsSite, System};

/// The status of an end that does not implement a request.
const NOT_IMPLEMENTED: u16 = 501;

impl AwsSite {
    pub(super) async fn look_at_replicas(&self, name: &str) -> Result<Vec<String>, SiteError> {
        let request = self.s3.get_bucket_replication().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketReplication", request).await;
        let rules = implemented(answer, "ReplicationConfigurationNotFoundError")?;
        let rules = rules.and_then(|answer| answer.replication_configuration);
        let rules = rules.map(|configuration| configuration.rules).unwrap_or_default();
        let mut replicas: Vec<_> = rules
            .into_iter()
            .filter(|rule| rule.status == ReplicationRuleStatus::Enabled)
            .filter_map(|rule| rule.destination)
            .map(|destination| destination.bucket)
            .collect();
        replicas.sort();
        replicas.dedup();
        Ok(replicas)
    }

    pub(super) async fn look_at_lock(&self, name: &str) -> Result<Option<ObjectLock>, SiteError> {
        let request = self.s3.get_object_lock_configuration().bucket(name).send();
        let answer = self.answer(System::S3, "GetObjectLockConfiguration", request).await;
        let lock = implemented(answer, "ObjectLockConfigurationNotFoundError")?;
        let lock = lock.and_then(|answer| answer.object_lock_configuration);
        Ok(lock.map(|lock| read_lock(&lock)))
    }
}

/// [`None`] where the bucket has no such setting, or the end does not know of any.
pub(super) fn implemented<T>(
    answer: Result<T, Refusal>,
    absent: &str,
) -> Result<Option<T>, SiteError> {
    match answer {
        Err(Refusal { status: NOT_IMPLEMENTED, .. }) => Ok(None),
        answer => present(answer, &[absent]),
    }
}

fn read_lock(lock: &ObjectLockConfiguration) -> ObjectLock {
    let Some(retention) = lock.rule().and_then(|rule| rule.default_retention()) else {
        return ObjectLock::ByRequest;
    };
    let mode = retention.mode().map_or("a mode", |mode| mode.as_str());
    ObjectLock::Each(match (retention.days(), retention.years()) {
        (Some(days), _) => format!("{mode}, {days} days"),
        (None, Some(years)) => format!("{mode}, {years} years"),
        (None, None) => mode.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{
        DefaultRetention, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
    };

    use super::*;

    #[test]
    fn only_a_default_retention_locks_each_object() {
        let lock = |retention: Option<DefaultRetention>| {
            let rule = retention
                .map(|retention| ObjectLockRule::builder().default_retention(retention).build());
            let enabled = ObjectLockEnabled::Enabled;
            let lock = ObjectLockConfiguration::builder().object_lock_enabled(enabled);
            read_lock(&lock.set_rule(rule).build())
        };
        let retention = || DefaultRetention::builder().mode(ObjectLockRetentionMode::Compliance);
        assert_eq!(lock(None), ObjectLock::ByRequest);
        let each = |words: &str| ObjectLock::Each(words.to_owned());
        assert_eq!(lock(Some(retention().days(30).build())), each("COMPLIANCE, 30 days"));
        assert_eq!(lock(Some(retention().years(7).build())), each("COMPLIANCE, 7 years"));
    }
}
