//! `mogile2s3 cutover`: the bucket names in the databases of contentrepo and rhino, and the way back.

mod contentrepo;
mod gates;
mod ingested;
mod overrides;
mod rhino;

use std::collections::BTreeSet;
use std::path::PathBuf;

use adapters::clock::SystemClock;
use adapters::mysql::DatabaseUrl;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use domain::cutover::{Phase, read_cutovers};
use domain::journal::ClientDatabase;
use domain::ports::{BackupError, ChangeError, DatabaseError, Journal};
use domain::{BucketMap, RepoBucketName};

use super::freeze::{Common, unreadable};
use crate::config::ClientChangeSettings;
use crate::exit::{Exit, RefusedError, UsageError};
use crate::journal::{OperatorSettings, random};
use crate::session::Session;

/// What can be given to `cutover`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Give contentrepo's buckets their S3 names. It comes before rhino
    Contentrepo(Box<contentrepo::Arguments>),
    /// Give rhino's files their S3 names. It comes behind contentrepo
    Rhino(Box<rhino::Arguments>),
}

/// What both take.
#[derive(Debug, Args)]
struct Change {
    /// Look at the gates and print the statements, and change nothing. This is the default
    #[arg(long, conflicts_with = "execute")]
    dry_run: bool,

    /// Change the database. Without it nothing is changed, neither there nor in the journal
    #[arg(long)]
    execute: bool,

    /// Keep the names of before in this file, which must not be there yet. `--execute` needs it, unless it
    /// goes on with a change that has a backup
    #[arg(long, value_name = "FILE", conflicts_with = "revert")]
    backup: Option<PathBuf>,

    /// Give the rows their MogileFS names back: rhino's first, then contentrepo's
    #[arg(long)]
    revert: bool,

    /// Take the names of before from this backup. Without it they come from the journal
    #[arg(long, value_name = "FILE", requires = "revert")]
    from: Option<PathBuf>,

    /// Ignored buckets whose content the clients will not be able to read, separated by commas. The
    /// journal keeps them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "revert")]
    left_behind: Vec<String>,

    /// List in this file what was ingested since the cut-over, which is readable from S3 only behind the way
    /// back. The journal keeps its digest
    #[arg(long, value_name = "FILE", requires = "revert")]
    leave_behind: Option<PathBuf>,

    /// The host, port and name by which the journal or the backup calls the database, where it is the same
    /// database and moved since, or has another host name. The journal keeps this word of yours
    #[arg(long, value_name = "HOST:PORT/NAME", requires = "revert")]
    database_was: Option<String>,

    #[command(flatten)]
    gates: overrides::GateArguments,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    writes: ClientChangeSettings,

    #[command(flatten)]
    common: Common,
}

/// Changes one of the databases, or looks what would be changed.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Contentrepo(arguments) => Box::pin(arguments.run()).await,
        Command::Rhino(arguments) => Box::pin(arguments.run()).await,
    }
}

impl Change {
    fn session(&self) -> Session {
        Session::begin(self.common.json)
    }

    /// The database that is changed. A dry run does with the one that is read.
    fn url(
        &self,
        database: ClientDatabase,
        read: Option<DatabaseUrl>,
    ) -> Result<DatabaseUrl, UsageError> {
        let setting = ClientChangeSettings::setting(database);
        match (self.writes.url(database)?, read) {
            (Some(url), _) => Ok(url),
            (None, Some(read)) if !self.execute => Ok(read),
            (None, _) => Err(UsageError(format!(
                "{setting} is not set: give {database}'s primary database with an account that may change it. \
                 Nothing is written over {}",
                setting.replace("_WRITE", "")
            ))),
        }
    }

    /// Errors where a cut-over is to begin without a backup, before minutes of reading.
    async fn require_backup(
        &self,
        database: ClientDatabase,
        journal: &dyn Journal,
    ) -> anyhow::Result<()> {
        if !self.execute || self.backup.is_some() {
            return Ok(());
        }
        let cutovers = read_cutovers(journal, &SystemClock, random()).await.map_err(unreadable)?;
        if cutovers.of(database).phase() != Phase::Before {
            return Ok(());
        }
        let text = "--backup is missing: name a new file for the names of before";
        Err(UsageError(text.to_owned()).into())
    }

    /// The buckets that the operator leaves behind, each of which is ignored.
    fn named(&self, buckets: &BucketMap) -> Result<BTreeSet<String>, UsageError> {
        let names: BTreeSet<_> =
            self.left_behind.iter().map(|name| name.trim().to_owned()).collect();
        let other = names
            .iter()
            .find(|name| !name.is_empty() && buckets.repo_bucket(name) != RepoBucketName::Ignored);
        match other {
            Some(name) => Err(UsageError(format!(
                "--left-behind: `{name}` is no bucket of IGNORE_BUCKETS, byte for byte: only those are left behind"
            ))),
            None => Ok(names.into_iter().filter(|name| !name.is_empty()).collect()),
        }
    }
}

/// What a change of a database may meet, with what an operator does.
fn changing(error: &ChangeError) -> anyhow::Error {
    match error {
        ChangeError::Locked { .. } => RefusedError(error.to_string()).into(),
        ChangeError::Refused { .. } => {
            let text = format!(
                "{error}\n  → correct the account or the server as the words say, then run this again"
            );
            UsageError(text).into()
        }
        ChangeError::Unavailable { .. }
        | ChangeError::Blocked { .. }
        | ChangeError::SessionLost { .. }
        | ChangeError::Uncertain { .. } => anyhow!(
            "{error}\n  → run the same command again: it looks at the database first and goes on from there"
        ),
    }
}

fn reading(error: &DatabaseError) -> anyhow::Error {
    anyhow!("{error}\n  → check the URL, the server and the account, then run this again")
}

/// What the backup of `--from` may meet.
fn taking_from(error: &BackupError) -> anyhow::Error {
    match error {
        BackupError::Disk { .. } => UsageError(format!(
            "--from: {error}. Nothing was changed\n  → give the path of the backup as it is on this machine, by an \
             account that may read it. Without --from the names come from the journal"
        ))
        .into(),
        BackupError::Exists(_) | BackupError::Damaged { .. } => backing(error),
    }
}

fn backing(error: &BackupError) -> anyhow::Error {
    match error {
        BackupError::Exists(_) => UsageError(format!("{error}\n  → name another file")).into(),
        BackupError::Disk { .. } => {
            UsageError(format!("{error}\n  → name a file on a disk with room")).into()
        }
        BackupError::Damaged { .. } => UsageError(format!(
            "{error}\n  → take another copy of it. The journal knows the digest of the right one: `mogile2s3 \
             runbook export`"
        ))
        .into(),
    }
}
