//! `mogile2s3 audit`: the index, the ledger and the verifications of a run, compared as sets.

mod accept;
mod manifest;
mod report;
mod withdrawn;

use std::path::PathBuf;

use adapters::clock::SystemClock;
use clap::{Args, Subcommand};
use domain::accept::{AgainPorts, has_content, try_again};
use domain::audit::{AuditPlan, AuditPorts, AuditProgress, AuditSummary, Comparison, list_files};
use domain::cutover::AUDIT;
use domain::job::is_run_name;
use domain::ports::ContentRepoDatabase;
use domain::{Acceptances, BucketMap, Reason, Since, Stopped, limits};
use indicatif::HumanCount;

use crate::acceptances::decisions;
use crate::config::{
    AwsSettings, ContentRepoSettings, JournalSettings, SourceSettings, TableSettings, TimeSettings,
    parse_buckets,
};
use crate::evidence::{
    Ended, MogileSettings, PlaceSettings, begin, counted, flags, not_written, says_something,
    write_end,
};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::journal::OperatorSettings;
use crate::report::audit::{AuditFiles, AuditList, AuditReport, WithdrawnList};
use crate::report::list_file::ListEnd;
use crate::report::{Report, Teller};
use crate::session::Session;
use crate::wiring::{IndexFrom, Services, Wiring};

/// What can be given to `audit`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    compare: Compare,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write manifests of jobs by which S3 itself computes the SHA-1 of each object
    Manifest(Box<manifest::Arguments>),
    /// Compare the reports of these jobs with the index and the buckets as they are today
    Report(Box<report::Arguments>),
    /// Accept files by name that no replica can give any more, with the evidence in the journal
    Accept(Box<accept::Accept>),
}

#[derive(Debug, Args)]
struct Compare {
    #[command(flatten)]
    verification: Verification,

    /// Write each file of the index to this file, a line each: a symbol, the object, the fid and the class.
    /// It reads the index once more
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// Leave out the fids in this file: files that you have decided about. They are counted. Written as
    /// for --fids, separated by commas or lines
    #[arg(long, value_name = "FILE")]
    exclude_file: Option<PathBuf>,

    /// Accept that the ledger has records of many files that MogileFS has no more. Without it these are a
    /// finding where they are more than 100 and more than 1 % of the files
    #[arg(long)]
    allow_withdrawn: bool,

    /// Write the objects whose content is withdrawn to this file, a line each: bucket/key, fid and SHA-1. No
    /// row of the index and no object of contentrepo refers to them. Its last line says whether they are all
    #[arg(long, value_name = "FILE")]
    withdrawn: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    ignore_buckets: String,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    content_repo: ContentRepoSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Verification {
    /// Name of the verification whose passes are compared: the one that `enqueue verify` was given
    #[arg(long, value_name = "NAME")]
    run: Option<String>,

    /// Compare only index and ledger. Whether the objects are still whole is not said then
    #[arg(long)]
    no_run: bool,
}

const AFTER_HELP: &str = "\
The audit only reads. A file is whole where the ledger proves its content in its bucket as both are
today, and the named verification has found it whole. Nothing is asked of S3: the objects are looked
at by `enqueue verify` and a worker.

The lines of --list begin with `=` whole, `-` no record in the ledger, `*` a record that does not
fit or is doubted, `?` not verified by the run, `+` in the ledger without a row, `~` accepted by name,
`!` could not be compared or cannot be migrated. The last line counts the others; a list without it is not complete.

Files that `audit accept` has accepted are counted apart. Their replicas are tried again each time.

Exit codes: 0 every row is a whole file, an unfinished upload, accepted, excluded or in an ignored
bucket; 1 findings; 2 wrong usage or configuration; 3 something could not be read, or the index counts
rows that it did not give; 4 the journal was changed, or --withdrawn behind the cut-over or
without the journal's table.";

/// Compares, or does what the subcommand says.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        None => Box::pin(compare(arguments.compare)).await,
        Some(Command::Accept(accept)) => accept.run().await,
        Some(Command::Manifest(arguments)) => manifest::run(*arguments).await,
        Some(Command::Report(arguments)) => report::run(*arguments).await,
    }
}

