//! What the commands share that write into the journal.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use adapters::clock::SystemClock;
use adapters::sqs::QueueUrl;
use anyhow::anyhow;
use clap::Args;
use domain::Reason;
use domain::journal::Content;
use domain::ports::{Clock, JobQueue, LedgerError};
use domain::runbook::{JournalTrouble, JournalledQueue};

use crate::config::JournalSettings;
use crate::exit::{RefusedError, TroubleError, UsageError};
use crate::wiring::Services;

/// Who writes entries.
#[derive(Debug, Args)]
pub struct OperatorSettings {
    /// Your name in the journal [default: the ARN of the AWS keys]
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

impl OperatorSettings {
    /// The name that was given.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        self.operator.as_deref().map(str::trim).filter(|name| !name.is_empty())
    }

    /// The name that was given, or the ARN of the keys.
    pub async fn name(&self, services: &Services<'_>) -> anyhow::Result<String> {
        match self.given() {
            Some(name) => Ok(name.to_owned()),
            None => services.caller(random()).await,
        }
    }
}

/// The queue at this URL, which gets no job of this action before the journal says so.
pub async fn journalled_queue(
    services: &Services<'_>,
    (journal, operator): (&JournalSettings, &OperatorSettings),
    queue: Arc<dyn JobQueue>,
    (url, action): (&QueueUrl, &str),
) -> Result<Arc<dyn JobQueue>, UsageError> {
    let journal = services.journal(journal).await?;
    // A name that STS does not give is no reason to send jobs of which the journal says nothing, or none.
    let by = operator.name(services).await;
    let by = by.unwrap_or_else(|_| "keys whose account STS did not name".to_owned());
    let content = Content::JobsBegun { queue: url.to_string(), action: action.to_owned() };
    let (kept, by) = ((journal, Arc::new(SystemClock) as Arc<dyn Clock>), (by, random()));
    Ok(Arc::new(JournalledQueue::new(queue, kept, by, content)))
}

/// Of this process: the standard library's hashers begin with random keys.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What an operator does where `DynamoDB` did not answer.
const THE_WAY: &str = "check the way to DynamoDB, the region, and AWS_ENDPOINT_URL or \
                       AWS_ENDPOINT_URL_DYNAMODB where it is set";

pub fn trouble(error: &LedgerError) -> anyhow::Error {
    match error {
        LedgerError::Unavailable { .. } => anyhow!("{error}\n  → {THE_WAY}, then run this again"),
        LedgerError::NoTable { .. } | LedgerError::Keys { .. } | LedgerError::Refused { .. } => {
            TroubleError(Reason::from(error)).into()
        }
    }
}

/// What stands between a writer and the next entry.
pub fn refused(why: JournalTrouble) -> anyhow::Error {
    match why {
        JournalTrouble::TakenOver(taken_over) => RefusedError(format!(
            "{taken_over}. Nothing more was written. Read it with `mogile2s3 runbook export` before you \
             go on"
        ))
        .into(),
        JournalTrouble::Changed(fault) => RefusedError(format!(
            "{fault}. The journal is not as it was written, and is not continued\n  → `mogile2s3 \
             runbook check` names what is damaged. `mogile2s3 runbook restore --from FILE` repairs it \
             from an earlier export (docs/OPERATING.md, \"A damaged journal\")"
        ))
        .into(),
        JournalTrouble::NotWritten { error, sequence, writer } => anyhow!(
            "entry {sequence} was not written: {error}. Afterwards the journal was read, and it does \
             not have the entry\n  → {THE_WAY}. A request may arrive late: look for the entry before \
             you write it again: `mogile2s3 runbook export | grep '\"writer\":{writer},'`"
        ),
        JournalTrouble::Unsure { error, sequence, writer } => anyhow!(
            "it is not known whether entry {sequence} was written: {error}\n  → {THE_WAY}. Then look \
             for it before you write it again: `mogile2s3 runbook export | grep '\"writer\":{writer},'`"
        ),
        JournalTrouble::Unfit(error) => UsageError(error.to_string()).into(),
        JournalTrouble::Table(error) => trouble(&error),
    }
}
