//! `mogile2s3 plan`: what there is to migrate.

mod compare;

use std::fs;
use std::path::{Path, PathBuf};

use adapters::aws;
use adapters::clock::SystemClock;
use clap::Args;
use domain::blueprint::{AccessProfile, contentrepo};
use domain::doctor::{Census, Contents, census, count_rhino_rows, plan_types};
use domain::summary::Sample;
use domain::{BucketMap, Prices, Reason, Tally, limits};
use indicatif::{HumanBytes, HumanCount};

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
    let mut hazards = hazards(&arguments).await;
    hazards.extend(misspelt_buckets(&census));
    hazards.extend(buckets_of_other_case(&census, &buckets));
    hazards.extend(keys_in_capitals(&census));
    hazards.extend(lost_files(&census));
    hazards.extend(too_long(&census));
    hazards.extend(without_way(&census));
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
    let beside = Beside { types, unlisted, window, rhino, pace: arguments.pace.pace() };
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

/// The buckets of BUCKETS in which MogileFS has no file, where one that is not named has nearly the same
/// name: most likely that one was meant.
fn misspelt_buckets(census: &Census) -> impl Iterator<Item = String> {
    census.without_rows.iter().filter_map(|bucket| {
        let distance = |other: &&String| {
            strsim::damerau_levenshtein(&other.to_lowercase(), &bucket.to_lowercase())
        };
        let nearest = census.unmapped.keys().min_by_key(distance)?;
        let is_near = distance(&nearest) <= 2 && distance(&nearest) * 3 <= bucket.len();
        is_near.then(|| {
            format!(
                "BUCKETS names `{bucket}`, and no row of the index is in that bucket: is `{nearest}` \
                 meant, which it does not name?"
            )
        })
    })
}

/// Buckets that differ from one of BUCKETS only in case: both MogileFS and contentrepo may take the two
/// for one, and this program does not.
fn buckets_of_other_case(census: &Census, buckets: &BucketMap) -> Vec<String> {
    let other = |name: &String| {
        // Where none of its rows are there that is said already: the name is misspelt.
        let with_rows = |old: &&str| !census.without_rows.contains(*old);
        let mut of_map = buckets.pairs().map(|(old, _)| old.as_str()).filter(with_rows);
        let alike = of_map.find(|old| old.to_lowercase() == name.to_lowercase())?;
        Some(format!(
            "rows are in bucket `{name}`, and others in `{alike}`, which differs only in case and is the \
             one that BUCKETS names: add `{name}` to BUCKETS or to IGNORE_BUCKETS"
        ))
    };
    census.unmapped.keys().filter_map(other).collect()
}

/// Keys that name no content only because of their capitals.
fn keys_in_capitals(census: &Census) -> Option<String> {
    let Sample { files, example, .. } = &census.in_capitals;
    let words = || {
        format!(
            "{files} rejected keys have their SHA-1 in capitals, such as `{example}`: rename them in \
             MogileFS where contentrepo refers to them in small letters"
        )
    };
    (*files > 0).then(words)
}

/// Files of which MogileFS has lost every replica.
fn lost_files(census: &Census) -> Option<String> {
    let Sample { files, first_fids, example } = &census.without_replica;
    let fid = first_fids.first()?;
    Some(format!(
        "{files} files have no replica, such as fid {fid} (`{example}`): they end as no-replica unless an \
         intermediary or an object has their content. Restore them in MogileFS, or exclude them"
    ))
}

/// Rows whose lengths are most likely wrong.
fn too_long(census: &Census) -> Option<String> {
    let Sample { files, first_fids, example } = &census.too_long;
    let fid = first_fids.first()?;
    Some(format!(
        "{files} rows claim more than {}, the most that can be written, such as fid {fid} (`{example}`). Their \
         bytes and requests are in no sum. Where that is true of a file its migration fails: compare the length \
         with a replica's",
        HumanBytes(limits::LARGEST_FILE_BYTES)
    ))
}

/// Files that `--route copy` cannot bring.
fn without_way(census: &Census) -> Option<String> {
    let left = census.arrived.as_ref().map_or(&census.requests_needed, |it| &it.requests_left);
    let Tally { files, bytes } = left.without_way;
    (files > 0).then(|| {
        format!(
            "{files} files ({}) cannot come by copy: they have no intermediary, or are too large for one COPY. By \
             `--route copy` they fail as no-intermediary. Bring them with `--route auto`",
            HumanBytes(bytes)
        )
    })
}

/// What is wrong with the way after the migration, as far as settings alone show it. AWS is not asked.
async fn hazards(arguments: &Arguments) -> Vec<String> {
    if arguments.access.profile() != Some(AccessProfile::ContentrepoLegacy) {
        return Vec::new();
    }
    let config = aws::load(arguments.aws.region.clone()).await;
    match config.region() {
        Some(region) => contentrepo::signatures(region.as_ref()).err().into_iter().collect(),
        None => vec!["no AWS region is set: a stock contentrepo can use few of them".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_lost_files_are_hazards() {
        let map = BucketMap::parse("repo:corpus,Other:other", "").expect("a map");
        let unmapped = ["REPO", "scratch"].map(|name| (name.to_owned(), Tally::default()));
        let mut census = Census { unmapped: unmapped.into(), ..Census::default() };
        let said = buckets_of_other_case(&census, &map);
        let words = "rows are in bucket `REPO`, and others in `repo`, which differs only in case";
        assert!(said.len() == 1 && said[0].starts_with(words), "{said:?}");
        census.without_rows.insert("repo".to_owned());
        assert_eq!(buckets_of_other_case(&census, &map), [""; 0], "`REPO` is meant");
        assert_eq!(keys_in_capitals(&census), None);
        assert_eq!(lost_files(&census), None);
        census.without_replica.add(domain::Fid(8), "ab-repo");
        let said = lost_files(&census).expect("a hazard");
        assert!(said.starts_with("1 files have no replica, such as fid 8 (`ab-repo`)"), "{said}");
        census.in_capitals.add(domain::Fid(7), "AB-repo");
        let said = keys_in_capitals(&census).expect("a hazard");
        assert!(
            said.starts_with("1 rejected keys have their SHA-1 in capitals, such as `AB-repo`")
        );
    }

    #[test]
    fn a_bucket_without_rows_is_a_hazard_where_another_may_be_meant() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let said = |without_rows: &[&str], unmapped: &[&str]| {
            let unmapped = unmapped.iter().map(|name| ((*name).to_owned(), Tally::default()));
            let without_rows = names(without_rows);
            let census = Census { without_rows, unmapped: unmapped.collect(), ..Census::default() };
            misspelt_buckets(&census).collect::<Vec<_>>()
        };
        let none = "BUCKETS names `prod-repo`, and no row of the index is in that bucket";
        assert_eq!(said(&[], &["prod-rpeo"]), [""; 0]);
        assert_eq!(said(&["prod-repo"], &[]), [""; 0], "it may be empty");
        assert_eq!(said(&["prod-repo"], &["editorial"]), [""; 0]);
        assert_eq!(said(&["ab"], &["cd"]), [""; 0], "any name of two letters is near");
        let two = said(&["prod-repo"], &["prod-rep", "prod-rope", "prod-repo2"]);
        assert!(two[0].contains("`prod-rep` meant"), "{two:?}");
        for near in ["prod-rpeo", "Prod-Repo", "prod_repo", "prod-repos"] {
            let words = format!("{none}: is `{near}` meant, which it does not name?");
            assert_eq!(said(&["prod-repo"], &["editorial", near]), [words]);
        }
    }
}
