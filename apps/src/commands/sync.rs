//! `mogile2s3 sync`: raw copies of MogileFS's files in the buckets, for `migrate` to copy.

use clap::Args;

use super::migrate::{Aim, RunArguments};
use crate::exit::Exit;
use crate::journal::OperatorSettings;
use crate::report::Report;
use crate::report::sync::SyncReport;
use crate::session::Session;

/// What can be given to `sync`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    run: RunArguments,
}

const AFTER_HELP: &str = "\
Each file that has no proven copy at its final key yet is written to `0/000/000/0000000001.fid`,
the key of its intermediary, in the bucket that BUCKETS names, unless an intermediary of its
length is there already. One of another length is looked at, and replaced where its content is
wrong. The SHA-1 goes with each PUT, so that S3 refuses other content. Files that one COPY could
not take (above 5 GiB) are left out: `migrate` brings them from MogileFS. The ledger is read and
not written. --again also takes files that are proven, and looks at each intermediary that is
there: by a HEAD, or by reading it whole where S3 has no SHA-1 of it.

Signals: after the first SIGINT or SIGTERM no new file is started, and files in progress have 20
seconds. The second signal abandons them. The third signal ends the process at once.

Exit codes: 0 every row is in a class and nothing failed; 1 files failed, rows were rejected or
missing, or the run was interrupted; 2 wrong usage or configuration, nothing was done; 3
something could not be reached; 130 after a third signal. After each of them the same command
continues where this run ended.";

/// Brings what is selected.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { operator, run } = arguments;
    let session = Session::begin(run.json());
    let begun = run.begin(&session).await;
    let report = SyncReport(run.carry_out(&session, Aim::Sync, "mogile2s3 sync", "").await?);
    let exit = session.print(&report)?;
    let ended = ("sync", begun, report.verdict());
    Box::pin(run.journal_end(&session, &operator, ended, &report.0)).await;
    Ok(exit)
}
