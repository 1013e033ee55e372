use super::examine::not_seen;
use crate::blueprint::{AccessProfile, BucketState, contentrepo};
use crate::ports::Site;
use crate::{BucketMap, Check};

/// Looks at the buckets' settings: does anything delete files, and can a stock contentrepo use the
/// buckets, where `profile` says that one will? A bucket that is missing is left to the other checks.
pub async fn examine_buckets(
    site: &dyn Site,
    buckets: &BucketMap,
    profile: Option<AccessProfile>,
    region: &str,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (_, bucket) in buckets.pairs() {
        let subject = format!("bucket {bucket}");
        match site.bucket(bucket).await {
            Ok(None) => {}
            Ok(Some(found)) => {
                checks.push(examine_rules(&subject, &found));
                if profile == Some(AccessProfile::ContentrepoLegacy) {
                    checks.extend(contentrepo::needs(region, &found).into_iter().map(|need| {
                        match need.seen {
                            Ok(seen) => Check::good(&subject, need.fact, seen),
                            Err(why) => Check::bad(&subject, need.fact, why),
                        }
                    }));
                }
            }
            Err(error) => checks.push(not_seen(subject, "its settings can be read", &error)),
        }
    }
    checks
}

fn examine_rules(subject: &str, found: &BucketState) -> Check {
    let fact = "no lifecycle rule deletes files";
    if found.rules_that_delete_files.is_empty() {
        return Check::good(subject, fact, "none");
    }
    let detail = format!(
        "{} deletes objects with keys of 40 characters, which the files have: remove it, or narrow it \
         by a prefix, before anything is migrated",
        found.rules_that_delete_files.join(", ")
    );
    Check::bad(subject, fact, detail)
}
