use std::collections::BTreeSet;

use super::examine::not_seen;
use crate::blueprint::{
    AccessProfile, Block, BucketState, Encryption, ObjectLock, contentrepo, is_public_read,
};
use crate::ports::{Site, SiteError, SiteLooks};
use crate::{BucketMap, Check, Health, S3Bucket};

const SETTINGS: &str = "its settings can be read";

const NO_RULE_DELETES: &str = "no lifecycle rule deletes files";

/// What was found of the buckets' settings.
#[derive(Debug, Default)]
pub struct BucketChecks {
    /// The checks of all buckets.
    pub checks: Vec<Check>,
    /// Buckets in which an object may not be deleted again, because Object Lock keeps it or could not be
    /// read. No canary may be written there.
    pub locked: BTreeSet<S3Bucket>,
    /// Buckets whose own settings let anybody read files, by the policy that `provision` writes.
    pub public: BTreeSet<S3Bucket>,
    /// Buckets with another policy that is in force: it may let anybody read files.
    pub own_policy: BTreeSet<S3Bucket>,
}

/// Looks at the buckets' settings: does anything delete, lock or copy what is written, how is it
/// encrypted, and can those read it whom `profile` names? A bucket that is missing is left to the other
/// checks.
pub async fn examine_buckets<S>(
    site: &S,
    buckets: &BucketMap,
    profile: Option<AccessProfile>,
    region: &str,
) -> BucketChecks
where
    S: Site + SiteLooks + ?Sized,
{
    let mut all = BucketChecks::default();
    for (_, bucket) in buckets.pairs() {
        let subject = format!("bucket {bucket}");
        let found = match site.bucket(bucket).await {
            Ok(None) => continue,
            Ok(Some(found)) => Some(found),
            Err(error) => {
                all.checks.push(not_seen(&subject, SETTINGS, &error));
                // Not a bucket that any look of ours could reach.
                if matches!(error, SiteError::Elsewhere { .. } | SiteError::Closed { .. }) {
                    all.locked.insert(bucket.clone());
                    continue;
                }
                None
            }
        };
        // One setting that may not be read hides all of `found`, but neither the rules nor the lock.
        match &found {
            Some(found) => all.checks.extend(examine_rules(&subject, found)),
            None => all.checks.push(look_at_rules(site, &subject, bucket).await),
        }
        let (lock, may_keep) = examine_lock(site, &subject, bucket).await;
        all.checks.push(lock);
        if may_keep {
            all.locked.insert(bucket.clone());
        }
        let Some(found) = found else { continue };
        all.checks.push(examine_encryption(&subject, &found, profile));
        all.checks.push(examine_versions(&subject, &found));
        if lets_anybody_read(bucket, &found) {
            all.public.insert(bucket.clone());
        } else if found.policy.is_some() && !found.blocked.contains(&Block::OldPolicies) {
            all.own_policy.insert(bucket.clone());
        }
        all.checks.push(match site.replicas(bucket).await {
            Ok(replicas) => examine_replication(&subject, &replicas),
            Err(error) => not_seen(&subject, "its replication can be read", &error),
        });
        all.checks.extend(examine_readers(&subject, bucket, &found, profile, region));
    }
    all
}

/// Looks only at what a stock contentrepo needs of the buckets. Where `profile` is another one there is
/// nothing to look at. Of a bucket that is missing the region alone is known.
pub async fn examine_readers_of<S: Site + ?Sized>(
    site: &S,
    buckets: &BucketMap,
    profile: Option<AccessProfile>,
    region: &str,
) -> Vec<Check> {
    let mut checks = Vec::new();
    if !matches!(profile, None | Some(AccessProfile::ContentrepoLegacy)) {
        return checks;
    }
    for (_, bucket) in buckets.pairs() {
        let subject = format!("bucket {bucket}");
        checks.extend(match site.bucket(bucket).await {
            Ok(Some(found)) => examine_readers(&subject, bucket, &found, profile, region),
            Ok(None) => vec![examine_need(&subject, contentrepo::signing(region), profile)],
            Err(error) => vec![not_seen(&subject, SETTINGS, &error)],
        });
    }
    checks
}

