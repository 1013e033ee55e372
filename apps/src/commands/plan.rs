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
    hazards.extend(empty_buckets(&census));
    session.print(&PlanReport { verdict: verdict(&census, &hazards), census, hazards })
}

/// The buckets of BUCKETS in which MogileFS has no file: most likely another name was meant.
fn empty_buckets(census: &Census) -> impl Iterator<Item = String> {
    census.without_rows.iter().map(|bucket| {
        let near = |other: &&String| {
            strsim::damerau_levenshtein(&other.to_lowercase(), &bucket.to_lowercase()) <= 2
        };
        let meant = census.unmapped.keys().find(near);
        let meant = meant.map(|other| format!(": is `{other}` meant, which it does not name?"));
        format!(
            "BUCKETS names `{bucket}`, and no row of the index is in that bucket{}",
            meant.unwrap_or_default()
        )
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
    fn a_bucket_without_rows_is_told_with_the_one_that_may_be_meant() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let said = |without_rows: &[&str], unmapped: &[&str]| {
            let unmapped = unmapped.iter().map(|name| ((*name).to_owned(), Tally::default()));
            let without_rows = names(without_rows);
            let census = Census { without_rows, unmapped: unmapped.collect(), ..Census::default() };
            empty_buckets(&census).collect::<Vec<_>>()
        };
        let none = "BUCKETS names `prod-repo`, and no row of the index is in that bucket";
        assert_eq!(said(&[], &["prod-rpeo"]), [""; 0]);
        assert_eq!(said(&["prod-repo"], &[]), [none]);
        assert_eq!(said(&["prod-repo"], &["editorial"]), [none]);
        for near in ["prod-rpeo", "Prod-Repo", "prod_repo", "prod-repos"] {
            let words = format!("{none}: is `{near}` meant, which it does not name?");
            assert_eq!(said(&["prod-repo"], &["editorial", near]), [words]);
        }
    }
}
