//! `mogile2s3 provision`: makes what a migration at scale needs, and says what it found.

use std::time::Duration;

use adapters::clock::SystemClock;
use clap::Args;
use domain::blueprint::{self, AccessProfile, Blueprint, QueueChoices, Queues, TableNames};
use domain::provision::{Provisioned, provision};
use domain::{BucketMap, limits};

use crate::config::{
    AccessSettings, AwsSettings, JournalSettings, QueueSettings, TargetSettings, TimeSettings,
};
use crate::exit::{Exit, UsageError};
use crate::report::provision::ProvisionReport;
use crate::session::Session;

/// What can be given to `provision`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, of which none says anything of another")]
pub struct Arguments {
    #[command(flatten)]
    access: AccessSettings,

    /// Also change the access to buckets that already hold objects
    #[arg(long)]
    change_access: bool,

    /// Change nothing, and print what would be done
    #[arg(long)]
    dry_run: bool,

    /// Make only the buckets: the deployment's template makes queues and tables
    #[arg(long)]
    buckets_only: bool,

    /// Name of the job queue [default: that of `SQS_URL`, or else mogile2s3-jobs]
    #[arg(long, value_name = "NAME", value_parser = queue_name)]
    queue_name: Option<String>,

    /// Name of the dead-letter queue [default: that of `SQS_DLQ_URL` unless `--queue-name` is
    /// given, or else that of the job queue with `-dead`]
    #[arg(long, value_name = "NAME", value_parser = queue_name)]
    dead_letter_queue_name: Option<String>,

    /// Seconds that the function may take for a batch. A job stays invisible to other workers six
    /// times as long
    #[arg(long, value_name = "N", default_value_t = limits::FUNCTION_TIME.as_secs())]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=limits::FUNCTION_TIME_MOST.as_secs()))]
    function_timeout_seconds: u64,

    /// Days after which an unfinished multipart upload is aborted
    #[arg(long, value_name = "N", default_value_t = limits::ABORT_UPLOADS_AFTER_DAYS)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=365))]
    abort_uploads_after_days: u32,

    /// Print what was found and done, and the settings, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    aws: AwsSettings,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    time: TimeSettings,
}

const NO_PROFILE: &str = "\
--access-profile is missing, and has no default: it decides who can read the archive.
  private             only holders of AWS keys: all public access is blocked, ACLs are refused
  public-policy       anybody may read keys of exactly 40 characters (the files; intermediaries
                      stay private), ACLs are refused: for a contentrepo that sends none
  contentrepo-legacy  the same, and ACLs are accepted: for a stock contentrepo, which writes each
                      file with the ACL `public-read`; S3 refuses its signatures for buckets made
                      after 2020-06-24, except as docs/OPERATING.md says";

/// The ledger where nobody names one.
const LEDGER: &str = "mogile2s3-ledger";

/// The job queue where nobody names one.
const JOBS: &str = "mogile2s3-jobs";

/// Sets everything up. What differs and was left, or was refused, is a finding.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let profile = arguments.access.profile().ok_or_else(|| UsageError(NO_PROFILE.to_owned()))?;
    let buckets = arguments.target.bucket_map()?;
    let tables = arguments.table_names()?;
    // What is wrong with the names is said before AWS is looked for.
    arguments.queue_names()?;
    let session = Session::begin(arguments.json);
    let (site, region) = session.services(&arguments.aws, &arguments.time).site().await?;
    let blueprint = arguments.blueprint(&buckets, profile, &region, &tables)?;

    let done = provision(&site, &SystemClock, &blueprint, arguments.dry_run).await;
    let tables = (!arguments.buckets_only).then_some(&tables);
    let settings = settings(&done, &buckets, tables, (&region, profile));
    session.print(&ProvisionReport::new(done.entries, settings, session.cost()))
}

impl Arguments {
    fn table_names(&self) -> Result<TableNames, UsageError> {
        let given = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let ledger = given(&self.aws.ledger_table).unwrap_or_else(|| LEDGER.to_owned());
        let failures = given(&self.queue.tables.failures_table);
        let verifications = given(&self.queue.tables.verifications_table);
        let journal = given(&self.journal.journal_table);
        let names = TableNames {
            failures: failures.unwrap_or_else(|| TableNames::failures_beside(&ledger)),
            verifications: verifications
                .unwrap_or_else(|| TableNames::verifications_beside(&ledger)),
            journal: journal.unwrap_or_else(|| TableNames::journal_beside(&ledger)),
            ledger,
        };
        for name in [&names.ledger, &names.failures, &names.verifications, &names.journal] {
            table_name(name)?;
        }
        Ok(names)
    }

