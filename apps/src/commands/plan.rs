//! `mogile2s3 plan`: what there is to migrate.

use adapters::aws;
use adapters::clock::SystemClock;
use clap::Args;
use domain::blueprint::{AccessProfile, contentrepo};
use domain::doctor::census;

use crate::config::{AccessSettings, SourceSettings, TargetSettings, TimeSettings};
use crate::exit::Exit;
use crate::report::plan::{PlanReport, verdict};
use crate::session::Session;

/// What can be given to `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,

    /// Region of the buckets [default: the standard AWS environment's]
    #[arg(long, env = "AWS_S3_REGION_NAME", value_name = "REGION")]
    region: Option<String>,

    #[command(flatten)]
    access: AccessSettings,

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
    let hazards = hazards(&arguments).await;
    session.print(&PlanReport { verdict: verdict(&census, &hazards), census, hazards })
}

/// What is wrong with the way after the migration, as far as settings alone show it. AWS is not asked.
async fn hazards(arguments: &Arguments) -> Vec<String> {
    if arguments.access.profile() != Some(AccessProfile::ContentrepoLegacy) {
        return Vec::new();
    }
    let config = aws::load(arguments.region.clone()).await;
    match config.region() {
        Some(region) => contentrepo::signatures(region.as_ref()).err().into_iter().collect(),
        None => vec!["no AWS region is set: a stock contentrepo can use few of them".to_owned()],
    }
}
