//! `mogile2s3 freeze`: has ingest stopped, and is everything still as it was then?

use std::sync::Arc;
use std::time::Duration;

use adapters::clock::SystemClock;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use domain::cutover::{
    CheckTrouble, FreezePlan, FreezePorts, FreezeTrouble, JournalledChanges, StateProgress,
    UnreadableJournal, Watched, check_freeze, journalled_changes, watch,
};
use domain::journal::Content;
use domain::ports::Clock;
use domain::runbook::{JournalTrouble, JournalWriter};
use domain::store_state::Freeze;
use domain::{BucketMap, Reason};
use indicatif::{HumanCount, HumanDuration};

use crate::config::{
    AwsSettings, CONTENT_REPO, ClientSettings, JournalSettings, NodeSettings, RHINO,
    SourceSettings, TimeSettings, not_nothing, parse_buckets,
};
use crate::exit::{Exit, MisconfiguredError, RefusedError, TroubleError, UsageError};
use crate::journal::{OperatorSettings, random, refused};
use crate::report::Teller;
use crate::report::freeze::{CheckReport, FreezeReport};
use crate::session::Session;
use crate::wiring::IndexFrom;

/// What can be given to `freeze`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_long_help = AFTER_FREEZE)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    begin: Begin,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare the store and its clients with the last freeze in the journal
    Check(Box<Check>),
}

const AFTER_FREEZE: &str = "\
Stop all writes first: ingest, contentrepo's API for writers, and what else stores files. Then this
command reads every row, looks every 10 seconds for the window whether a row or an upload came, and
reads every row again. Ten million rows take about five minutes for each reading, and the rows of
contentrepo and rhino are counted too. Where nothing moved and nothing changed, the journal gets the
freeze: how writes were stopped, and digests of all rows.

All domains of MogileFS and all buckets of both clients must be still. A row of MogileFS counts by
fid, key and length: replication goes on. While an upload is under way nothing is frozen; MogileFS
takes one that was given up for lost after an hour.

Exit codes: 0 nothing moved, and the journal has the freeze; 1 something moved or changed, or the
command was interrupted: the journal has nothing; 2 wrong usage or configuration; 3 something could
not be reached; 4 another process wrote into the journal meanwhile, or it was changed.";

const AFTER_CHECK: &str = "\
It reads every row once and writes nothing. A change of files in mapped buckets, of contentrepo's rows
or of rhino's rows breaks the freeze. So do a new file, an upload under way, and `rekey`. Other rows of
MogileFS may be deleted: unfinished uploads, and files of ignored buckets.

Exit codes: 0 the freeze holds; 1 it does not hold, or the journal has none; 2 wrong usage or
configuration; 3 something could not be reached; 4 the journal was changed.";

#[derive(Debug, Args)]
struct Begin {
    /// How writes were stopped, in your words, for the journal: \"ingest is off in crontab, rhino is
    /// read-only\"
    #[arg(long, value_name = "TEXT", required = true)]
    means: Option<String>,

    /// For this long nothing may move
    #[arg(long, env = "FREEZE_WINDOW", value_name = "TIME", default_value = "10m")]
    #[arg(value_parser = not_nothing)]
    window: Duration,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_CHECK)]
struct Check {
    #[command(flatten)]
    common: Common,
}

/// What both take, and `cutover`.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    /// MogileFS buckets that are not migrated, separated by commas
    #[arg(long, env = "IGNORE_BUCKETS", default_value = "", hide_default_value = true)]
    ignore_buckets: String,

    #[command(flatten)]
    pub(super) source: SourceSettings,

    #[command(flatten)]
    pub(super) clients: ClientSettings,

    #[command(flatten)]
    pub(super) nodes: NodeSettings,

    #[command(flatten)]
    pub(super) journal: JournalSettings,

    #[command(flatten)]
    pub(super) time: TimeSettings,

    #[command(flatten)]
    pub(super) aws: AwsSettings,
}

/// Freezes, or compares with a freeze.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Some(Command::Check(check)) => check.run().await,
        None => arguments.begin.run().await,
    }
}

impl Begin {
    async fn run(self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.common.json);
        let means = self.means.as_deref().unwrap_or_default().trim().to_owned();
        if means.is_empty() {
            let text =
                "--means is empty: say how writes were stopped. The journal keeps your words";
            return Err(UsageError(text.to_owned()).into());
        }
        let buckets = self.common.buckets()?;
        let ports = self.common.ports(&session)?;
        let services = session.services(&self.common.aws, &self.common.time);
        let journal = services.journal(&self.common.journal).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let by = (self.operator.name(&services).await?, random());
        let salt = by.1;
        let before = journalled_changes(&*journal, &*clock, salt).await.map_err(unreadable)?;
        if let Some((entry, fid)) = before.open_rekey {
            return Err(RefusedError(format!(
                "entry {entry} of the journal says that `rekey` began to change the key of fid {fid}, and no \
                 entry says what came of it\n  → run the same `rekey` again, then this"
            ))
            .into());
        }
        let (teller, stop) = Session::stop_request()?;
        let (telling, left) = (teller.clone(), teller);
        let plan = FreezePlan { buckets: &buckets, window: self.window, stop };
        let progress = |progress| telling.say(&words(progress));
        let remaining = |time: Duration| {
            left.say(&format!("nothing moves; {} of the window are left", HumanDuration(time)));
        };
        let watched = watch(&ports, &plan, &progress, &remaining).await.map_err(trouble)?;
        let window_seconds = self.window.as_secs();
        let mut entry = None;
        if let Watched::Still(state) = &watched {
            let state = (**state).clone();
            let freeze = Box::new(Freeze { means: means.clone(), window_seconds, state });
            // Opened first: an entry that comes behind this reading of the journal is a take-over.
            let writer = JournalWriter::open(journal.clone(), clock.clone(), by).await;
            let mut writer = writer.map_err(refused)?;
            let now = journalled_changes(&*journal, &*clock, salt).await.map_err(unreadable)?;
            require_no_change(&before, &now)?;
            let head = writer.append(Content::Frozen { freeze }).await.map_err(refused)?;
            entry = Some(head.sequence);
        }
        session.print(&FreezeReport::new(means, window_seconds, watched, entry))
    }
}

