//! `mogile2s3 verify`: the buckets' listings against MogileFS's index, or with `--references` the clients'
//! databases against the buckets.

mod journalled;
mod references;

mod lists;
mod rows;
mod state;

use std::collections::hash_map::RandomState;
use std::env;
use std::future::pending;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use adapters::clock::SystemClock;
use anyhow::Context;
use clap::Args;
use domain::ports::ObjectStore;
use domain::verify::{
    All, Depth, StateKeeper, VerifyObserver, VerifyPlan, VerifyPorts, VerifyState, VerifySummary,
    verify_store,
};
use domain::{Acceptances, Sha1, Stopped, limits};
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use roaring::RoaringTreemap;

use self::lists::OpenLists;
use self::rows::{ByKeys, Rows};
use self::state::{Keeper, KeptState, StateFile, StateSettings};
use super::migrate::failures_allowed;
use crate::acceptances::{accepted_if_read, accepted_or_trouble};
use crate::config::{
    AwsSettings, JournalSettings, SourceSettings, TableSettings, TargetSettings, TimeSettings,
    duration,
};
use crate::evidence::{begin, says_something};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::journal::OperatorSettings;
use crate::report::Counted;
use crate::report::list_file::require_different;
use crate::report::verify::{Allowed, SortedEnd, VerifyReport, Ways};
use crate::session::Session;

/// What can be given to `verify`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Read and hash the content of N files, drawn over all buckets, sizes and ages (0 for none)
    #[arg(long, value_name = "N", default_value_t = 1_000, conflicts_with = "deep")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=i64::from(limits::LARGEST_SAMPLE)))]
    sample: u32,

    /// Draw the sample by this seed: the same seed draws the same files of the same index
    /// [default: another one each time; the report names it]
    #[arg(long, value_name = "N", conflicts_with = "deep")]
    seed: Option<u64>,

    /// Read and hash the content of every file
    #[arg(long)]
    deep: bool,

    /// Stop when N files are not as they must be, or cannot be looked at [default: no limit]
    #[arg(long, value_name = "N", value_parser = failures_allowed)]
    max_failures: Option<u64>,

    /// Keep in this file what is done, and go on from there where the file has something: the same
    /// command continues a comparison that was interrupted. Its lists are continued, too
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Wait this long for a system that was reached before (30s, 10m, 2h), then give up
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = duration)]
    wait: Duration,

    /// Directory on a disk for the rows of the index where there is no `MOGILE_DATABASE_URL` (about 1.8
    /// GB for ten million), for lines of the lists that wait, and for the rows of --references (about
    /// 1.3 GB for ten million in each database). Nothing stays in it [default: the system's
    /// directory for temporary files, which is memory on some systems]
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,

    /// Do not compare the fids in this file, which has the form of a `--fids` file. Their objects
    /// count as objects that no row names
    #[arg(long, value_name = "FILE")]
    exclude_file: Option<PathBuf>,

    #[command(flatten)]
    allowed: AllowedArguments,

    /// Write a line for each file and each object that is no file's to this new file: a symbol (`=`
    /// whole, `-` missing, `~` missing and accepted, `*` differs, `+` no file's, `!` could not be looked at), bucket/key, fid and
    /// what is wrong, separated by tabs. A file that the sample finds wrong has a second line
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// Write the SHA-1 of each file to this new file, which `sha1sum -c` reads beside a copy of the
    /// buckets
    #[arg(long, value_name = "FILE")]
    sha1sums: Option<PathBuf>,

    /// Write each file that is not as it must be, or could not be looked at, to this new file: fid,
    /// reason, bucket/key and detail, separated by tabs. `mogile2s3 migrate --fids @FILE` reads it
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,

    #[command(flatten)]
    references: references::ReferenceArguments,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// What would be findings.
#[derive(Debug, Clone, Copy, Args)]
struct AllowedArguments {
    /// Accept that the buckets have many objects of content that MogileFS has no more. Without it these are
    /// a finding where they are more than 100 and more than 1 % of the files
    #[arg(long)]
    allow_extra: bool,

    /// Accept that objects that were read have another `ETag` than their MD5, as with SSE-KMS: no stock
    /// contentrepo reads these buckets. Without it these are a finding
    #[arg(long)]
    allow_etags: bool,
}

const AFTER_HELP: &str = "\
It reads the table `file` by ranges of keys and lists each bucket once: one LIST for 1,000 objects.
Without MOGILE_DATABASE_URL it reads all rows from the trackers first and sorts them in --spool-dir.
It asks neither the ledger nor the queue, and writes nothing but the files that are named. A file
whose length in the listing differs from the index is looked at by HEAD, or read where the object has
no stored SHA-1, before it counts as wrong. So is a file that the listing does not have, unless 1,000
others in a row were not there either.

With DYNAMODB_TABLE it reads in the journal which files are accepted by name: of these a missing
object is no difference.

Signals: the first SIGINT or SIGTERM ends the comparison and prints what was found so far.

