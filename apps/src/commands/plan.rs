//! `mogile2s3 plan`: what there is to migrate.

use adapters::aws;
use adapters::clock::SystemClock;
use clap::Args;
use domain::blueprint::{AccessProfile, contentrepo};
use domain::doctor::{Census, census};

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
    let mut hazards = hazards(&arguments).await;
    hazards.extend(misspelt_buckets(&census));
    session.print(&PlanReport { verdict: verdict(&census, &hazards), census, hazards })
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

#[cfg(test)]
mod tests {
    use domain::Tally;

    use super::*;

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
