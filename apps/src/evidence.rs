//! What a command writes into the journal when it comes to its end: the gates of the cut-over and the runbook
//! rest on it.

pub mod counted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters::clock::SystemClock;
use anyhow::anyhow;
use domain::journal::{Content, ContentRead, Evidence, EvidenceOutcome, MigrationPlace};
use domain::ports::Clock;
use domain::runbook::JournalWriter;
use domain::store_state::RowsDigest;
use domain::{BucketMap, Stopped};
use tokio::time::timeout;

use crate::config::{AwsSettings, JournalSettings, QueueSettings, SourceSettings, TableSettings};
use crate::exit::{UsageError, Verdict, in_one_line};
use crate::journal::{OperatorSettings, random, refused};
use crate::report::Teller;
use crate::wiring::Services;

/// What a command knows of MogileFS.
#[derive(Clone, Copy)]
pub enum MogileSettings<'a> {
    /// All settings.
    All(&'a SourceSettings),
    /// The name of the domain alone: the command asks MogileFS nothing.
    Domain(&'a str),
}

/// The settings that say where a migration is.
pub struct PlaceSettings<'a> {
    /// MogileFS.
    pub source: MogileSettings<'a>,
    /// Where buckets go.
    pub buckets: &'a BucketMap,
    /// The ledger.
    pub aws: &'a AwsSettings,
    /// The tables beside it.
    pub tables: &'a TableSettings,
    /// The journal.
    pub journal: &'a JournalSettings,
    /// The queue, where the command has the setting.
    pub queue: Option<&'a QueueSettings>,
}

/// What a command found.
pub struct Ended {
    /// The command without its flags.
    pub step: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What it counted, by the names of its report.
    pub counted: BTreeMap<String, u64>,
    /// The rows of mapped buckets that it read, where it read all of them.
    pub content: Option<RowsDigest>,
    /// The verification that it compared with.
    pub run: Option<String>,
    /// How much content it read, where it is a command that may.
    pub read: Option<ContentRead>,
    /// The names of the flags that allow what would be findings, such as `allow-extra`.
    pub allowed: Vec<String>,
    /// The last entry of the journal when it began, as [`begin`] returns it.
    pub from: Option<u64>,
}

impl Ended {
    /// The end of a command that read no content and compared no verification.
    pub fn new(
        step: &'static str,
        verdict: Verdict,
        counted: BTreeMap<String, u64>,
        from: Option<u64>,
    ) -> Self {
        let (content, run, read, allowed) = (None, None, None, Vec::new());
        Self { step, verdict, counted, content, run, read, allowed, from }
    }
}

/// The time that writing the result may take: the command's work is done, and its report is printed.
const AT_MOST: Duration = Duration::from_secs(30);

/// The step of the evidence that `doctor` writes. No order decides whether it counts.
pub const DOCTOR: &str = "doctor";

impl PlaceSettings<'_> {
    /// The systems of today, for the AWS account of these keys.
    pub async fn place(
        &self,
        services: &Services<'_>,
        account: Option<String>,
    ) -> Result<MigrationPlace, UsageError> {
        let Self { source, buckets, aws, tables, journal, queue } = self;
        let (domain, database) = match source {
            MogileSettings::All(source) => (source.domain.as_str(), source.database()?),
            MogileSettings::Domain(domain) => (*domain, None),
        };
        let queue = queue.filter(|queue| queue.is_named());
        let queue = queue.map(QueueSettings::queue_url).transpose()?;
        Ok(MigrationPlace {
            account,
            region: services.region().await?,
            s3_endpoint: services.s3_endpoint().await?,
            domain: domain.to_owned(),
            buckets: buckets.pairs().map(|(old, new)| format!("{old}:{new}")).collect(),
            tables: vec![
                aws.ledger_table()?,
                tables.failures_table(aws)?,
                tables.verifications_table(aws)?,
                journal.journal_table(aws)?,
            ],
            queue: queue.map(|url| url.to_string()),
            database: database.map(|url| url.name().to_owned()),
        })
    }
}

/// The number of the journal's last entry, 0 where it has none; [`None`] where it cannot be read. Ask this before the
/// command reads anything: its result counts for nothing that is written behind this entry.
pub async fn begin(services: &Services<'_>, settings: &JournalSettings) -> Option<u64> {
    let journal = services.journal(settings).await.ok()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let by = (String::new(), random());
    let opened = timeout(AT_MOST, Box::pin(JournalWriter::open(journal, clock, by))).await;
    let why = match opened {
        Ok(Ok(writer)) => return Some(writer.head().map_or(0, |head| head.sequence)),
        Ok(Err(why)) => why.to_string(),
        Err(_) => "DynamoDB did not answer in time".to_owned(),
    };
    tracing::warn!(
        "the journal cannot be read, and so it is not known what was decided when this command began: {why}. Its \
         result will clear no finding, and will not count behind a freeze"
    );
    None
}

/// The names of those flags that are given.
pub fn flags(all: &[(&str, bool)]) -> Vec<String> {
    let given = all.iter().filter(|(_, is_given)| *is_given);
    given.map(|(name, _)| (*name).to_owned()).collect()
}

