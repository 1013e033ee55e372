//! `mogile2s3 status`: how far work has come that goes on elsewhere, and whether waiting is safe.

use std::time::{Duration, Instant};

use adapters::clock::SystemClock;
use clap::Args;
use domain::cutover::{UnreadableJournal, read_cutovers};
use domain::journal::ClientDatabase;
use domain::ports::{LedgerError, RhinoChanges};
use domain::queue::look_around;
use domain::{BucketMap, Stopped};

use crate::config::{
    AwsSettings, JournalSettings, QueueSettings, RhinoSettings, SourceSettings, TimeSettings,
    parse_buckets,
};
use crate::exit::{Exit, MisconfiguredError, TroubleError, UsageError};
use crate::journal::random;
use crate::report::status::{CutoverUnderWay, StatusReport, StatusTrouble};
use crate::session::Session;
use crate::wiring::Services;

/// What can be given to `status`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// Look again every SECONDS seconds [default: 30], until interrupted. Reading the ledger takes at
    /// most a fifth of the time
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30")]
    watch: Option<u64>,

    /// Show only queue, dead letters and failures: do not read the ledger, do not count the index
    #[arg(long)]
    queue_only: bool,

    /// Print the result as JSON, one line each time
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    queue: QueueSettings,

    /// S3 bucket for each MogileFS bucket, as `old:new` separated by commas. Proofs in other buckets
    /// are counted separately
    #[arg(long, env = "BUCKETS", default_value = "", hide_default_value = true)]
    buckets: String,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    rhino: RhinoSettings,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

const AFTER_HELP: &str = "\
Failures are those of workers and verifications, from the failures table. `mogile2s3 migrate`
keeps none there: its own report has them, and --failures FILE lists them.

Exit codes: 0 none of the following; 1 dead letters, failed files that nothing tries again, files
proven in other buckets, waiting is not safe, or a cut-over was begun and is not at its end; 2 wrong usage or configuration, also a
MOGILE_DOMAIN that MogileFS does not have; 3 queue or tables could not be read, or the index
could not be counted.";

/// Looks, and says what it means. Dead letters are findings, and so is what makes waiting unsafe.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let services = session.services(&arguments.aws, &arguments.time);
    let ports = services.watch_ports(&arguments.queue).await?;
    let index = || session.wiring(&arguments.source, &arguments.time).index();
    let counted = if arguments.queue_only { None } else { Some((index()?, arguments.buckets()?)) };
    loop {
        let begun = Instant::now();
        let counting = counted.as_ref().map(|(index, buckets)| (index.as_ref(), buckets));
        let looked = look_around(&ports, counting).await;
        let Some(seconds) = arguments.watch else {
            let progress = looked.map_err(error_of)?;
            let cutovers = arguments.cutovers(&session, &services).await;
            return session.print(&StatusReport::new(&progress).with_cutovers(cutovers));
        };
        let pause = Duration::from_secs(seconds.max(1));
        let ((exit, is_read), pause) = match looked {
            Ok(progress) => {
                let cutovers = arguments.cutovers(&session, &services).await;
                let report = StatusReport::new(&progress).with_cutovers(cutovers);
                let printed = session.print_one_of_many(&report)?;
                (printed, pause.max(begun.elapsed() * 4))
            }
            // An operator who watches wants to see that the trouble is over, too.
            Err(Stopped::Trouble(reason)) => {
                (session.print_one_of_many(&StatusTrouble::new(&reason))?, pause)
            }
            Err(stopped) => return Err(error_of(stopped)),
        };
        if !is_read {
            return Ok(exit);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The error that ends the command where nothing was looked at.
fn error_of(stopped: Stopped) -> anyhow::Error {
    match stopped {
        Stopped::Trouble(reason) => TroubleError(reason).into(),
        Stopped::Misconfigured(why) => MisconfiguredError(why).into(),
        Stopped::Failures(_) | Stopped::Interrupted => anyhow::Error::msg(stopped.to_string()),
    }
}

impl Arguments {
    fn buckets(&self) -> Result<BucketMap, UsageError> {
        parse_buckets(&self.buckets, "")
    }

    /// Changes of bucket names that were begun and are not at their end. What cannot be read is said in the
    /// report: the rest of it is worth seeing.
    async fn cutovers(
        &self,
        session: &Session,
        services: &Services<'_>,
    ) -> Result<Vec<CutoverUnderWay>, String> {
        if self.queue_only {
            return Ok(Vec::new());
        }
        let journal = services.journal(&self.journal).await.map_err(|error| error.to_string())?;
        let cutovers = match read_cutovers(&*journal, &SystemClock, random()).await {
            // A migration without a journal has none.
            Err(UnreadableJournal::Table(LedgerError::NoTable { .. })) => return Ok(Vec::new()),
            cutovers => cutovers.map_err(|error| format!("the journal: {error}"))?,
        };
        let mut all = Vec::new();
        for database in [ClientDatabase::Contentrepo, ClientDatabase::Rhino] {
            let standing = cutovers.of(database);
            let Some(run) = standing.run().filter(|run| run.done.is_none()) else { continue };
            let (direction, entry) = (run.begun.direction, run.sequence);
            let index_missing = match database {
                ClientDatabase::Rhino => self.index_missing(session).await?,
                ClientDatabase::Contentrepo => None,
            };
            all.push(CutoverUnderWay { database, direction, entry, index_missing });
        }
        Ok(all)
    }

    async fn index_missing(&self, session: &Session) -> Result<Option<bool>, String> {
        let url = self.rhino.url().map_err(|error| error.to_string())?;
        let Some(url) = url else { return Ok(None) };
        let changes = session.wiring(&self.source, &self.time).rhino_changes(url);
        let facts = changes.facts().await.map_err(|error| error.to_string())?;
        Ok(Some(facts.index.is_none()))
    }
}
