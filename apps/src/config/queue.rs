//! The queue, and what workers leave behind.

use adapters::sqs::{QueueUrl, QueueUrlError};
use clap::Args;

use super::{AwsSettings, missing};
use crate::exit::UsageError;

/// The queue's setting.
pub const QUEUE: &str = "SQS_URL";

/// The dead-letter queue's setting.
pub const DEAD_LETTERS: &str = "SQS_DLQ_URL";

/// The queue, and what workers leave behind.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Queue")]
pub struct QueueSettings {
    /// The job queue's URL
    #[arg(long, env = QUEUE, value_name = "URL")]
    pub queue_url: Option<String>,

    /// Its dead-letter queue's URL
    #[arg(long, env = DEAD_LETTERS, value_name = "URL")]
    pub dead_letters_url: Option<String>,

    /// What is kept beside the ledger.
    #[command(flatten)]
    pub tables: TableSettings,
}

/// The tables beside the ledger.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tables")]
pub struct TableSettings {
    /// The DynamoDB table of failures [default: the ledger's, with `-failures` behind it]
    #[arg(long, env = "DYNAMODB_FAILURES_TABLE", value_name = "NAME")]
    pub failures_table: Option<String>,

    /// The DynamoDB table of verifications [default: the ledger's, with `-verifications` behind it]
    #[arg(long, env = "DYNAMODB_VERIFICATIONS_TABLE", value_name = "NAME")]
    pub verifications_table: Option<String>,
}

/// The journal.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Tables")]
pub struct JournalSettings {
    /// The DynamoDB table of the journal [default: the ledger's, with `-journal` behind it]
    #[arg(long, env = "DYNAMODB_JOURNAL_TABLE", value_name = "NAME")]
    pub journal_table: Option<String>,
}

impl JournalSettings {
    /// The table of the journal.
    pub fn journal_table(&self, aws: &AwsSettings) -> Result<String, UsageError> {
        table(self.journal_table.as_deref(), aws, "journal")
    }
}

impl QueueSettings {
    /// Whether there is a job queue: `migrate` needs none.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.queue_url.as_deref().is_some_and(|url| !url.trim().is_empty())
    }

    /// The job queue.
    pub fn queue_url(&self) -> Result<QueueUrl, UsageError> {
        let url = parsed(QUEUE, self.queue_url.as_deref())?;
        url.ok_or_else(|| missing(QUEUE, "the job queue's URL"))
    }

    /// Its dead-letter queue, which is another one.
    pub fn dead_letters_url(&self) -> Result<QueueUrl, UsageError> {
        let url = self.dead_letters_url_if_named()?;
        url.ok_or_else(|| missing(DEAD_LETTERS, "the dead-letter queue's URL"))
    }

    /// The same, where the settings name it.
    pub fn dead_letters_url_if_named(&self) -> Result<Option<QueueUrl>, UsageError> {
        let Some(url) = parsed(DEAD_LETTERS, self.dead_letters_url.as_deref())? else {
            return Ok(None);
        };
        // Sent again into itself every dead letter would be deleted behind its own copy, for ever.
        if parsed(QUEUE, self.queue_url.as_deref()).ok().flatten().as_ref() == Some(&url) {
            let text = format!("{DEAD_LETTERS} is the same queue as {QUEUE}: `{url}`");
            return Err(UsageError(text));
        }
        Ok(Some(url))
    }
}

impl TableSettings {
    /// The table of failures.
    pub fn failures_table(&self, aws: &AwsSettings) -> Result<String, UsageError> {
        table(self.failures_table.as_deref(), aws, "failures")
    }

    /// The table of verifications.
    pub fn verifications_table(&self, aws: &AwsSettings) -> Result<String, UsageError> {
        table(self.verifications_table.as_deref(), aws, "verifications")
    }
}

fn parsed(setting: &str, url: Option<&str>) -> Result<Option<QueueUrl>, UsageError> {
    let url = url.filter(|url| !url.trim().is_empty()).map(str::parse).transpose();
    url.map_err(|error: QueueUrlError| UsageError(format!("{setting}: {error}")))
}

fn table(name: Option<&str>, aws: &AwsSettings, what: &str) -> Result<String, UsageError> {
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Ok(name.to_owned()),
        None => Ok(format!("{}-{what}", aws.ledger_table()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";
    const DEAD: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs-dead";

    fn settings(queue: Option<&str>, dead_letters: Option<&str>) -> QueueSettings {
        QueueSettings {
            queue_url: queue.map(str::to_owned),
            dead_letters_url: dead_letters.map(str::to_owned),
            tables: TableSettings { failures_table: None, verifications_table: None },
        }
    }

    #[test]
    fn queues_are_told_by_their_settings() {
        let both = settings(Some(JOBS), Some(DEAD));
        assert_eq!(both.queue_url().expect("a URL").as_str(), JOBS);
        assert_eq!(both.dead_letters_url().expect("a URL").as_str(), DEAD);
        // Sending jobs needs no dead-letter queue, and looking at dead letters no queue.
        assert!(settings(Some(JOBS), None).queue_url().is_ok());
        assert!(settings(None, Some(DEAD)).dead_letters_url().is_ok());
    }

    #[test]
    fn what_is_wrong_with_a_queue_names_its_setting() {
        let check = |told: Result<QueueUrl, UsageError>, said: &[&str]| {
            let told = told.expect_err("no URL").to_string();
            assert!(said.iter().all(|said| told.contains(said)), "{told}");
        };
        check(settings(None, None).queue_url(), &["SQS_URL is not set"]);
        check(settings(Some(" "), None).queue_url(), &["SQS_URL is not set"]);
        check(settings(Some("jobs"), None).queue_url(), &["SQS_URL:", "not a URL", "ACCOUNT/NAME"]);
        check(settings(None, None).dead_letters_url(), &["SQS_DLQ_URL is not set"]);
        check(settings(None, Some("arn:aws:sqs:x")).dead_letters_url(), &["SQS_DLQ_URL:", "ARN"]);
        check(settings(Some(JOBS), Some(JOBS)).dead_letters_url(), &["the same queue", JOBS]);
    }

    #[test]
    fn tables_stand_beside_the_ledger_unless_told_otherwise() {
        let aws = |table: Option<&str>| AwsSettings {
            region: None,
            ledger_table: table.map(str::to_owned),
        };
        let mut settings = settings(None, None).tables;
        let ledger = aws(Some("ledger"));
        assert_eq!(settings.failures_table(&ledger).expect("a name"), "ledger-failures");
        assert_eq!(settings.verifications_table(&ledger).expect("a name"), "ledger-verifications");
        assert!(settings.failures_table(&aws(None)).is_err());
        settings.failures_table = Some("why".to_owned());
        settings.verifications_table = Some(String::new());
        assert_eq!(settings.failures_table(&aws(None)).expect("a name"), "why");
        assert_eq!(settings.verifications_table(&ledger).expect("a name"), "ledger-verifications");
    }
}
