//! `mogile2s3 dlq`: what died in the queue, why, and sending it again.

use std::fmt::{self, Write};
use std::sync::Arc;

use adapters::calls::Calls;
use adapters::clock::SystemClock;
use clap::{Args, Subcommand};
use domain::steps::{Choice, DeadLetters, Redriven, WatchPorts, list_dead_letters, redrive};
use indicatif::HumanCount;

use crate::config::{AwsSettings, QueueSettings, TimeSettings};
use crate::exit::{self, Exit, UsageError};
use crate::fid_list::FidList;
use crate::report::{say, write_reason, write_sample, write_stopped};
use crate::wiring::Services;

/// What can be given to `dlq`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Group the dead letters by reason, and name the first fids of each. They stay where they are,
    /// invisible to others while this looks
    List(ListArguments),
    /// Send dead letters to the job queue again: each is sent, then taken away
    Redrive(RedriveArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct RedriveArguments {
    /// All that are jobs
    #[arg(long, conflicts_with_all = ["reason", "fids"])]
    all: bool,

    /// Those with this reason, as `dlq list` names it
    #[arg(long, value_name = "REASON", conflicts_with = "fids")]
    reason: Option<String>,

    /// Those of these fids: `7,9-12`, or `@FILE` with one a line
    #[arg(long, value_name = "LIST")]
    fids: Option<String>,

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
            let ports = common.ports().await?;
            let list = list_dead_letters(&ports).await;
            say(&list, common.json, tell_list)?;
            Ok(exit::of(list.stopped.as_ref(), list.letters == 0))
        }
        Command::Redrive(arguments) => {
            let choice = arguments.choice()?;
            let common = arguments.common;
            let ports = common.ports().await?;
            let redriven = redrive(&ports, &choice).await;
            say(&redriven, common.json, tell_redriven)?;
            let trouble = redriven.failed.files + redriven.unreadable.files + redriven.kept;
            Ok(exit::of(redriven.stopped.as_ref(), trouble == 0 && !redriven.more))
        }
    }
}

impl RedriveArguments {
    fn choice(&self) -> Result<Choice, UsageError> {
        match (&self.reason, &self.fids) {
            (Some(reason), _) => Ok(Choice::Reason(reason.clone())),
            (None, Some(fids)) => Ok(Choice::Fids(FidList::parse("--fids", fids)?.all())),
            (None, None) if self.all => Ok(Choice::All),
            (None, None) => {
                let text = "say which dead letters are to be sent again: --reason REASON, as \
                            `mogile2s3 dlq list` names it, --fids LIST, or --all";
                Err(UsageError(text.to_owned()))
            }
        }
    }
}

impl Common {
    async fn ports(&self) -> Result<WatchPorts, UsageError> {
        let calls = Arc::new(Calls::default());
        watch_ports(&Services::new(&self.aws, &self.time, &calls), &self.queue).await
    }
}

/// All that is asked by whoever looks after workers.
pub(super) async fn watch_ports(
    services: &Services<'_>,
    queue: &QueueSettings,
) -> Result<WatchPorts, UsageError> {
    Ok(WatchPorts {
        queue: services.queue(queue).await?,
        dead_letters: services.dead_letters(queue).await?,
        failures: services.failures(&queue.tables).await?,
        ledger: services.ledger().await?,
        clock: Arc::new(SystemClock),
    })
}

fn tell_list(out: &mut String, list: &DeadLetters) -> fmt::Result {
    if let Some(stopped) = &list.stopped {
        write_stopped(out, stopped)?;
    } else if list.letters == 0 {
        return writeln!(out, "No dead letters, but for those that somebody else looks at now.");
    }
    writeln!(out, "Dead letters: {}", HumanCount(list.letters))?;
    for (reason, sample) in &list.reasons {
        write_reason(out, reason, sample)?;
    }
    if !list.nameless.is_empty() {
        writeln!(out, "Without a fid, by their message ids: {}", list.nameless.join(", "))?;
    }
    if list.more {
        writeln!(out, "There may be more: the queue shows no more at once.")?;
    }
    writeln!(out, "Mend what is wrong, and send them again:")?;
    writeln!(out, "  mogile2s3 dlq redrive --reason REASON    (or --fids LIST, or --all)")
}

fn tell_redriven(out: &mut String, redriven: &Redriven) -> fmt::Result {
    if let Some(stopped) = &redriven.stopped {
        write_stopped(out, stopped)?;
    }
    writeln!(out, "{} sent again", HumanCount(redriven.sent))?;
    writeln!(out, "{} left where they are", HumanCount(redriven.left))?;
    let chosen = redriven.sent + redriven.kept + redriven.unreadable.files + redriven.failed.files;
    if chosen == 0 && redriven.left > 0 {
        writeln!(out, "None was chosen: `mogile2s3 dlq list` tells their reasons and fids.")?;
    }
    if redriven.kept > 0 {
        let count = HumanCount(redriven.kept);
        writeln!(
            out,
            "{count} sent again and still dead letters: done twice, which harms nothing"
        )?;
    }
    if redriven.unreadable.files > 0 {
        writeln!(out, "No jobs, and left where they are:")?;
        write_sample(out, "unreadable", &redriven.unreadable)?;
    }
    if redriven.failed.files > 0 {
        writeln!(out, "Not taken by the queue, and left where they are:")?;
        write_sample(out, "queue-unavailable", &redriven.failed)?;
    }
    if redriven.more {
        writeln!(out, "There may be more: run this again.")?;
    }
    Ok(())
}
