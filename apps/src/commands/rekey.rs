//! `mogile2s3 rekey`: keys that name other content than their files have.

use std::sync::Arc;

use adapters::clock::SystemClock;
use clap::{Args, Subcommand};
use domain::cleanup::{
    RekeyMode, RekeyPlan, RekeyPorts, RekeyWay, ScanPorts, Unrecorded, rekey, scan_keys,
};
use domain::cutover::journalled_changes;
use domain::ports::Journal;
use domain::{BucketMap, Dkey, Fid, Sha1};
use roaring::RoaringTreemap;

use super::tmp::unclean;
use crate::config::{
    AwsSettings, CONTENT_REPO, ContentRepoSettings, JournalSettings, KeyChangeSettings,
    QueueSettings, SourceSettings, TargetSettings, TimeSettings, WRITE_URL,
};
use crate::exit::{Exit, UsageError, of_error};
use crate::fid_list::FidList;
use crate::journal::{OperatorSettings, random};
use crate::report::rekey::{RekeyReport, ScanReport};
use crate::session::Session;
use crate::wiring::IndexFrom;

/// What can be given to `rekey`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = AFTER_REKEY)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Find the files whose content hashes to another SHA-1 than their keys say, and print the
    /// command that corrects each of them
    Scan(Box<Scan>),
}

const AFTER_REKEY: &str = "\
A key is corrected when every replica that MogileFS has of the file was read and all have one
other SHA-1 and the length of the row; when no file has the key with that SHA-1; and when no row
of contentrepo of that bucket refers to the old SHA-1 any more (status 0 or 1, or an unknown one).
Otherwise nothing is changed, and the report says why. The next migration takes the file by its
new key, whatever the ledger has of the old one.

The journal has both keys before the change, and what came of it: `mogile2s3 runbook export`. The
report prints the way back. The command may be run again at any time.

Exit codes: 0 the key is changed, or may be (without --execute), or needs no change; 1 another
file has the same content under the right key, or the trackers do not see the change, or
contentrepo refers to the old SHA-1 behind it; 2 wrong usage or configuration; 3 something could
not be reached, also after the change, or the change was not made or perhaps not; 4 refused, as the
report says, or another process wrote into the journal meanwhile.";

#[derive(Debug, Args)]
struct Change {
    /// The file's number
    #[arg(long, value_name = "FID", required = true)]
    fid: Option<u64>,

    /// The key that it has: `{sha1}-{bucket}`
    #[arg(long, value_name = "DKEY", required = true)]
    from: Option<String>,

    /// The SHA-1 that its content should have: any other one is refused
    #[arg(long, value_name = "SHA1")]
    to: Option<String>,

    /// Change the key. Without it nothing is changed, neither in MogileFS nor in the journal
    #[arg(long)]
    execute: bool,

    /// Change it by a tracker's rename, and not in `MOGILE_DATABASE_WRITE_URL`
    #[arg(long)]
    via_tracker: bool,

    #[command(flatten)]
    operator: OperatorSettings,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    key_changes: KeyChangeSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    content_repo: ContentRepoSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_SCAN)]
struct Scan {
    /// Look at these fids, too: `7,9-12`, or `@FILE` with one a line, as `migrate --failures FILE`
    /// writes it
    #[arg(long, value_name = "LIST")]
    fids: Option<String>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

const AFTER_SCAN: &str = "\
It reads every replica of the files that failed as `wrong-content`, by the failures table and by
the dead letters, where SQS_DLQ_URL is set. Dead letters whose worker was killed are looked at,
too. The failures table has nothing of `migrate` without a queue: name its files by --fids.

Exit codes: 0 no key is wrong, and every file could be judged; 1 keys are wrong, or a file cannot
be judged; 2 wrong usage or configuration; 3 something could not be reached.";

/// Finds wrong keys, or corrects one.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Some(Command::Scan(scan)) => scan.run().await,
        None => arguments.change.run().await,
    }
}

