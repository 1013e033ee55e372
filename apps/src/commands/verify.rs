//! `mogile2s3 verify`: the buckets' listings against MogileFS's index.

use std::collections::hash_map::RandomState;
use std::future::pending;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

use adapters::clock::SystemClock;
use clap::Args;
use domain::verify::{All, Depth, VerifyObserver, VerifyPlan, VerifyPorts, verify_store};
use domain::{Acceptances, limits};
use futures_util::StreamExt;

use super::migrate::failures_allowed;
use crate::acceptances::accepted_if_read;
use crate::config::{AwsSettings, JournalSettings, SourceSettings, TargetSettings, TimeSettings};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::report::Counted;
use crate::report::verify::{Form, ListFile, Lists, VerifyReport};
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

    /// Do not compare the fids in this file, which has the form of a `--fids` file. Their objects
    /// count as objects that no row names
    #[arg(long, value_name = "FILE")]
    exclude_file: Option<PathBuf>,

    /// Accept that the buckets have many objects of content that MogileFS has no more. Without it these are
    /// a finding where they are more than 100 and more than 1 % of the files
    #[arg(long)]
    allow_extra: bool,

    /// Write a line for each file and each object that is no file's to this new file: a symbol (`=`
    /// whole, `-` missing, `~` missing and accepted, `*` differs, `+` no file's, `!` could not be
    /// looked at), bucket/key, fid and
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
    journal: JournalSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

const AFTER_HELP: &str = "\
It reads the table `file` by ranges of keys and lists each bucket once: one LIST for 1,000 objects.
It asks neither the ledger nor the queue, and writes nothing. With DYNAMODB_TABLE it reads in the
journal which files are accepted by name: of these a missing object is no difference. A file whose length in the listing
differs from the index is looked at by HEAD, or read where the object has no stored SHA-1, before it
counts as wrong.

Signals: the first SIGINT or SIGTERM ends the comparison and prints what was found so far.

Exit codes: 0 every file of the index is in its bucket with the right length, and what was read has
the right content; 1 files are missing or wrong, rows were rejected, or the comparison was stopped; 2
wrong usage or configuration; 3 something could not be read, and the comparison is not complete.";

/// Compares all rows with all objects. What is not as it must be is a finding.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let mut plan = arguments.plan()?;
    let wiring = session.wiring(&arguments.source, &arguments.time);
    let index = wiring.mogile_database()?.ok_or_else(|| {
        UsageError(
            "MOGILE_DATABASE_URL is not set: `verify` reads the index in the order of its keys, and the \
             trackers list it by fid. Give mysql://user:password@host:port/db of MogileFS's database, by \
             flag, environment or .env; an account with SELECT on `domain` and `file` is enough"
                .to_owned(),
        )
    })?;
    let services = session.services(&arguments.aws, &arguments.time);
    let objects = services.s3(&arguments.target).await?;
    if arguments.aws.has_ledger_table() {
        let domain = &arguments.source.domain;
        plan.accepted = accepted_if_read(&services, &arguments.journal, domain).await?;
    }
    let list = |form, path: &Option<PathBuf>| {
        path.as_deref().map(|path| ListFile::create(form, path)).transpose()
    };
    let list_file = list(Form::List, &arguments.list)?;
    let sums = list(Form::Sha1Sums, &arguments.sha1sums)?;
    let failures = list(Form::Failures, &arguments.failures)?;

    let (progress, mut stops) = session.watch(Counted::Ranges, |teller, _| {
        teller.say("stopping: the comparison is not complete, and the report says how far it came");
    })?;
    let stop = async {
        if stops.next().await.is_none() {
            pending::<()>().await;
        }
    };
    let mut observers: Vec<&dyn VerifyObserver> = vec![&progress];
    let files = [&list_file, &sums, &failures].into_iter().flatten();
    observers.extend(files.map(|file| file as &dyn VerifyObserver));
    let ports = VerifyPorts { index: &index, rows: &index, objects: &objects, clock: &SystemClock };
    let summary = verify_store(ports, &plan, stop, &All(observers)).await;
    progress.finish();
    let end = |file: Option<ListFile>| file.map(|file| file.finish());
    let lists = Lists { list: end(list_file), sha1sums: end(sums), failures: end(failures) };
    session.print(&VerifyReport::new(summary, lists, arguments.allow_extra, session.cost()))
}

impl Arguments {
    fn plan(&self) -> Result<VerifyPlan, UsageError> {
        let excluded = self.exclude_file.as_deref();
        let excluded = excluded.map(|file| FidList::read("--exclude-file", file)).transpose()?;
        Ok(VerifyPlan {
            buckets: self.target.bucket_map()?,
            excluded: excluded.map(|list| list.all()).unwrap_or_default(),
            accepted: Acceptances::default(),
            depth: if self.deep {
                Depth::All
            } else {
                let files = usize::try_from(self.sample).unwrap_or(usize::MAX);
                Depth::Sample { files, seed: self.seed.unwrap_or_else(any_seed) }
            },
            max_failures: self.max_failures,
            page_rows: limits::RANGE_ROWS,
        })
    }
}

/// A seed that nobody chose, short enough to be typed.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() % 1_000_000
}
