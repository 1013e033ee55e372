//! `mogile2s3 plan`: what there is to migrate.

use adapters::clock::SystemClock;
use clap::Args;
use domain::doctor::census;

use crate::config::{SourceSettings, TargetSettings, TimeSettings};
use crate::exit::Exit;
use crate::report::plan::{PlanReport, verdict};
use crate::session::Session;

/// What can be given to `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    time: TimeSettings,
}

/// Counts the whole index. Rejected rows are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    let buckets = arguments.target.bucket_map()?;
    let index = session.wiring(&arguments.source, &arguments.time).index()?;
    let limit = arguments.target.single_request_bytes;
    let census = census(index.as_ref(), &SystemClock, &buckets, limit).await;
    session.print(&PlanReport { verdict: verdict(&census), census })
}