    /// The queues that flags name, or else the settings of an earlier run.
    fn queue_names(&self) -> Result<(String, String), UsageError> {
        let is_set = |url: &Option<String>| url.as_ref().is_some_and(|url| !url.trim().is_empty());
        let jobs = match &self.queue_name {
            Some(name) => name.clone(),
            None if is_set(&self.queue.queue_url) => self.queue.queue_url()?.name().to_owned(),
            None => JOBS.to_owned(),
        };
        let dead_letters = match &self.dead_letter_queue_name {
            Some(name) => name.clone(),
            None if self.queue_name.is_none() && is_set(&self.queue.dead_letters_url) => {
                self.queue.dead_letters_url()?.name().to_owned()
            }
            None => Queues::dead_letters_beside(&jobs),
        };
        for name in [&jobs, &dead_letters] {
            queue_name(name).map_err(UsageError)?;
        }
        if dead_letters == jobs {
            let text = format!("the queue `{jobs}` cannot be its own dead-letter queue");
            return Err(UsageError(text));
        }
        Ok((jobs, dead_letters))
    }

    fn blueprint(
        &self,
        buckets: &BucketMap,
        profile: AccessProfile,
        region: &str,
        tables: &TableNames,
    ) -> Result<Blueprint, UsageError> {
        let names = buckets.pairs().map(|(_, new)| new);
        let days = self.abort_uploads_after_days;
        let buckets = blueprint::buckets(names, profile, days, self.change_access, region);
        if self.buckets_only {
            return Ok(Blueprint { buckets, queues: None, tables: Vec::new() });
        }
        let (jobs, dead_letters) = self.queue_names()?;
        let function_time = Duration::from_secs(self.function_timeout_seconds);
        let choices = QueueChoices { jobs, dead_letters, function_time };
        let tables = blueprint::tables(tables.clone());
        Ok(Blueprint { buckets, queues: Some(Queues::new(choices)), tables })
    }
}

/// The lines of `.env`, as far as they are known.
pub(crate) fn settings(
    done: &Provisioned,
    buckets: &BucketMap,
    tables: Option<&TableNames>,
    (region, profile): (&str, AccessProfile),
) -> Vec<(&'static str, String)> {
    let pairs = buckets.pairs().map(|(old, new)| format!("{old}:{new}"));
    let mut settings = vec![
        ("AWS_S3_REGION_NAME", region.to_owned()),
        ("BUCKETS", pairs.collect::<Vec<_>>().join(",")),
        ("ACCESS_PROFILE", profile.to_string()),
    ];
    settings.extend(done.jobs_url.clone().map(|url| ("SQS_URL", url)));
    settings.extend(done.dead_letters_url.clone().map(|url| ("SQS_DLQ_URL", url)));
    if let Some(tables) = tables {
        settings.push(("DYNAMODB_TABLE", tables.ledger.clone()));
        settings.push(("DYNAMODB_FAILURES_TABLE", tables.failures.clone()));
        settings.push(("DYNAMODB_VERIFICATIONS_TABLE", tables.verifications.clone()));
        settings.push(("DYNAMODB_JOURNAL_TABLE", tables.journal.clone()));
    }
    settings
}

/// 1 to 80 letters, digits, `-` and `_` (Amazon SQS API reference, `CreateQueue`); a FIFO queue has
/// a dot, and would send duplicates away for good.
fn queue_name(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=80).contains(&name.len()) && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    Err(format!("`{name}` is not the name of a queue, which has 1 to 80 of A-Z a-z 0-9 - _"))
}

/// 3 to 255 letters, digits, `_`, `.` and `-` (Amazon DynamoDB API reference, `CreateTable`).
fn table_name(name: &str) -> Result<(), UsageError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (3..=255).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    let text =
        format!("`{name}` is not the name of a table, which has 3 to 255 of A-Z a-z 0-9 - _ .");
    Err(UsageError(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_aws_would_refuse_are_refused_here() {
        assert!(queue_name("mogile2s3-jobs_2").is_ok());
        for name in ["", "jobs.fifo", "a b", &"a".repeat(81)] {
            assert!(queue_name(name).is_err(), "{name}");
        }
        assert!(table_name("a.b-c_1").is_ok());
        for name in ["", "ab", "a/bc", &"a".repeat(256)] {
            assert!(table_name(name).is_err(), "{name}");
        }
    }
}