/// Looks at Object Lock alone, one request a bucket. Returns the checks, and the buckets in which an
/// object may not be deleted again.
pub async fn examine_locks<S: SiteLooks + ?Sized>(
    site: &S,
    buckets: &BucketMap,
) -> (Vec<Check>, BTreeSet<S3Bucket>) {
    let (mut checks, mut locked) = (Vec::new(), BTreeSet::new());
    for (_, bucket) in buckets.pairs() {
        let (check, may_keep) = examine_lock(site, &format!("bucket {bucket}"), bucket).await;
        checks.push(check);
        if may_keep {
            locked.insert(bucket.clone());
        }
    }
    (checks, locked)
}

/// The rules that delete files, where the other settings of the bucket could not be read.
async fn look_at_rules<S: SiteLooks + ?Sized>(site: &S, subject: &str, bucket: &S3Bucket) -> Check {
    match site.expiry_rules(bucket).await {
        Ok(rules) => {
            let names = rules.iter().filter(|rule| rule.of_files);
            let names: Vec<_> = names.map(|rule| format!("rule `{}`", rule.name)).collect();
            examine_deleting_rules(subject, &names)
        }
        Err(error) => not_seen(subject, NO_RULE_DELETES, &error),
    }
}

/// Whether those can read and write the bucket whom the profile names; without a profile, whether a stock
/// contentrepo can.
fn examine_readers(
    subject: &str,
    bucket: &S3Bucket,
    found: &BucketState,
    profile: Option<AccessProfile>,
    region: &str,
) -> Vec<Check> {
    let needs = match profile {
        Some(AccessProfile::Private) => return vec![examine_privacy(subject, bucket, found)],
        Some(AccessProfile::PublicPolicy) => contentrepo::public_reads(bucket, found),
        // Without a profile: before ten million copies are paid for, what the readers of today could do.
        None | Some(AccessProfile::ContentrepoLegacy) => contentrepo::needs(region, bucket, found),
    };
    needs.into_iter().map(|need| examine_need(subject, need, profile)).collect()
}

fn examine_need(subject: &str, need: contentrepo::Need, profile: Option<AccessProfile>) -> Check {
    match need.seen {
        Ok(seen) => Check::good(subject, need.fact, seen),
        Err(why) if profile.is_none() => {
            Check::caution(subject, need.fact, contentrepo::without_profile(&why))
        }
        Err(why) => Check::bad(subject, need.fact, why),
    }
}

/// A policy that is there counts, as long as it is not ignored.
fn lets_anybody_read(bucket: &S3Bucket, found: &BucketState) -> bool {
    let is_public = found.policy.as_ref().is_some_and(|policy| is_public_read(policy, bucket));
    is_public && !found.blocked.contains(&Block::OldPolicies)
}

fn examine_privacy(subject: &str, bucket: &S3Bucket, found: &BucketState) -> Check {
    let fact = "only holders of AWS keys read it";
    if lets_anybody_read(bucket, found) {
        let detail = format!(
            "its policy lets anybody read the files: remove it (aws s3api delete-bucket-policy \
             --bucket {bucket}), or choose --access-profile public-policy"
        );
        return Check::bad(subject, fact, detail);
    }
    if found.blocked == AccessProfile::Private.blocked() {
        return Check::good(subject, fact, "all public access is blocked");
    }
    let detail = "public access is not blocked in all four ways, so that a later policy or ACL could \
                  make files public: run `mogile2s3 provision --access-profile private`, where the \
                  bucket has objects with --change-access";
    Check::caution(subject, fact, detail)
}

/// A rule that deletes files stops the migration.
fn examine_deleting_rules(subject: &str, rules: &[String]) -> Check {
    if rules.is_empty() {
        return Check::good(subject, NO_RULE_DELETES, "none");
    }
    let detail = format!(
        "{} deletes objects with keys of 40 characters, which the files have: remove it, or narrow it \
         by a prefix, before anything is migrated",
        rules.join(", ")
    );
    Check::bad(subject, NO_RULE_DELETES, detail)
}

