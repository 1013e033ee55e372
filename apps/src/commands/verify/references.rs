//! `mogile2s3 verify --references`: contentrepo's rows against the buckets, and rhino's against
//! contentrepo's.

use std::future::pending;
use std::path::Path;

use adapters::clock::SystemClock;
use adapters::record_sorts::DiskRecordSorts;
use clap::Args;
use domain::ports::{KeyRanges, RhinoDatabase, SourceIndex};
use domain::verify::references::{
    AllReferences, ReferencesObserver, ReferencesPlan, ReferencesPorts, verify_references,
};
use futures_util::StreamExt;

use crate::config::ClientSettings;
use crate::exit::{Exit, UsageError};
use crate::report::Counted;
use crate::report::references::{Lists, ReferenceForm, ReferenceList, ReferencesReport, Wishes};
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
    no_rhino: bool,

    /// Accept N references, and no more, that were broken before the migration: decide about each of
    /// them first, by the list of --failures
    #[arg(long, value_name = "N", requires = "references", help_heading = "References")]
    allow_broken_before: Option<u64>,

    #[command(flatten)]
    clients: ClientSettings,
}

/// Compares all references. What is not as it must be is a finding.
pub async fn run(arguments: super::Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let own = &arguments.references;
    let buckets = arguments.target.bucket_map()?;
    let plan =
        ReferencesPlan { buckets, lists_all: arguments.list.is_some(), wait: arguments.wait };
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
    let objects = session.services(&arguments.aws, &arguments.time).s3(&arguments.target).await?;
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
    let ports = ReferencesPorts {
        content_repo: &content_repo,
        rhino: rhino.as_ref().map(|rhino| rhino as &dyn RhinoDatabase),
        index: index.as_ref().map(|index| (index as &dyn SourceIndex, index as &dyn KeyRanges)),
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
        allowed_before: own.allow_broken_before.unwrap_or_default(),
        without_rhino: own.no_rhino,
        buckets: plan.buckets,
    };
    session.print(&ReferencesReport::new(summary, wishes, lists, session.cost()))
}
