//! The command line: what can be asked for, and how it is run.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    audit, config, cutover, dlq, doctor, enqueue, fids, freeze, intermediaries, migrate, plan,
    provision, rekey, runbook, smoke, status, sync, tmp, verify, work,
};
use crate::exit::{self, Exit};
use crate::report::shell::printable_lines;
use crate::{environment, telemetry};

/// Moves a MogileFS store to Amazon S3 and proves that every byte arrived.
///
/// Settings come from flags, the environment and a file `.env` in this folder or above it, in
/// this order. AWS credentials, region and endpoint come from the standard AWS environment.
#[derive(Debug, Parser)]
#[command(name = "mogile2s3", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every system before anything starts
    Doctor(doctor::Arguments),
    /// Count the index by class and bucket, and name the rows that cannot be migrated
    Plan(plan::Arguments),
    /// Make buckets, queues and tables, and report what differs from what is needed
    Provision(provision::Arguments),
    /// Bring raw copies of the files to S3, from which `migrate` copies them (optional)
    Sync(sync::Arguments),
    /// List the unfinished uploads in MogileFS, and delete those that are over
    Tmp(tmp::Arguments),
    /// Correct the key of a file whose content hashes to another SHA-1 than the key says
    Rekey(rekey::Arguments),
    /// Migrate files from this machine, without a queue
    Migrate(migrate::Arguments),
    /// Send a job to the queue for every selected row
    Enqueue(enqueue::Arguments),
    /// Run a worker on the queue from this machine, outside Lambda
    Work(work::Arguments),
    /// List the dead letters by reason, and send them again
    Dlq(dlq::Arguments),
    /// Show queue, dead letters, failures and ledger, and whether waiting is safe
    Status(status::Arguments),
    /// Compare the buckets with MogileFS's index, without ledger and queue, and read a sample
    Verify(verify::Arguments),
    /// List the fids that the ledger has records of
    Fids(fids::Arguments),
    /// Compare the index, the ledger and a verification, and explain every difference
    Audit(audit::Arguments),
    /// See that all writes have stopped, and note in the journal what the store holds then
    Freeze(freeze::Arguments),
    /// Change the bucket names in contentrepo's or rhino's database, or take that back
    Cutover(cutover::Arguments),
    /// Print what to change in the clients' configuration, or check what is there
    Config(config::Arguments),
    /// Delete the raw copies in the buckets whose files are proven, behind both cut-overs
    Intermediaries(intermediaries::Arguments),
    /// Read by the names in the clients' databases, from S3 and by contentrepo's API, and write by it
    Smoke(smoke::Arguments),
    /// Read, check and continue the journal of what was done to the migration
    Runbook(runbook::Arguments),
}

/// The command line, for pages and tests that compare it with something.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line; this is all that the binary does. It may replace the process by the same
/// program with another environment, so it must be called before anything is begun.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    run(arguments).unwrap_or_else(|error| {
        eprintln!("error: {}", printable_lines(&exit::in_one_line(&error)));
        exit::of_error(&error).into()
    })
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    environment::prepare_with_dot_env(&command())?;
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that has read enough changes nothing, as in clap's own `exit`.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Clean };
            return Ok(exit.into());
        }
    };
    telemetry::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Doctor(arguments) => Box::pin(doctor::run(arguments)).await,
            Command::Plan(arguments) => Box::pin(plan::run(arguments)).await,
            Command::Provision(arguments) => provision::run(arguments).await,
            Command::Sync(arguments) => on_a_worker(sync::run(arguments)).await,
            Command::Tmp(arguments) => on_a_worker(tmp::run(arguments)).await,
            Command::Rekey(arguments) => Box::pin(rekey::run(arguments)).await,
            Command::Migrate(arguments) => on_a_worker(migrate::run(arguments)).await,
            Command::Enqueue(arguments) => on_a_worker(Box::pin(enqueue::run(arguments))).await,
            Command::Work(arguments) => on_a_worker(work::run(arguments)).await,
            Command::Dlq(arguments) => dlq::run(arguments).await,
            Command::Status(arguments) => status::run(arguments).await,
            Command::Verify(arguments) => on_a_worker(Box::pin(verify::run(arguments))).await,
            Command::Fids(arguments) => fids::run(arguments).await,
            Command::Audit(arguments) => Box::pin(audit::run(arguments)).await,
            Command::Freeze(arguments) => Box::pin(freeze::run(arguments)).await,
            Command::Cutover(arguments) => Box::pin(cutover::run(arguments)).await,
            Command::Config(arguments) => Box::pin(config::run(arguments)).await,
            Command::Intermediaries(arguments) => Box::pin(intermediaries::run(arguments)).await,
            Command::Smoke(arguments) => Box::pin(smoke::run(arguments)).await,
            Command::Runbook(arguments) => Box::pin(runbook::run(arguments)).await,
        }
    })?;
    Ok(exit.into())
}

/// On a worker of the runtime, beside the connections that it waits for: on the thread that blocks
/// every answer would have to wake another one.
async fn on_a_worker(
    command: impl Future<Output = anyhow::Result<Exit>> + Send + 'static,
) -> anyhow::Result<Exit> {
    tokio::spawn(command).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