impl Change {
    async fn run(self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let (fid, from, to) = self.keys()?;
        let buckets = self.target.bucket_map()?;
        let content_repo = self.content_repo.url()?.ok_or_else(no_content_repo)?;
        let wiring = session.wiring(&self.source, &self.time);
        let services = session.services(&self.aws, &self.time);
        let way = match self.key_changes.url()? {
            _ if self.via_tracker => RekeyWay::Tracker,
            Some(url) => RekeyWay::Database(Arc::new(wiring.key_changes(url))),
            None if self.execute => return Err(no_way().into()),
            None => RekeyWay::Tracker,
        };
        let (index, files) = wiring.mogile(IndexFrom::Settings)?;
        let journal = services.journal(&self.journal).await?;
        let content_repo = Arc::new(wiring.content_repo(content_repo));
        let clock = Arc::new(SystemClock);
        let kept = journal.clone();
        let ports = RekeyPorts { index, files, content_repo, journal, clock };
        let mode = if self.execute {
            RekeyMode::Change { by: self.operator.name(&services).await?, way }
        } else {
            RekeyMode::DryRun
        };
        let (_, stop) = Session::stop_request()?;
        let plan = RekeyPlan { buckets: &buckets, fid, from, to, mode, salt: random(), stop };
        let rekeyed = rekey(&ports, &plan).await;
        let ended = ended_freeze(&*kept, plan.salt).await;
        match rekeyed {
            Ok(rekeying) => session.print(&RekeyReport::new(rekeying).with_ended_freeze(ended)),
            Err(Unrecorded { why, rekeying: None }) => Err(unclean(why, 0)),
            Err(Unrecorded { why, rekeying: Some(rekeying) }) => {
                let outcome = rekeying.outcome;
                let text = format!(
                    "the journal does not have what came of this: `{outcome}`. What is printed above is so"
                );
                let error = unclean(why, 0).context(text);
                let report = RekeyReport::unrecorded(*rekeying, of_error(&error));
                session.print(&report.with_ended_freeze(ended))?;
                Err(error)
            }
        }
    }

    /// The file, the key that it has, and the SHA-1 that is expected.
    fn keys(&self) -> Result<(Fid, Dkey, Option<Sha1>), UsageError> {
        let from = self.from.as_deref().unwrap_or_default();
        let not_a_key = || {
            UsageError(format!(
                "--from: `{from}` is not a lower-case SHA-1, a hyphen and a bucket. Other keys name no \
                 content that could be another one"
            ))
        };
        let dkey = Dkey::parse(from).ok_or_else(not_a_key)?;
        let to = self.to.as_deref().map(Sha1::from_hex).transpose();
        let to = to.map_err(|error| UsageError(format!("--to: {error}")))?;
        if to == Some(dkey.sha1) {
            return Err(UsageError("--to is the SHA-1 that the key has already".to_owned()));
        }
        Ok((Fid(self.fid.unwrap_or_default()), dkey, to))
    }
}

/// The entry of the freeze that this writer has ended. Where the journal cannot be read now, `freeze check`
/// finds out.
async fn ended_freeze(journal: &dyn Journal, writer: u64) -> Option<u64> {
    let changes = journalled_changes(journal, &SystemClock, writer).await.ok()?;
    let freeze = changes.freeze?;
    freeze.ended.filter(|ended| ended.writer == writer).map(|_| freeze.sequence)
}

fn no_content_repo() -> UsageError {
    UsageError(format!(
        "{CONTENT_REPO} is not set: while contentrepo refers to the old SHA-1 the key must stay, and \
         only its database shows that"
    ))
}

fn no_way() -> UsageError {
    UsageError(format!(
        "{WRITE_URL} is not set: give MogileFS's database with an account that may change the table \
         `file`, or --via-tracker. Nothing is written over MOGILE_DATABASE_URL"
    ))
}

impl Scan {
    async fn run(self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.json);
        let named = self.fids.as_deref().map(|list| FidList::parse("--fids", list)).transpose()?;
        let named = named.map_or_else(RoaringTreemap::new, |list| list.all());
        let buckets: BucketMap = self.target.bucket_map()?;
        let wiring = session.wiring(&self.source, &self.time);
        let services = session.services(&self.aws, &self.time);
        let (index, files) = wiring.mogile(IndexFrom::Settings)?;
        let failures = services.failures(&self.queue.tables).await?;
        let dead_letters = match self.queue.dead_letters_url_if_named()? {
            Some(_) => Some(services.watch_ports(&self.queue).await?),
            None => None,
        };
        let clock = Arc::new(SystemClock);
        let ports = ScanPorts { index, files, failures, dead_letters, clock };
        let (_, stop) = Session::stop_request()?;
        let scan = scan_keys(&ports, &buckets, named, &stop).await;
        session.print(&ScanReport::new(scan))
    }
}