With --state a comparison that was killed, stopped, or ended with exit code 3 goes on behind the last
key ranges that were done. Files that could not be looked at (up to 10,000) are
looked at again, and have a second line. Where rows became files meanwhile, or more files could not be
looked at, the comparison has ended. Its settings must be the same, except --max-failures, --wait, --allow-extra,
--allow-etags, --spool-dir and --json. The sample is read anew. A state of a comparison that has ended is refused.
With --references it is another comparison: of contentrepo's rows with the buckets, and of rhino's rows
with contentrepo's. --list and --failures then have lines of these rows. Where neither S3 nor MogileFS
has a content, the trackers, the ledger and the journal must show that it was so before the migration.

Exit codes: 0 every file of the index is in its bucket with the right length, and what was read has
the right content; 1 files are missing or wrong, rows were rejected, or the comparison was stopped; 2
wrong usage or configuration; 3 something could not be read, and the comparison is not complete.";

/// Compares all rows with all objects. What is not as it must be is a finding.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let state_anew = arguments.state.as_deref().map(StateFile::anew);
    require_different(&[
        ("--list", arguments.list.clone()),
        ("--sha1sums", arguments.sha1sums.clone()),
        ("--failures", arguments.failures.clone()),
        ("--exclude-file", arguments.exclude_file.clone()),
        ("--allow-broken-before", arguments.references.allow_broken_before.clone()),
        ("--state", arguments.state.clone()),
        ("--state, which is written anew beside it", state_anew),
    ])?;
    if arguments.references.references {
        return Box::pin(references::run(arguments)).await;
    }
    let session = Session::begin(arguments.json);
    let directory = arguments.directory()?;
    let mut state = arguments.state.as_deref().map(StateFile::open).transpose()?;
    let mut plan = arguments.plan(state.as_ref())?;
    let services = session.services(&arguments.aws, &arguments.time);
    let mut begun = None;
    if arguments.aws.has_ledger_table() {
        begun = begin(&services, &arguments.journal).await;
        let domain = &arguments.source.domain;
        plan.accepted = if state.is_some() {
            // A state that was begun without them could not be continued with them.
            accepted_or_trouble(&services, &arguments.journal, domain).await?
        } else {
            accepted_if_read(&services, &arguments.journal, domain).await?
        };
    }
    let wiring = session.wiring(&arguments.source, &arguments.time);
    let rows = Rows::of(&wiring, &arguments.source)?;
    if let Some(state) = &mut state {
        state.agree(arguments.settings(&plan, &rows))?;
        // What an earlier run has compared is not compared again.
        begun = state.first_begin(begun);
        plan.resume = state.state(&plan.buckets)?;
    }
    let objects = services.s3(&arguments.target).await?;
    let lists = OpenLists::open(&arguments, &directory, state.as_ref())?;
    let done = plan.resume.as_ref().map_or(0, VerifyState::ranges_done);
    let keeper = state.map(|state| state.keep(lists.all(), done)).transpose()?;

    let (progress, mut stops) = session.watch(Counted::Ranges, |teller, _| {
        teller.say("stopping: the comparison is not complete, and the report says how far it came");
    })?;
    let stop = async {
        if stops.next().await.is_none() {
            pending::<()>().await;
        }
    };
    let mut observers: Vec<&dyn VerifyObserver> = vec![&progress];
    observers.extend(lists.all().into_iter().map(|list| list as &dyn VerifyObserver));
    let ends = (&objects as &dyn ObjectStore, keeper.as_ref().map(|it| it as &dyn StateKeeper));
    let (summary, sorted) = compare(&rows, &directory, (plan, ends), stop, &All(observers)).await;
    progress.finish();

    // What single files lack another run may find: its state has them.
    let goes_on = summary.stopped.is_some() || keeper.is_some() && summary.can_go_on();
    let is_whole = !goes_on;
    let (state, kept) = keeper.map(Keeper::finish).unzip();
    let ends = (lists.finish(is_whole), Ways { state, sorted });
    let AllowedArguments { allow_extra: extra, allow_etags: etags } = arguments.allowed;
    let allowed = Allowed { extra, etags };
    let report = VerifyReport::new(summary, ends, allowed, session.cost());
    let exit = session.print(&report)?;
    let says = says_something(report.summary.stopped.as_ref(), report.summary.rows);
    let is_journalled = !says
        || Box::pin(
            arguments.journal_end(&services, journalled::ended(&arguments, &report, begun)),
        )
        .await;
    // Where the journal does not have it the same command says everything once more.
    let is_done = is_whole && is_journalled;
    // Last of all: a comparison that is killed before says everything once more.
    let noted = kept.filter(|_| is_done).map_or(Ok(()), KeptState::end);
    noted.context(
        "the report above stands. Noting in the file of --state that the comparison has ended",
    )?;
    Ok(exit)
}

