//! `mogile2s3 verify --references`: contentrepo's rows against the buckets, and rhino's against
//! contentrepo's.

mod allowed;
mod history;

use std::future::pending;
use std::path::{Path, PathBuf};

use adapters::clock::SystemClock;
use adapters::record_sorts::DiskRecordSorts;
use clap::Args;
use domain::limits;
use domain::ports::RhinoDatabase;
use domain::verify::references::{
    AllReferences, MogileSide, ReferencesObserver, ReferencesPlan, ReferencesPorts,
    verify_references,
};
use futures_util::StreamExt;

use self::allowed::AllowedFile;
use self::history::History;
use crate::config::ClientSettings;
use crate::evidence::{Ended, begin, counted, flags, says_something};
use crate::exit::{Exit, UsageError};
use crate::report::Counted;
use crate::report::references::{
    AllowedList, Lists, ReferenceForm, ReferenceList, ReferencesReport, Wishes,
};
use crate::session::Session;

/// What can be given beside `--references`, and what excludes it.
#[derive(Debug, Args)]
pub struct ReferenceArguments {
    /// Compare the databases of MogileFS's clients with the buckets: each row of contentrepo that is not
    /// purged has an object of its size, and each row of rhino a row of contentrepo. It needs
    /// `CONTENTREPO_DATABASE_URL`
    #[arg(long, help_heading = "References")]
    #[arg(conflicts_with_all = [
        "sample", "seed", "deep", "max_failures", "exclude_file", "allow_extra", "allow_etags", "sha1sums",
        "state",
    ])]
    pub references: bool,

    /// Leave rhino's database out. Without this and without `RHINO_DATABASE_URL` the comparison is
    /// not complete
    #[arg(long, requires = "references", help_heading = "References")]
    pub no_rhino: bool,

    /// Allow the references in this file to be broken, because they were so before the migration: the
    /// file of an earlier --failures or --list, with its last line. Decide about each of them first. One
    /// that the file does not name is a finding
    #[arg(long, value_name = "FILE", requires = "references", help_heading = "References")]
    pub allow_broken_before: Option<PathBuf>,

    #[command(flatten)]
    clients: ClientSettings,
}

/// Compares all references. What is not as it must be is a finding.
pub async fn run(arguments: super::Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let own = &arguments.references;
    let buckets = arguments.target.bucket_map()?;
    let allowed = own.allow_broken_before.as_deref();
    let allowed = allowed.map(|file| AllowedFile::read(file, &buckets)).transpose()?;
    let content_repo = own.clients.content_repo()?.ok_or_else(|| {
        UsageError(
            "CONTENTREPO_DATABASE_URL is not set: `verify --references` reads the rows of contentrepo. Give \
             mysql://user:password@host:port/db of contentrepo's database, by flag, environment or .env; an \
             account with SELECT on `buckets` and `objects` is enough"
                .to_owned(),
        )
    })?;
    let rhino = if own.no_rhino { None } else { own.clients.rhino()? };
    let wiring = session.wiring(&arguments.source, &arguments.time);
    let index = wiring.mogile_database()?;
    let content_repo = wiring.content_repo(content_repo);
    let rhino = rhino.map(|url| wiring.rhino(url));
    let sorts = DiskRecordSorts::new(arguments.directory()?);
    let trackers = arguments.source.trackers.iter().any(|tracker| !tracker.trim().is_empty());
    let trackers = trackers.then(|| wiring.tracker_index()).transpose()?;
    let services = session.services(&arguments.aws, &arguments.time);
    let objects = services.s3(&arguments.target).await?;
    let has_journal = arguments.aws.has_ledger_table();
    let from = if has_journal { begin(&services, &arguments.journal).await } else { None };
    let history = History::read(&services, &arguments).await?;
    let ledger =
        if arguments.aws.has_ledger_table() { Some(services.ledger().await?) } else { None };
    let plan = ReferencesPlan {
        buckets,
        lists_all: arguments.list.is_some(),
        wait: arguments.wait,
        accepted: history.accepted,
        allowed: allowed.as_ref().map(|file| file.allowed.clone()).unwrap_or_default(),
        journalled: history.journalled,
        sought_at_once: limits::REFERENCES_SOUGHT,
    };
    let list =
        |form, path: Option<&Path>| path.map(|path| ReferenceList::create(form, path)).transpose();
    let all = list(ReferenceForm::List, arguments.list.as_deref())?;
    let failures = list(ReferenceForm::Failures, arguments.failures.as_deref())?;

    let (progress, mut stops) = session.watch(Counted::References, |teller, _| {
        teller.say("stopping: the comparison is not complete, and the report says how far it came");
    })?;
    let stop = async {
        if stops.next().await.is_none() {
            pending::<()>().await;
        }
    };
    let mut observers: Vec<&dyn ReferencesObserver> = vec![&progress];
    let files = [&all, &failures].into_iter().flatten();
    observers.extend(files.map(|file| file as &dyn ReferencesObserver));
    let mogile = index.as_ref().map(|index| MogileSide {
        index,
        rows: index,
        database: index,
        trackers: trackers.as_deref(),
    });
    let ports = ReferencesPorts {
        content_repo: &content_repo,
        rhino: rhino.as_ref().map(|rhino| rhino as &dyn RhinoDatabase),
        mogile,
        ledger: ledger.as_deref(),
        objects: &objects,
        sorts: &sorts,
        clock: &SystemClock,
    };
    let summary = verify_references(ports, &plan, stop, &AllReferences(observers)).await;
    progress.finish();
    let is_whole = summary.stopped.is_none();
    let end = |file: Option<ReferenceList>| file.map(|file| file.finish(is_whole));
    let lists = Lists { list: end(all), failures: end(failures) };
    let wishes = Wishes {
        allowed: allowed.map(|AllowedFile { file, others, .. }| AllowedList { file, others }),
        without_rhino: own.no_rhino,
        buckets: plan.buckets,
    };
    let report = ReferencesReport::new(summary, wishes, lists, session.cost());
    let exit = session.print(&report)?;
    let (counted, verdict) = (counted::references(&report.summary), report.verdict);
    if says_something(report.summary.stopped.as_ref(), report.summary.objects.rows) {
        let allowed = flags(&[("allow-broken-before", own.allow_broken_before.is_some())]);
        let ended = Ended::new("verify references", verdict, counted, from);
        let ended = Ended { allowed, ..ended };
        Box::pin(arguments.journal_end(&services, ended)).await;
    }
    Ok(exit)
}
