//! What must exist before a migration can run at scale: buckets, queues and tables, as values; and
//! what to do about each where something else is found.
//!
//! Nothing is changed in silence that could harm those who use it already. The deployment's template
//! makes the same queues and tables; a test compares the two.

mod bucket;
mod bucket_guards;
pub mod contentrepo;
mod entry;
mod policy;
mod queue;
mod table;
mod verdict;

use std::time::Duration;

pub use bucket::{
    AbortRule, AccessProfile, Block, BucketBlueprint, BucketChange, BucketState, Encryption,
    Ownership,
};
pub use bucket_guards::{ExpiryRule, ObjectLock};
pub use entry::{Entry, Outcome};
pub use policy::{PUBLIC_KEYS, is_public_read, public_read};
pub use queue::{QueueBlueprint, QueueChange, QueueState, Redrive, RedriveBlueprint};
pub use table::{KeyColumn, KeyKind, TableBlueprint, TableChange, TableKey, TableState};
pub use verdict::{Advice, Thing, Verdict};

use crate::{S3Bucket, limits};

/// All that a migration needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    /// The buckets that take the files.
    pub buckets: Vec<BucketBlueprint>,
    /// The queues: the dead letters' first, since the other names it.
    pub queues: Option<Queues>,
    /// The ledger, and what workers leave behind.
    pub tables: Vec<TableBlueprint>,
}

/// The two queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// Where jobs go that failed too often.
    pub dead_letters: QueueBlueprint,
    /// Where jobs come from.
    pub jobs: QueueBlueprint,
}

/// What may be chosen about the queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueChoices {
    /// The job queue's name.
    pub jobs: String,
    /// The dead-letter queue's name.
    pub dead_letters: String,
    /// What the function, or a worker's batch, may take.
    pub function_time: Duration,
}

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// The ledger's.
    pub ledger: String,
    /// The failures'.
    pub failures: String,
    /// The verifications'.
    pub verifications: String,
    /// The journal's.
    pub journal: String,
}

impl TableNames {
    /// The failures table beside a ledger, where nobody names it.
    #[must_use]
    pub fn failures_beside(ledger: &str) -> String {
        format!("{ledger}-failures")
    }

    /// The verifications table beside a ledger, where nobody names it.
    #[must_use]
    pub fn verifications_beside(ledger: &str) -> String {
        format!("{ledger}-verifications")
    }

    /// The journal's table beside a ledger, where nobody names it.
    #[must_use]
    pub fn journal_beside(ledger: &str) -> String {
        format!("{ledger}-journal")
    }
}

impl Queues {
    /// The dead-letter queue beside a job queue, where nobody names it.
    #[must_use]
    pub fn dead_letters_beside(jobs: &str) -> String {
        format!("{jobs}-dead")
    }

    /// The queues of these choices. Jobs wait fourteen days at most, and so do dead letters. A message
    /// that SQS itself makes a dead letter keeps the time at which it was first sent.
    #[must_use]
    pub fn new(choices: QueueChoices) -> Self {
        let QueueChoices { jobs, dead_letters, function_time } = choices;
        Self {
            jobs: QueueBlueprint {
                name: jobs,
                retention: limits::JOB_RETENTION,
                visibility: Some(limits::visibility(function_time)),
                redrive: Some(RedriveBlueprint {
                    to: dead_letters.clone(),
                    deliveries: limits::DELIVERIES,
                }),
            },
            dead_letters: QueueBlueprint {
                name: dead_letters,
                retention: limits::DEAD_LETTER_RETENTION,
                visibility: None,
                redrive: None,
            },
        }
    }
}

/// The four tables.
#[must_use]
pub fn tables(names: TableNames) -> Vec<TableBlueprint> {
    let (migration, sequence) =
        (key_column("migration", KeyKind::Text), key_column("sequence", KeyKind::Number));
    let key = TableKey { hash: migration, range: Some(sequence) };
    vec![
        table_by_fid(names.ledger),
        table_by_fid(names.failures),
        verifications_table(names.verifications),
        TableBlueprint { name: names.journal, key },
    ]
}

/// The ledger, or the failures table.
#[must_use]
pub fn table_by_fid(name: String) -> TableBlueprint {
    TableBlueprint { name, key: TableKey { hash: fid(), range: None } }
}

/// The verifications table.
#[must_use]
pub fn verifications_table(name: String) -> TableBlueprint {
    let run = key_column("run", KeyKind::Text);
    TableBlueprint { name, key: TableKey { hash: run, range: Some(fid()) } }
}

fn fid() -> KeyColumn {
    key_column("fid", KeyKind::Number)
}

fn key_column(name: &str, kind: KeyKind) -> KeyColumn {
    KeyColumn { name: name.to_owned(), kind }
}

/// The buckets, all of one profile and region.
#[must_use]
pub fn buckets<'a>(
    names: impl IntoIterator<Item = &'a S3Bucket>,
    profile: AccessProfile,
    abort_uploads_after_days: u32,
    change_access: bool,
    region: &str,
) -> Vec<BucketBlueprint> {
    let of = |name: &S3Bucket| BucketBlueprint {
        name: name.clone(),
        profile,
        abort_uploads_after_days,
        change_access,
        region: region.to_owned(),
    };
    names.into_iter().map(of).collect()
}