/// Sorts the rows where that is needed, and compares them.
async fn compare(
    rows: &Rows,
    directory: &Path,
    (mut plan, (objects, keeper)): (VerifyPlan, (&dyn ObjectStore, Option<&dyn StateKeeper>)),
    stop: impl Future<Output = ()> + Send,
    observers: &dyn VerifyObserver,
) -> (VerifySummary, Option<SortedEnd>) {
    let mut stop = pin!(stop);
    let by_keys = pin!(rows.by_keys(directory, plan.wait, observers));
    let by_keys = match select(by_keys, stop.as_mut()).await {
        Either::Left((by_keys, _)) => by_keys,
        Either::Right(((), _)) => Err(Stopped::Interrupted),
    };
    match by_keys {
        Ok(ByKeys { rows: by_keys, sorted }) => {
            plan.counted = sorted.map(|sorted| sorted.rows);
            let (index, clock) = (rows.index(), &SystemClock);
            let ports = VerifyPorts { index, rows: &*by_keys, objects, clock, keeper };
            (verify_store(ports, &plan, stop, observers).await, sorted)
        }
        Err(stopped) => (not_begun(&plan, stopped), None),
    }
}

/// The counts of a comparison that ended before it began: those that it would have continued.
fn not_begun(plan: &VerifyPlan, stopped: Stopped) -> VerifySummary {
    let before = plan.resume.as_ref().map(|state| state.summary().clone());
    VerifySummary { stopped: Some(stopped), ..before.unwrap_or_default() }
}

impl Arguments {
    fn plan(&self, state: Option<&StateFile>) -> Result<VerifyPlan, UsageError> {
        let excluded = self.exclude_file.as_deref();
        let excluded = excluded.map(|file| FidList::read("--exclude-file", file)).transpose()?;
        // A sample that is continued is drawn by the seed that it was begun with.
        let before = || state?.setting(SEED)?.parse().ok();
        let seed = || self.seed.or_else(before).unwrap_or_else(any_seed);
        Ok(VerifyPlan {
            buckets: self.target.bucket_map()?,
            excluded: excluded.map(|list| list.all()).unwrap_or_default(),
            accepted: Acceptances::default(),
            depth: if self.deep {
                Depth::All
            } else {
                let files = usize::try_from(self.sample).unwrap_or(usize::MAX);
                Depth::Sample { files, seed: seed() }
            },
            max_failures: self.max_failures,
            page_rows: limits::RANGE_ROWS,
            wait: self.wait,
            counted: None,
            resume: None,
        })
    }

    fn directory(&self) -> Result<PathBuf, UsageError> {
        let directory = self.spool_dir.clone().unwrap_or_else(env::temp_dir);
        if directory.is_dir() {
            return Ok(directory);
        }
        Err(UsageError(format!("--spool-dir: `{}` is no directory", directory.display())))
    }

    /// What decides the comparison. It has no secret.
    fn settings(&self, plan: &VerifyPlan, rows: &Rows) -> StateSettings {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let (depth, seed) = match plan.depth {
            Depth::All => ("--deep".to_owned(), None),
            Depth::Sample { files, seed } => (format!("--sample {files}"), Some(seed.to_string())),
        };
        let buckets: Vec<_> =
            plan.buckets.pairs().map(|(old, new)| format!("{old}:{new}")).collect();
        let mut ignored: Vec<_> = self.target.ignore_buckets.split(',').map(str::trim).collect();
        ignored.sort_unstable();
        let settings = [
            ("MOGILE_DOMAIN", Some(self.source.domain.clone())),
            ("the index", Some(rows.name())),
            ("BUCKETS", Some(buckets.join(","))),
            ("IGNORE_BUCKETS", Some(ignored.join(","))),
            ("--exclude-file", Some(digest(&plan.excluded))),
            ("the content that is read", Some(depth)),
            (SEED, seed),
            ("the files that are accepted by name", Some(accepted(&plan.accepted))),
            ("DYNAMODB_TABLE", self.aws.ledger_table.clone()),
            ("AWS_S3_REGION_NAME", self.aws.region.clone()),
            ("AWS_ENDPOINT_URL", env::var("AWS_ENDPOINT_URL").ok()),
            ("AWS_ENDPOINT_URL_S3", env::var("AWS_ENDPOINT_URL_S3").ok()),
            ("--list", path(&self.list)),
            ("--sha1sums", path(&self.sha1sums)),
            ("--failures", path(&self.failures)),
        ];
        let named =
            settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        named.collect()
    }
}

/// The name of the seed among the settings.
const SEED: &str = "--seed";

/// Says which fids these are, in few words.
fn digest(fids: &RoaringTreemap) -> String {
    let mut bytes = Vec::with_capacity(fids.serialized_size());
    // Writing into memory does not fail.
    let _ = fids.serialize_into(&mut bytes);
    format!("{} fids, SHA-1 {}", fids.len(), Sha1::of(&bytes))
}

/// Says which files are accepted by which entries of the journal, in few words.
fn accepted(accepted: &Acceptances) -> String {
    let accepted = accepted.iter().filter(|one| !one.is_proven_since);
    let entries: Vec<_> =
        accepted.map(|one| format!("{} by {}", one.file.fid, one.entry)).collect();
    format!("{} files, SHA-1 {}", entries.len(), Sha1::of(entries.join(",").as_bytes()))
}

/// A seed for a run without `--seed`, short enough to be typed.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000
}
