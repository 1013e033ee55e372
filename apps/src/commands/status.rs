//! `mogile2s3 status`: how far work has come that goes on elsewhere, and whether waiting is safe.

use std::time::{Duration, Instant};

use clap::Args;
use domain::queue::look_around;
use domain::{BucketMap, Stopped};

use crate::config::{AwsSettings, QueueSettings, SourceSettings, TimeSettings, parse_buckets};
use crate::exit::{Exit, MisconfiguredError, TroubleError, UsageError};
use crate::report::status::{StatusReport, StatusTrouble};
use crate::session::Session;

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
proven in other buckets, or waiting is not safe; 2 wrong usage or configuration, also a
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
            return session.print(&StatusReport::new(&looked.map_err(error_of)?));
        };
        let pause = Duration::from_secs(seconds.max(1));
        let ((exit, is_read), pause) = match looked {
            Ok(progress) => {
                let printed = session.print_one_of_many(&StatusReport::new(&progress))?;
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
}
