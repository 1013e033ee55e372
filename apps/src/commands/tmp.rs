//! `mogile2s3 tmp`: the unfinished uploads that ingests left in MogileFS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapters::clock::SystemClock;
use clap::{Args, Subcommand};
use domain::cleanup::{
    CleanupRefusal, Deletion, DeletionObserver, DeletionPlan, Mode, Refused, TemporaryPorts,
    delete_temporary, list_temporary,
};
use domain::ports::{Clock, ContentRepoDatabase};
use indicatif::HumanCount;
use roaring::RoaringTreemap;

use crate::config::{
    AwsSettings, ContentRepoSettings, JournalSettings, SourceSettings, TargetSettings, TimeSettings,
};
use crate::exit::{Exit, RefusedError, UsageError};
use crate::fid_list::FidList;
use crate::journal::{OperatorSettings, random, refused};
use crate::report::Teller;
use crate::report::tmp::{DeleteReport, ListReport};
use crate::session::Session;
use crate::wiring::IndexFrom;

/// What can be given to `tmp`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count the unfinished uploads, and write into the journal which ones are there now
    List(Box<List>),
    /// Say which of them may be deleted, and why the others stay; with --execute, delete them
    Delete(Box<Delete>),
}

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LIST)]
struct List {
    #[command(flatten)]
    common: Common,
}

const AFTER_LIST: &str = "\
An unfinished upload is a row with the key `{uuid}.tmp`: 36 characters, and `.tmp` behind them.
Uploads that are under way have such a key too, so none is deleted before a day has passed since
a list saw it. Other keys that end in `.tmp` are counted apart, and never deleted.

Exit codes: 0 every row was read, and what was seen is in the journal; 1 rows cannot be read; 2
wrong usage or configuration; 3 something could not be reached; 4 another process wrote into the
journal meanwhile, or it was changed, or this machine's clock is wrong.";

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_DELETE)]
struct Delete {
    /// Delete. Without it nothing is changed, neither in MogileFS nor in the journal
    #[arg(long)]
    execute: bool,

    /// Delete also the files that FILE names, one fid a line, where a bucket does not have their content,
    /// though contentrepo refers to it from there or was not asked. What they have may be lost
    #[arg(long, value_name = "FILE")]
    also_unique: Option<PathBuf>,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    content_repo: ContentRepoSettings,

    #[command(flatten)]
    common: Common,
}

const AFTER_DELETE: &str = "\
A file is deleted when `tmp list` saw it with the same fid and the same key at least 24 hours ago
(and 10 minutes, because two clocks may differ), when MogileFS still has it so just before, and
when its content is needed nowhere: it was read, and contentrepo does not refer to it, or each
bucket of BUCKETS from which it does has an object or a file of its own with the same content.
Without CONTENTREPO_DATABASE_URL each bucket of BUCKETS must have one. A file with a replica that
cannot be read goes only where the content of the others is in such places.

The journal has each file before it is deleted, with its key, its SHA-1 and the reason:
`mogile2s3 runbook export`. Behind each 400 files it has what became of them. The first Ctrl-C
ends the run behind the file in hand; the same command again goes on.

Exit codes: 0 nothing is left but what may be deleted or was; 1 some stay, as the report says; 2
wrong usage or configuration; 3 something could not be reached; 4 another process wrote into the
journal meanwhile, or it was changed, or this machine's clock is wrong.";

/// What both take.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    operator: OperatorSettings,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// Lists or deletes.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::List(list) => list.run().await,
        Command::Delete(delete) => delete.run().await,
    }
}

impl List {
    async fn run(self) -> anyhow::Result<Exit> {
        let Common { operator, json, source, journal, time, aws } = self.common;
        let session = Session::begin(json);
        let index = session.wiring(&source, &time).index()?;
        let services = session.services(&aws, &time);
        let (journal, service) = services.journal_with_time(&journal).await?;
        let by = (operator.name(&services).await?, random());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let listing = list_temporary(&*index, (journal, &*service), &clock, by).await;
        let listing = listing.map_err(|why| unclean(why, 0))?;
        session.print(&ListReport::new(listing))
    }
}

