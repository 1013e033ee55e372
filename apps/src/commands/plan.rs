//! `mogile2s3 plan`: what there is to migrate.

mod compare;
mod hazards;

use std::fs;
use std::path::{Path, PathBuf};

use adapters::aws;
use adapters::clock::SystemClock;
use clap::Args;
use domain::doctor::{Contents, census, count_rhino_rows, examine_readers_of, plan_types};
use domain::ports::KeyRanges;
use domain::{BucketMap, Prices, Reason};
use indicatif::HumanCount;

use crate::config::{
    AccessSettings, AwsSettings, ClientSettings, PaceSettings, SourceSettings, TableSettings,
    TargetSettings, TimeSettings,
};
use crate::exit::{Exit, UsageError};
use crate::report::Teller;
use crate::report::plan::{Beside, PlanReport, WindowAsked};
use crate::route::Route;
use crate::session::Session;

/// What can be given to `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,

    /// Compute costs by the prices in this file, which has the form of `domain/prices.json`
    /// [default: the prices of us-east-1]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Count nothing; compare the estimate in PLAN, the output of `plan --json`, with what each RUN counted,
    /// the output of `migrate --json`, `enqueue migrate --json` or `work --json`
    #[arg(long, num_args = 2.., value_names = ["PLAN", "RUN"])]
    compare: Vec<PathBuf>,

    /// List the buckets of BUCKETS, and scan the ledger and the failures table where the ledger is named:
    /// how much is there already, and how much is left. One LIST for 1,000 objects, and at least 42 for each bucket. Without it AWS
    /// is not asked
    #[arg(long)]
    list_buckets: bool,

    /// Say how long the maintenance window of the cut-over is, gate by gate. Where rhino's database is set
    /// its rows are counted, which may take minutes
    #[arg(long)]
    window: bool,

    /// Files that come in between the last migration before the window and the freeze
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "window")]
    ingested: u64,

    /// Count no jobs for files of more than N bytes, as `enqueue` sends none
    #[arg(long, env = "LAMBDA_MAX_BYTES", default_value_t = 1 << 30, value_name = "N")]
    lambda_max_bytes: u64,

    /// How files may get to S3. Where the buckets are not listed, `auto` counts each file as one from MogileFS
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    #[command(flatten)]
    pace: PaceSettings,

    #[command(flatten)]
    access: AccessSettings,

    #[command(flatten)]
    source: SourceSettings,

    #[command(flatten)]
    target: TargetSettings,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    clients: ClientSettings,

    #[command(flatten)]
    time: TimeSettings,

    #[command(flatten)]
    aws: AwsSettings,
}

/// Counts the whole index. Rejected rows are findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let session = Session::begin(arguments.json);
    if !arguments.compare.is_empty() {
        let prices = prices(arguments.prices.as_deref())?;
        return session.print(&compare::compare(&arguments.compare, &prices)?);
    }
    let buckets = arguments.target.bucket_map()?;
    let prices = prices(arguments.prices.as_deref())?;
    let wiring = session.wiring(&arguments.source, &arguments.time);
    let (index, content_repo) = (wiring.index()?, arguments.clients.content_repo()?);
    let rhino = arguments.clients.rhino()?.filter(|_| arguments.window);
    let listed = arguments.contents(&session, &buckets).await?;
    let (contents, unlisted) = match listed.transpose() {
        Ok(contents) => (contents, None),
        Err(reason) => (None, Some(reason)),
    };
    let sizes = arguments.target.sizes(arguments.lambda_max_bytes, arguments.route);
    let census = census(index.as_ref(), &SystemClock, &buckets, sizes, contents.as_ref()).await;
    // The most of what this run holds, and nothing asks for it any more.
    drop(contents);
    let database = wiring.mogile_database()?;
    let ranges = database.as_ref().map(|database| database as &dyn KeyRanges);
    let (alike, alike_unread) = census.alike.look_up(ranges, &SystemClock).await;
    let (mut hazards, cautions) = arguments.readers(&session, &buckets).await?;
    hazards.extend(hazards::of_census(&census, &alike, &buckets));
    let types = match content_repo.map(|url| wiring.content_repo(url)) {
        Some(database) => Some(plan_types(&database, &SystemClock, &buckets).await),
        None => None,
    };
    let rhino = match rhino.map(|url| wiring.rhino(url)) {
        Some(database) => Some(count_rhino_rows(&database, &buckets).await),
        None => None,
    };
    let by_trackers = !wiring.has_database()?;
    let asked = WindowAsked { ingested: arguments.ingested, by_trackers };
    let window = arguments.window.then_some(asked);
    let pace = arguments.pace.pace();
    let beside = Beside { types, unlisted, window, rhino, pace, alike, alike_unread, cautions };
    session.print(&PlanReport::new(census, hazards, &prices, &buckets, beside))
}

impl Arguments {
    /// What S3 and the ledger have already, where that is asked for; the reason where it cannot be told.
    async fn contents(
        &self,
        session: &Session,
        buckets: &BucketMap,
    ) -> anyhow::Result<Option<Result<Contents, Reason>>> {
        if !self.list_buckets {
            return Ok(None);
        }
        let services = session.services(&self.aws, &self.time);
        let objects = services.s3(&self.target).await?;
        let tables = if self.aws.has_ledger_table() {
            Some((services.ledger().await?, services.failures(&self.tables).await?))
        } else {
            None
        };
        let teller = Teller::plain();
        let tell = |objects| teller.say(&format!("{} objects listed", HumanCount(objects)));
        let tables = tables.as_ref().map(|(ledger, failures)| (ledger.as_ref(), failures.as_ref()));
        Ok(Some(Contents::gather(&objects, tables, &SystemClock, buckets, &tell).await))
    }

    /// What would keep a stock contentrepo from the buckets: hazards where `ACCESS_PROFILE` names it, and
    /// cautions where it names no one. AWS is asked only where the buckets are listed.
    async fn readers(
        &self,
        session: &Session,
        buckets: &BucketMap,
    ) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let profile = self.access.profile();
        if !self.list_buckets {
            let config = aws::load(self.aws.region.clone()).await;
            let said = hazards::of_region(config.region().map(AsRef::as_ref), profile);
            return Ok(said);
        }
        let (site, region) = session.services(&self.aws, &self.time).site().await?;
        let checks = examine_readers_of(&site, buckets, profile, &region).await;
        Ok(hazards::of_checks(checks))
    }
}

/// The prices in this file, or those that come with the program.
fn prices(file: Option<&Path>) -> Result<Prices, UsageError> {
    let Some(path) = file else { return Ok(Prices::us_east_1()) };
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| UsageError(format!("--prices: `{shown}` cannot be read: {error}")))?;
    Prices::parse(&text).map_err(|error| {
        UsageError(format!(
            "--prices: `{shown}` is no table of prices: {error}. It has the form of \
             `domain/prices.json`"
        ))
    })
}
