//! `mogile2s3 dlq`: what died in the queue, why, and sending it again.

use clap::{Args, Subcommand};
use domain::ports::WatchPorts;
use domain::queue::{Choice, list_dead_letters, redrive};

use crate::config::{AwsSettings, JournalSettings, QueueSettings, TimeSettings};
use crate::exit::{Exit, UsageError};
use crate::fid_list::FidList;
use crate::journal::{OperatorSettings, journalled_queue};
use crate::report::dlq::{ListReport, RedriveReport};
use crate::session::Session;

/// What can be given to `dlq`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Group the dead letters by reason, and name the first fids of each. The letters stay in their
    /// queue; other readers do not see them while this command reads them
    List(ListArguments),
    /// Send dead letters to the job queue again: each is sent first, and then deleted. Ends with exit
    /// code 1 where no letter matches --reason or --fids
    Redrive(RedriveArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct RedriveArguments {
    /// Choose every dead letter that is a job
    #[arg(long, conflicts_with_all = ["reason", "fids"])]
    all: bool,

    /// Choose the dead letters with this reason, as `dlq list` names it
    #[arg(long, value_name = "REASON", conflicts_with = "fids")]
    reason: Option<String>,

    /// Choose the dead letters of these fids: `7,9-12`, or `@FILE` with one a line
    #[arg(long, value_name = "LIST")]
    fids: Option<String>,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// Lists, or sends again. Dead letters are findings, and so is what could not be sent.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    match arguments.command {
        Command::List(ListArguments { common }) => {
            let session = Session::begin(common.json);
            let letters = list_dead_letters(&common.ports(&session).await?).await;
            session.print(&ListReport::new(letters))
        }
        Command::Redrive(arguments) => {
            let choice = arguments.choice()?;
            let RedriveArguments { common, journal, operator, .. } = arguments;
            let session = Session::begin(common.json);
            let services = session.services(&common.aws, &common.time);
            let mut ports = common.ports(&session).await?;
            let url = common.queue.queue_url()?;
            let kept = (&journal, &operator);
            ports.queue = journalled_queue(&services, kept, ports.queue, (&url, "redrive")).await?;
            let redriven = redrive(&ports, &choice).await;
            session.print(&RedriveReport::new(redriven, &choice))
        }
    }
}

impl RedriveArguments {
    fn choice(&self) -> Result<Choice, UsageError> {
        match (&self.reason, &self.fids) {
            (Some(reason), _) if Choice::is_reason(reason) => Ok(Choice::Reason(reason.clone())),
            (Some(reason), _) => Err(UsageError(format!(
                "--reason: no dead letter can have the reason `{reason}`. `mogile2s3 dlq list` names \
                 the reasons that they have"
            ))),
            (None, Some(fids)) => Ok(Choice::Fids(FidList::parse("--fids", fids)?.all())),
            (None, None) if self.all => Ok(Choice::All),
            (None, None) => {
                let text = "no dead letter is chosen: give --reason REASON, as \
                            `mogile2s3 dlq list` names it, --fids LIST, or --all";
                Err(UsageError(text.to_owned()))
            }
        }
    }
}

impl Common {
    async fn ports(&self, session: &Session) -> Result<WatchPorts, UsageError> {
        session.services(&self.aws, &self.time).watch_ports(&self.queue).await
    }
}