/// A rule that moves files to another storage class, or is for other keys, does not stop it.
fn examine_rules(subject: &str, found: &BucketState) -> Vec<Check> {
    let mut checks = vec![examine_deleting_rules(subject, &found.rules_that_delete_files)];
    if checks[0].health == Health::Good && !found.rules_for_objects.is_empty() {
        let detail = format!(
            "{} deletes other objects, or moves objects to another storage class. An intermediary in \
             Glacier cannot be copied, and reads there take hours or cost: look at it before anything is \
             migrated",
            found.rules_for_objects.join(", ")
        );
        checks.push(Check::caution(subject, "no lifecycle rule is for objects", detail));
    }
    checks
}

/// Where a profile names readers without keys, [`examine_readers`] says that they cannot read.
fn examine_encryption(subject: &str, found: &BucketState, profile: Option<AccessProfile>) -> Check {
    let fact = "new objects are encrypted by S3's own keys";
    match found.encryption {
        Some(Encryption::Kms) if profile.is_none_or(|profile| !profile.is_public()) => {
            let detail = "the default is aws:kms or aws:kms:dsse: each reader and writer needs a right to \
                          the key, each request of it costs, and no ETag is an MD5, so that a stock \
                          contentrepo can neither read nor write here. Set SSE-S3 (AES256) as the default \
                          before anything is migrated, unless the key is wanted";
            Check::caution(subject, fact, detail)
        }
        Some(Encryption::Kms) => Check::good(subject, "it has a default encryption", "aws:kms"),
        Some(Encryption::S3) => Check::good(subject, fact, "AES256"),
        None => Check::good(subject, fact, "no other default is set"),
    }
}

fn examine_versions(subject: &str, found: &BucketState) -> Check {
    let fact = "it keeps no older versions";
    if !found.versioned {
        return Check::good(subject, fact, "versioning is off");
    }
    let detail = "versioning is on: what is replaced or deleted stays, and is billed, intermediaries \
                  that are deleted later too. Add a rule that expires noncurrent versions after the \
                  migration, or leave it so on purpose";
    Check::caution(subject, fact, detail)
}

/// Whether new objects can be deleted again. Returns the check, and whether one may be kept.
async fn examine_lock<S: SiteLooks + ?Sized>(
    site: &S,
    subject: &str,
    bucket: &S3Bucket,
) -> (Check, bool) {
    let fact = "new objects can be deleted again";
    let lock = match site.object_lock(bucket).await {
        Ok(lock) => lock,
        Err(error) => {
            let mut check = not_seen(subject, fact, &error);
            check.detail = format!(
                "{}. No canaries are written here, because Object Lock could not be read: it would keep \
                 them. These keys need s3:GetBucketObjectLockConfiguration on the bucket",
                check.detail
            );
            return (check, true);
        }
    };
    match lock {
        None => (Check::good(subject, fact, "no Object Lock"), false),
        Some(ObjectLock::ByRequest) => {
            let detail = "Object Lock is on, and has no default retention";
            (Check::good(subject, fact, detail), false)
        }
        Some(ObjectLock::Each(how)) => {
            let detail = format!(
                "Object Lock keeps each new object ({how}): an object that comes out wrong could not be \
                 taken away, nor could intermediaries. No canaries are written here. Take the default \
                 retention away for the time of the migration (aws s3api \
                 put-object-lock-configuration --bucket BUCKET --object-lock-configuration \
                 ObjectLockEnabled=Enabled)"
            );
            (Check::bad(subject, fact, detail), true)
        }
    }
}

fn examine_replication(subject: &str, replicas: &[String]) -> Check {
    let fact = "new objects are not copied to another bucket";
    if replicas.is_empty() {
        return Check::good(subject, fact, "no replication");
    }
    let detail = format!(
        "a rule copies each new object to {}: that costs a PUT, the transfer and the storage of each file \
         again. Where that is not wanted, disable the rule before anything is migrated",
        replicas.join(", ")
    );
    Check::caution(subject, fact, detail)
}