/// Compares, and prints what differs.
async fn compare(arguments: Compare) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let buckets = arguments.buckets()?;
    let run = arguments.run()?;
    let services = session.services(&arguments.aws, &arguments.time);
    let wiring = session.wiring(&arguments.source, &arguments.time);
    let index = wiring.index()?;
    let from = begin(&services, &arguments.journal).await;
    let (ledger, failures) =
        (services.ledger().await?, services.failures(&arguments.tables).await?);
    let verifications = services.verifications(&arguments.tables).await?;
    let content_repo = arguments.content_repo.url()?.map(|url| wiring.content_repo(url));
    if arguments.withdrawn.is_some() && content_repo.is_none() {
        return Err(withdrawn::without_content_repo().into());
    }
    let teller = Teller::plain();
    let read = decisions(&services, &arguments.journal, &arguments.source.domain).await?;
    let mut decided = match read {
        Ok(decided) => decided,
        Err(why) => {
            let stopped = Some(Stopped::Trouble(Reason::from(&why)));
            let summary = AuditSummary { stopped, ..AuditSummary::default() };
            return session.print(&AuditReport::new(summary, run, AuditFiles::default(), false));
        }
    };
    if arguments.withdrawn.is_some() {
        withdrawn::require_no_cutover(&decided)?;
    }
    try_accepted(&wiring, &buckets, &mut decided.accepted, &teller).await;
    let withdrawn_list = arguments.withdrawn.as_deref().map(WithdrawnList::create).transpose()?;
    let list = arguments.list.as_deref().map(AuditList::create).transpose()?;
    let ports = AuditPorts {
        index: &*index,
        ledger: &*ledger,
        failures: &*failures,
        verifications: &*verifications,
        content_repo: content_repo.as_ref().map(|database| database as &dyn ContentRepoDatabase),
        clock: &SystemClock,
    };
    let tell = |progress| teller.say(&words(progress));
    let excluded = arguments.exclude_file.as_deref();
    let excluded = excluded.map(|file| FidList::read("--exclude-file", file)).transpose()?;
    let excluded = excluded.map(|list| list.all()).unwrap_or_default();
    let plan = AuditPlan { buckets: &buckets, run, excluded, accepted: decided.accepted };
    let comparison = Comparison::make(&ports, &plan, &tell).await;
    let listed = match list {
        Some(list) if comparison.summary().stopped.is_none() => {
            Some(write_list(list, &comparison, &ports, &plan).await)
        }
        _ => None,
    };
    let summary = comparison.summary().clone();
    let withdrawn = match withdrawn_list {
        Some(list) => Some(withdrawn::write(list, &comparison, &services, &arguments).await),
        None => None,
    };
    let files = AuditFiles { list: listed, withdrawn };
    let (counted, content) = (counted::audit(&summary), summary.content);
    let is_said = says_something(summary.stopped.as_ref(), summary.rows);
    let report = AuditReport::new(summary, run, files, arguments.allow_withdrawn);
    let exit = session.print(&report)?;
    if is_said {
        let (step, verdict) = (AUDIT, report.verdict());
        let (content, run) = (Some(content), run.map(str::to_owned));
        let allowed = flags(&[("allow-withdrawn", arguments.allow_withdrawn)]);
        let ended = Ended { content, run, allowed, ..Ended::new(step, verdict, counted, from) };
        arguments.journal_end(&services, ended).await;
    }
    Ok(exit)
}

/// Tries the replicas of accepted files again. Without the trackers it is not known whether one is back.
async fn try_accepted(
    wiring: &Wiring<'_>,
    buckets: &BucketMap,
    accepted: &mut Acceptances,
    teller: &Teller,
) {
    let many = accepted.iter().filter(|one| has_content(one, buckets)).count();
    if many == 0 {
        return;
    }
    teller.say(&format!("trying the replicas of {} accepted files again", HumanCount(many as u64)));
    match wiring.mogile(IndexFrom::Settings) {
        Ok((index, files)) => {
            let ports = AgainPorts { index: &*index, files: &*files, clock: &SystemClock };
            try_again(ports, buckets, accepted).await;
        }
        Err(why) => {
            for one in accepted.iter_mut().filter(|one| has_content(one, buckets)) {
                one.since = Since::Unknown(format!("its replicas were not tried again: {why}"));
            }
        }
    }
}

/// Writes every file of the index, and what the ledger has without a row.
async fn write_list(
    mut list: AuditList,
    comparison: &Comparison,
    ports: &AuditPorts<'_>,
    plan: &AuditPlan<'_>,
) -> ListEnd {
    match list_files(comparison, ports, plan, |file| list.add(&file)).await {
        // An error of the file is kept by the list, and told by its end.
        Ok(Ok(()) | Err(())) => {}
        Err(stopped) => return list.broken_off(&stopped),
    }
    for (fid, at) in comparison.records_without_row() {
        list.add_without_row(fid, &at);
    }
    list.finish()
}

fn words(progress: AuditProgress) -> String {
    match progress {
        AuditProgress::Rows(rows) => format!("{} rows of the index read", HumanCount(rows)),
        AuditProgress::Items(items) => format!("{} items of the ledger read", HumanCount(items)),
        AuditProgress::Passes(passes) => format!("{} verifications read", HumanCount(passes)),
    }
}

impl Compare {
    /// Writes the result into the journal, unless files were left out.
    async fn journal_end(&self, services: &Services<'_>, ended: Ended) {
        let Ok(buckets) = self.buckets() else { return };
        if self.exclude_file.is_some() {
            let why = "--exclude-file leaves files out";
            not_written(
                AUDIT,
                why,
                "`mogile2s3 audit` without the flag; `audit accept` accepts files by name",
            );
            return;
        }
        let place = PlaceSettings {
            source: MogileSettings::All(&self.source),
            buckets: &buckets,
            aws: &self.aws,
            tables: &self.tables,
            journal: &self.journal,
            queue: None,
        };
        write_end(services, &place, &self.operator, ended).await;
    }

    fn buckets(&self) -> Result<BucketMap, UsageError> {
        parse_buckets(&self.buckets, &self.ignore_buckets)
    }

    fn run(&self) -> Result<Option<&str>, UsageError> {
        match self.verification.run.as_deref() {
            Some(run) if !is_run_name(run) => Err(UsageError(format!(
                "--run: a name has 1 to {} bytes, in one line",
                limits::LONGEST_RUN_BYTES
            ))),
            run => Ok(run),
        }
    }
}