/// Errors where the journal has a change of the store that was not there before the watch.
fn require_no_change(
    before: &JournalledChanges,
    now: &JournalledChanges,
) -> Result<(), RefusedError> {
    match &now.last_change {
        Some((entry, by)) if now.last_change != before.last_change => Err(RefusedError(format!(
            "entry {entry} of the journal, by {by}, changes the store and was written while this watched. \
             Nothing was written to the journal\n  → agree with {by}, then run this again"
        ))),
        _ => Ok(()),
    }
}

impl Check {
    async fn run(self) -> anyhow::Result<Exit> {
        let session = Session::begin(self.common.json);
        let buckets = self.common.buckets()?;
        let ports = self.common.ports(&session)?;
        let services = session.services(&self.common.aws, &self.common.time);
        let journal = services.journal(&self.common.journal).await?;
        let teller = Teller::plain();
        let progress = |progress| teller.say(&words(progress));
        let check = check_freeze(&ports, &*journal, &buckets, random(), &progress).await;
        session.print(&CheckReport::new(check.map_err(|why| match why {
            CheckTrouble::Journal(why) => unreadable(why),
            CheckTrouble::Store(why) => trouble(why),
        })?))
    }
}

pub(super) fn unreadable(why: UnreadableJournal) -> anyhow::Error {
    refused(match why {
        UnreadableJournal::Table(error) => JournalTrouble::Table(error),
        UnreadableJournal::Changed(fault) => JournalTrouble::Changed(fault),
    })
}

impl Common {
    pub(super) fn buckets(&self) -> Result<BucketMap, UsageError> {
        parse_buckets(&self.buckets, &self.ignore_buckets)
    }

    /// All settings that are missing are named at once.
    pub(super) fn ports(&self, session: &Session) -> anyhow::Result<FreezePorts> {
        let wiring = session.wiring(&self.source, &self.time);
        let mut missing = Vec::new();
        let mut need = |name: &str, what: &str, is_there: bool| {
            if !is_there {
                missing.push(UsageError(format!("{name} is not set: {what}")));
            }
        };
        let index = wiring.mogile_database()?;
        let (content_repo, rhino) = (self.clients.content_repo()?, self.clients.rhino()?);
        let uploads = "the uploads under way are in MogileFS's database, and no tracker names them";
        need("MOGILE_DATABASE_URL", uploads, index.is_some());
        need(
            CONTENT_REPO,
            "whether contentrepo still writes is in its database",
            content_repo.is_some(),
        );
        need(RHINO, "whether rhino still writes is in its database", rhino.is_some());
        UsageError::all(missing)?;
        let (Some(index), Some(content_repo), Some(rhino)) = (index, content_repo, rhino) else {
            return Err(UsageError("a database is not set".to_owned()).into());
        };
        let (index, (trackers, _)) = (Arc::new(index), wiring.mogile(IndexFrom::Trackers)?);
        let mogile = self.source.database()?;
        let urls = [mogile, Some(content_repo.clone()), Some(rhino.clone())];
        let servers = urls.iter().flatten().map(|url| url.name().to_owned()).collect();
        Ok(FreezePorts {
            index: index.clone(),
            database: index,
            trackers,
            servers,
            database_servers: Arc::new(wiring.servers(urls)),
            content_repo: Arc::new(wiring.content_repo(content_repo)),
            rhino: Arc::new(wiring.rhino(rhino)),
            nodes: wiring.repo_nodes(self.nodes.nodes()?)?,
            clock: Arc::new(SystemClock),
        })
    }
}

pub(super) fn words(progress: StateProgress) -> String {
    match progress {
        StateProgress::Clients => "counting the rows of contentrepo and rhino".to_owned(),
        StateProgress::Rows(rows) => format!("{} rows of the index read", HumanCount(rows)),
    }
}

pub(super) fn trouble(why: FreezeTrouble) -> anyhow::Error {
    match why {
        FreezeTrouble::Index(error) => TroubleError(Reason::from(&error)).into(),
        FreezeTrouble::Database(error) => anyhow!(
            "{error}\n  → check the URL, the server and the account, then run this again. The account needs SELECT \
             alone, in MogileFS's database on the table `tempfile` too (docs/OPERATING.md, \"Freeze\")"
        ),
        FreezeTrouble::Node(error) => anyhow!(
            "{error}\n  → is it the URL of the API of one node, such as `http://repo1.example.org:8080/v1`? A node \
             that is stopped is no writer: leave it out of --contentrepo-url"
        ),
        FreezeTrouble::Misconfigured(why) => MisconfiguredError(why).into(),
        FreezeTrouble::OtherClient { client, .. } => {
            let setting = if client == "rhino" { RHINO } else { CONTENT_REPO };
            UsageError(format!(
                "{why}\n  → is {setting} the database of this store's {client}? Compare BUCKETS with the names \
                 in it"
            ))
            .into()
        }
    }
}
