//! `mogile2s3 intermediaries`: the raw copies in the buckets, from which files were copied.

use std::io::Write;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use adapters::clock::SystemClock;
use clap::{Args, Subcommand};
use domain::cleanup::Mode;
use domain::cutover::{
    IntermediariesRefused, IntermediaryDeletion, IntermediaryObserver, IntermediaryPlan,
    IntermediaryPorts, IntermediaryRefusal, delete_intermediaries,
};
use domain::ports::Site;
use domain::{BucketMap, Fid, ObjectAddress, limits};
use indicatif::HumanCount;

use super::freeze::unreadable;
use crate::config::{JournalSettings, Settings, TableSettings, at_once};
use crate::exit::{Exit, RefusedError};
use crate::journal::{OperatorSettings, random, refused};
use crate::report::Teller;
use crate::report::intermediaries::{IntermediariesReport, Versions};
use crate::report::list_file::ListFile;
use crate::report::shell::printable;
use crate::session::Session;
use crate::wiring::Services;

/// What can be given to `intermediaries`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say which raw copies may be deleted, and why the others stay; with --execute, delete them
    Delete(Box<Delete>),
}

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_DELETE)]
struct Delete {
    /// Delete. Without it nothing is changed, neither in S3 nor in the journal
    #[arg(long)]
    execute: bool,

    /// With --execute, delete also those whose fid has no row in MogileFS any more, where S3 has the SHA-1 of
    /// the copy itself and an object with this SHA-1 at its final key
    #[arg(long, requires = "execute")]
    orphans: bool,

    /// Write what becomes of each to this new file, one a line: bucket, key, fid and class, separated by tabs
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// Copies that are deleted at the same time
    #[arg(long, default_value_t = CONCURRENCY, value_name = "N", value_parser = at_once)]
    concurrency: NonZeroU16,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    settings: Settings,
}

const CONCURRENCY: NonZeroU16 =
    NonZeroU16::new(limits::INTERMEDIARIES_AT_ONCE).expect("it is not zero");

const AFTER_DELETE: &str = "\
An intermediary is the raw copy of a file at `0/000/000/0000000001.fid`, with or without a slash in
front. Nothing else in the buckets is ever deleted. One is deleted when the journal has both cut-overs
as done and not taken back, when MogileFS has a row of its fid whose file belongs into this bucket,
when the ledger has a proof of that file with today's bucket and SHA-1 that no verification doubts
since, and when a HEAD right before shows the final object with that SHA-1 (where S3 has none stored,
with the same length). What has changed at its key since it was listed stays.

A dry run lists the buckets and reads index and ledger. It sends no HEAD, so a few of those that it
calls deletable may stay.

The journal has each batch of 10,000 before its first deletion, with the fids, and behind it what
became of them. The first Ctrl-C ends the run behind those in hand; the same command again goes on.

Exit codes: 0 nothing is left but what may be deleted or was; 1 some stay, as the report says, or the
run was interrupted; 2 wrong usage or configuration; 3 something could not be reached; 4 the
cut-overs are not done, or another process wrote into the journal meanwhile, or it was changed.";

/// Deletes, or looks what would be deleted.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::Delete(delete) => delete.run().await,
    }
}

impl Delete {
    async fn run(self) -> anyhow::Result<Exit> {
        let Settings { source, target, time, aws } = &self.settings;
        let session = Session::begin(self.json);
        let buckets = target.bucket_map()?;
        let wiring = session.wiring(source, time);
        let services = session.services(aws, time);
        let ports = IntermediaryPorts {
            index: wiring.index()?,
            objects: Arc::new(services.s3(target).await?),
            ledger: services.ledger().await?,
            failures: services.failures(&self.tables).await?,
            journal: services.journal(&self.journal).await?,
            clock: Arc::new(SystemClock),
        };
        let mode = if self.execute {
            Mode::Delete { by: self.operator.name(&services).await? }
        } else {
            Mode::DryRun
        };
        let list = self.list.as_deref().map(|path| ListFile::create("--list", path)).transpose()?;
        let versions = versions(&services, &buckets).await?;
        let (teller, stop) = Session::stop_request()?;
        let telling = Telling { teller, list: Mutex::new(list) };
        let plan = IntermediaryPlan {
            buckets: &buckets,
            mode,
            orphans: self.orphans,
            at_once: limits::CONDEMNED_INTERMEDIARIES,
            concurrency: self.concurrency.get().into(),
            salt: random(),
            stop,
            observer: &telling,
        };
        let deletion = delete_intermediaries(&ports, &plan).await;
        let list = telling.list.into_inner().unwrap_or_else(PoisonError::into_inner);
        let list = list.map(|list| match &deletion {
            Ok(IntermediaryDeletion { stopped: None, .. }) => list.finish(),
            Ok(_) | Err(_) => list.broken_off(&"the command ended early"),
        });
        let deletion = deletion.map_err(unclean)?;
        session.print(&IntermediariesReport::new(deletion, versions, list, self.execute))
    }
}

/// Which buckets keep versions, and of which nobody can say it.
async fn versions(services: &Services<'_>, buckets: &BucketMap) -> anyhow::Result<Versions> {
    let (site, _) = services.site().await?;
    let mut versions = Versions::default();
    for (_, bucket) in buckets.pairs() {
        match site.bucket(bucket).await {
            Ok(Some(state)) if state.versioned => versions.kept_in.push(bucket.to_string()),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => versions.unknown_in.push(bucket.to_string()),
        }
    }
    Ok(versions)
}

/// Says on stderr how far a deletion is, and writes the list.
struct Telling {
    teller: Teller,
    list: Mutex<Option<ListFile>>,
}

impl IntermediaryObserver for Telling {
    fn ended(&self, fid: Fid, at: &ObjectAddress, how: &'static str) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(list) = list.as_mut() else { return };
        let (bucket, key) = (at.bucket.as_str(), printable(at.key.as_str()));
        list.write(1, |out| writeln!(out, "{bucket}\t{key}\t{fid}\t{how}"));
    }

    fn progressed(&self, so_far: &IntermediaryDeletion) {
        let count = HumanCount;
        self.teller.say(&format!(
            "{} intermediaries listed, {} deleted",
            count(so_far.intermediaries.files),
            count(so_far.deleted.files)
        ));
    }
}

/// Why nothing was done, or nothing more than some deletions.
fn unclean(IntermediariesRefused { why, deleted }: IntermediariesRefused) -> anyhow::Error {
    let error = match why {
        IntermediaryRefusal::NotCutOver(why) => RefusedError(format!(
            "{why}. Nothing was deleted: until both clients read from S3 a migration may be run again, and copies \
             from these objects\n  → `mogile2s3 cutover contentrepo`, then `mogile2s3 cutover rhino`"
        ))
        .into(),
        IntermediaryRefusal::Unreadable(why) => unreadable(why),
        IntermediaryRefusal::Journal(why) => refused(why),
    };
    if deleted == 0 {
        return error;
    }
    error.context(format!(
        "{deleted} intermediaries were deleted before this. The journal names each batch before its first deletion: \
         `mogile2s3 runbook export`. What is left is found by the same command again"
    ))
}