impl Delete {
    async fn run(self) -> anyhow::Result<Exit> {
        let Common { operator, json, source, journal, time, aws } = self.common;
        let session = Session::begin(json);
        let buckets = self.target.bucket_map()?;
        let also_unique = named_one_by_one(self.also_unique.as_deref())?;
        let url = self.content_repo.url()?;
        let wiring = session.wiring(&source, &time);
        let services = session.services(&aws, &time);
        let (index, files) = wiring.mogile(IndexFrom::Settings)?;
        let (journal, service) = services.journal_with_time(&journal).await?;
        let content_repo =
            url.map(|url| Arc::new(wiring.content_repo(url)) as Arc<dyn ContentRepoDatabase>);
        let has_content_repo = content_repo.is_some();
        let objects = Arc::new(services.s3(&self.target).await?);
        let clock = Arc::new(SystemClock);
        let ports = TemporaryPorts { index, files, objects, content_repo, journal, service, clock };
        let mode = if self.execute {
            Mode::Delete { by: operator.name(&services).await? }
        } else {
            Mode::DryRun
        };
        let (teller, stop) = Session::stop_request()?;
        let telling = Telling(teller);
        let plan = DeletionPlan {
            buckets: &buckets,
            also_unique,
            mode,
            at_once: domain::limits::TEMPORARY_ROWS,
            salt: random(),
            stop,
            observer: &telling,
        };
        let deletion = delete_temporary(&ports, &plan).await;
        let deletion = deletion.map_err(|Refused { why, deleted }| unclean(why, deleted))?;
        let report = DeleteReport::new(deletion, &source.domain, has_content_repo, self.execute);
        session.print(&report)
    }
}

/// The files of which the only bytes may go. A range may have files that nobody has looked at.
fn named_one_by_one(file: Option<&Path>) -> Result<RoaringTreemap, UsageError> {
    let Some(file) = file else { return Ok(RoaringTreemap::new()) };
    let list = FidList::read(ALSO_UNIQUE, file)?;
    let shown = file.display();
    if let Some(fid) = list.in_ranges().min() {
        return Err(UsageError(format!(
            "{ALSO_UNIQUE}: `{shown}` has a range, from fid {fid} on: name each file by itself, one fid a \
             line, since what it has is lost"
        )));
    }
    if list.is_empty() {
        return Err(UsageError(format!("{ALSO_UNIQUE}: `{shown}` names no fid")));
    }
    Ok(list.all())
}

const ALSO_UNIQUE: &str = "--also-unique";

/// Says on stderr how far a deletion is.
struct Telling(Teller);

impl DeletionObserver for Telling {
    fn progressed(&self, so_far: &Deletion) {
        let count = HumanCount;
        let looked_at = so_far.temporary.files - so_far.not_looked_at + so_far.in_hand;
        self.0.say(&format!(
            "{} of {} uploads looked at, {} deleted",
            count(looked_at),
            count(so_far.temporary.files),
            count(so_far.deleted.files)
        ));
    }
}

/// Why nothing was done, or nothing more than `deleted` deletions.
pub(super) fn unclean(why: CleanupRefusal, deleted: u64) -> anyhow::Error {
    let error = match why {
        CleanupRefusal::Journal(why) => refused(why),
        CleanupRefusal::Changed(fault) => RefusedError(format!(
            "{fault}. The journal is not as it was written, so it does not prove what was seen, and when\n  → \
             `mogile2s3 runbook check` names what is damaged. `mogile2s3 runbook restore --from FILE` \
             repairs it from an earlier export (docs/OPERATING.md, \"A damaged journal\")"
        ))
        .into(),
        CleanupRefusal::Clock { .. } => RefusedError(format!(
            "{why}. The age of an upload cannot be judged by it, and nothing was done\n  → set the clock \
             (`timedatectl` shows it), then run this again"
        ))
        .into(),
        CleanupRefusal::NoTime => RefusedError(format!(
            "{why}: its answers have no header `Date`. The age of an upload cannot be judged, and nothing \
             was done\n  → is AWS_ENDPOINT_URL_DYNAMODB or a proxy another program than DynamoDB?"
        ))
        .into(),
    };
    if deleted == 0 {
        return error;
    }
    let text = format!(
        "{deleted} unfinished uploads were deleted before this. The journal names each of the last ones \
         as condemned, and may not say which of those are gone: `mogile2s3 tmp list` shows what is left"
    );
    error.context(text)
}