/// Whether the end of a command says anything: not where its settings were wrong, nor where it was stopped before it
/// had read a row.
pub const fn says_something(stopped: Option<&Stopped>, rows: u64) -> bool {
    match stopped {
        None => true,
        Some(Stopped::Misconfigured(_)) => false,
        Some(Stopped::Trouble(_) | Stopped::Failures(_) | Stopped::Interrupted) => rows > 0,
    }
}

/// Writes the result of a command into the journal. The command's exit code stays as it is: where the entry
/// cannot be written a line on stderr says so, and what that means. Returns whether it was written.
pub async fn write_end(
    services: &Services<'_>,
    settings: &PlaceSettings<'_>,
    operator: &OperatorSettings,
    ended: Ended,
) -> bool {
    let (step, from) = (ended.step, ended.from);
    let written = timeout(AT_MOST, Box::pin(write(services, settings, operator, ended))).await;
    let written = written.unwrap_or_else(|_| {
        let seconds = AT_MOST.as_secs();
        Err(anyhow!("STS and DynamoDB did not answer within {seconds} seconds"))
    });
    if let Err(error) = &written {
        let why = in_one_line(error);
        not_written(
            step,
            &why,
            "correct this (docs/IAM.md has the rights), then run the same command again",
        );
    } else if from.is_none() && step != DOCTOR {
        Teller::plain().say(&format!(
            "THE JOURNAL DOES NOT HAVE THE BEGIN of `{step}`: it could not be read then, or a file of `--state` does not \
             have it. The report above stands. Its result clears no finding, and does not count behind a freeze\n  → \
             run the command again, with another file where it has `--state`"
        ));
    }
    written.is_ok()
}

/// Says that the result of this command is no entry of the journal, why, and what to do.
pub fn not_written(step: &str, why: &str, next: &str) {
    Teller::plain().say(&format!(
        "THE JOURNAL DOES NOT HAVE THIS RESULT of `{step}`: {why}\nThe report above stands, and no data was changed \
         by this. The gates of `cutover` and the runbook do not see the result\n  → {next}"
    ));
}

async fn write(
    services: &Services<'_>,
    settings: &PlaceSettings<'_>,
    operator: &OperatorSettings,
    Ended { step, verdict, counted, content, run, read, allowed, from }: Ended,
) -> anyhow::Result<()> {
    // Before STS is asked: where no journal is named there is no way.
    let journal = services.journal(settings.journal).await?;
    let caller = services.caller(random()).await;
    let account = caller.as_ref().ok().and_then(|arn| account_of(arn));
    let place = settings.place(services, account).await?;
    let by = match operator.given() {
        Some(name) => name.to_owned(),
        None => caller?,
    };
    let of_step = Evidence::new(step, outcome(verdict), place);
    let evidence = Evidence { from, content, run, read, allowed, counted, ..of_step };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (by, content) = ((by, random()), Content::Evidence(Box::new(evidence)));
    // Opened behind the command's work, which takes minutes: others may have written meanwhile.
    let written = JournalWriter::write_beside_others(&journal, &clock, &by, &content).await;
    written.map_err(refused)
}

/// The account of an ARN, in digits.
pub fn account_of(arn: &str) -> Option<String> {
    let account = arn.split(':').nth(4)?;
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| account.to_owned())
}

const fn outcome(verdict: Verdict) -> EvidenceOutcome {
    match (verdict.incomplete, verdict.differs, verdict.exit) {
        (true, _, _) => EvidenceOutcome::Incomplete,
        (false, false, crate::exit::Exit::Clean) => EvidenceOutcome::Clean,
        (false, _, _) => EvidenceOutcome::Differs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn an_account_is_the_fifth_part_of_an_arn() {
        for (arn, account) in [
            ("arn:aws:iam::123456789012:user/ann", Some("123456789012")),
            ("arn:aws-cn:sts::000000000000:assumed-role/a/b", Some("000000000000")),
            ("arn:aws:iam::aws:policy/x", None),
            ("arn:aws:iam:::user/ann", None),
            ("ann", None),
            ("", None),
        ] {
            assert_eq!(account_of(arn).as_deref(), account, "{arn}");
        }
    }

    #[test]
    fn only_a_whole_and_clean_end_is_clean_evidence() {
        for (exit, incomplete, differs, expected) in [
            (Exit::Clean, false, false, EvidenceOutcome::Clean),
            (Exit::Findings, false, true, EvidenceOutcome::Differs),
            (Exit::Findings, false, false, EvidenceOutcome::Differs),
            (Exit::Findings, true, false, EvidenceOutcome::Incomplete),
            (Exit::Usage, true, true, EvidenceOutcome::Incomplete),
            (Exit::Unreachable, true, true, EvidenceOutcome::Incomplete),
            (Exit::Clean, true, false, EvidenceOutcome::Incomplete),
        ] {
            assert_eq!(outcome(Verdict { exit, incomplete, differs }), expected, "{exit:?}");
        }
    }
}
