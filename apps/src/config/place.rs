//! The settings that say where a migration is, and how they are handed on to another command.

use clap::Args;
use domain::BucketMap;

use super::{
    AwsSettings, JournalSettings, QueueSettings, SourceSettings, TimeSettings, parse_buckets,
};
use crate::exit::UsageError;

/// The settings that say where a migration is.
#[derive(Debug, Clone, Args)]
pub struct MigrationSettings {
    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    ignore_buckets: String,

    /// MogileFS.
    #[command(flatten)]
    pub source: SourceSettings,

    /// The queue, and the tables beside the ledger.
    #[command(flatten)]
    pub queue: QueueSettings,

    /// The journal.
    #[command(flatten)]
    pub journal: JournalSettings,

    /// The time limits.
    #[command(flatten)]
    pub time: TimeSettings,

    /// AWS, beside the standard environment.
    #[command(flatten)]
    pub aws: AwsSettings,
}

impl MigrationSettings {
    /// The bucket map, with at least one entry.
    pub fn bucket_map(&self) -> Result<BucketMap, UsageError> {
        parse_buckets(&self.buckets, &self.ignore_buckets)
    }

    /// All of them as variables of the environment: another command of this program then works in the same
    /// place, also where a flag named it here.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let Self { source, queue, journal, time, aws, .. } = self;
        let tables = &queue.tables;
        let database = source.database_url.as_ref().map(|url| url.0.clone());
        let trackers = (!source.trackers.is_empty()).then(|| source.trackers.join(","));
        let some = |name, value: &Option<String>| value.clone().map(|value| (name, value));
        [
            some("MOGILE_DATABASE_URL", &database),
            some("MOGILE_TRACKERS", &trackers),
            some("MOGILE_STORAGE_HOSTS", &source.storage_hosts),
            some("SQS_URL", &queue.queue_url),
            some("SQS_DLQ_URL", &queue.dead_letters_url),
            some("DYNAMODB_FAILURES_TABLE", &tables.failures_table),
            some("DYNAMODB_VERIFICATIONS_TABLE", &tables.verifications_table),
            some("DYNAMODB_JOURNAL_TABLE", &journal.journal_table),
            some("AWS_S3_REGION_NAME", &aws.region),
            some("DYNAMODB_TABLE", &aws.ledger_table),
            Some(("BUCKETS", self.buckets.clone())),
            Some(("IGNORE_BUCKETS", self.ignore_buckets.clone())),
            Some(("MOGILE_DOMAIN", source.domain.clone())),
            Some(("MOGILE_TRACKER_CONNECTIONS", source.tracker_connections.to_string())),
            Some(("MOGILE_NODE_CONNECTIONS", source.node_connections.to_string())),
            Some(("REQUEST_TIMEOUT_SECONDS", time.request_timeout_seconds.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::{Command, FromArgMatches};

    use super::*;

    #[test]
    fn every_setting_is_handed_on_as_it_was_given() {
        let command = MigrationSettings::augment_args(Command::new("test"));
        let mut given = BTreeMap::new();
        let mut words = vec!["test".to_owned()];
        for (number, argument) in (1..).zip(command.get_arguments()) {
            let (Some(name), Some(flag)) = (argument.get_env(), argument.get_long()) else {
                panic!("{argument:?} is no setting")
            };
            words.extend([format!("--{flag}"), number.to_string()]);
            given.insert(name.to_str().expect("a text").to_owned(), number.to_string());
        }
        assert!(given.len() > 10, "{given:?}");
        let matches = command.try_get_matches_from(words).expect("settings");
        let settings = MigrationSettings::from_arg_matches(&matches).expect("settings");
        let handed: BTreeMap<_, _> = settings
            .variables()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(handed, given);
    }
}
