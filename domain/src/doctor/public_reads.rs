use std::collections::BTreeSet;

use super::examine::not_seen;
use crate::blueprint::AccessProfile;
use crate::ports::{AnonymousReads, ObjectStore, SiteError};
use crate::{BucketMap, Check, ObjectKey, S3Bucket};

/// What is known of the buckets before they are read without keys.
pub struct Readers<'a> {
    /// Who is to read them.
    pub profile: Option<AccessProfile>,
    /// Those whose own settings let anybody read files.
    pub public: &'a BTreeSet<S3Bucket>,
    /// Those with another policy, which may let anybody read files.
    pub own_policy: &'a BTreeSet<S3Bucket>,
    /// Those into which a canary may not be written; nothing where none may be written anywhere.
    pub canaries_but_in: Option<&'a BTreeSet<S3Bucket>>,
}

/// Reads one object of each bucket without AWS keys, as those do who follow the unsigned URLs that
/// contentrepo gives: do the bucket's policy and the account's settings let them? It is a canary, or where
/// none may be written one of the files. A bucket that blocks public access or has no policy, and where
/// nobody says who is to read also one with a policy of somebody's own, is left to
/// [`super::examine_buckets`].
pub async fn examine_public_reads(
    reads: &dyn AnonymousReads,
    objects: &dyn ObjectStore,
    buckets: &BucketMap,
    readers: &Readers<'_>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (_, bucket) in buckets.pairs() {
        let is_public = readers.public.contains(bucket);
        if readers.profile.map_or(is_public, AccessProfile::is_public) {
            checks.extend(examine_name(bucket));
        }
        let is_to_be_read = match readers.profile {
            Some(AccessProfile::Private) => !is_public,
            Some(AccessProfile::PublicPolicy | AccessProfile::ContentrepoLegacy) => {
                is_public || readers.own_policy.contains(bucket)
            }
            None => is_public,
        };
        if !is_to_be_read {
            continue;
        }
        let has_canary = readers.canaries_but_in.is_some_and(|locked| !locked.contains(bucket));
        let given = if has_canary {
            Some(reads.gives_canary(bucket).await)
        } else {
            match any_file(objects, bucket).await {
                Some(key) => Some(reads.gives(bucket, &key).await),
                None => None,
            }
        };
        checks.extend(match given {
            Some(given) => Some(judge(bucket, readers.profile, is_public, given)),
            None if is_public || readers.profile == Some(AccessProfile::Private) => None,
            None => Some(untried(bucket)),
        });
    }
    checks
}

/// Amazon's certificate is for one label before `.s3.amazonaws.com` (Amazon S3 user guide, "Virtual hosting
/// of buckets").
fn examine_name(bucket: &S3Bucket) -> Option<Check> {
    let detail = "its name has a dot, and S3's certificate is for one name before `.s3.amazonaws.com`: whoever \
                  follows contentrepo's unsigned URLs (`https://BUCKET.s3.amazonaws.com/SHA1`) gets an error \
                  of TLS. Choose a name without dots before anything is migrated";
    let fact = "its unsigned URLs have a certificate";
    let has_dot = bucket.as_str().contains('.');
    has_dot.then(|| Check::caution(format!("bucket {bucket}"), fact, detail))
}

const A_FILE: &str = "a reader without AWS keys gets a file";

/// Nothing but a read shows what somebody's own policy allows.
fn untried(bucket: &S3Bucket) -> Check {
    let detail = "the bucket's policy is not the one that `provision` writes, and no object was there to be \
                  read: run `mogile2s3 doctor` without --read-only, or again after the first file";
    Check::caution(format!("bucket {bucket}"), A_FILE, detail)
}

fn judge(
    bucket: &S3Bucket,
    profile: Option<AccessProfile>,
    is_public: bool,
    given: Result<bool, SiteError>,
) -> Check {
    let subject = format!("bucket {bucket}");
    let is_private = profile == Some(AccessProfile::Private);
    let fact = if is_private { "a reader without AWS keys gets nothing" } else { A_FILE };
    let given = match given {
        Ok(given) => given,
        Err(error) => return not_seen(subject, fact, &error),
    };
    match (given, is_private) {
        (true, false) => {
            Check::good(subject, fact, "as those need it who follow contentrepo's unsigned URLs")
        }
        (false, true) => Check::good(subject, fact, "S3 refused to give it"),
        (true, true) => {
            let detail = format!(
                "S3 gave an object to a reader without keys, although the bucket's policy is not the one \
                 that `provision` writes for that: look for another statement in it (aws s3api \
                 get-bucket-policy --bucket {bucket}), or choose --access-profile public-policy"
            );
            Check::bad(subject, fact, detail)
        }
        (false, false) if !is_public => {
            let detail = format!(
                "the bucket's policy is not the one that `provision` writes, and S3 refuses: whoever follows \
                 contentrepo's unsigned URLs gets 403. Add a statement that lets anybody get keys of 40 \
                 characters (aws s3api get-bucket-policy --bucket {bucket}). Where there is one, the account \
                 may block it for all its buckets: aws s3control get-public-access-block --account-id ACCOUNT"
            );
            Check::bad(subject, fact, detail)
        }
        (false, false) => {
            let detail = "the bucket's own settings allow it, and S3 refuses: whoever follows \
                          contentrepo's unsigned URLs gets 403. The account may block it for all its \
                          buckets: aws s3control get-public-access-block --account-id ACCOUNT";
            match profile {
                Some(_) => Check::bad(subject, fact, detail),
                None => Check::caution(subject, fact, detail),
            }
        }
    }
}

/// A file that has some content. The keys of intermediaries begin with a digit or a slash, so these letters
/// begin those of files alone. Nothing is said where the bucket cannot be listed: other checks say that.
async fn any_file(objects: &dyn ObjectStore, bucket: &S3Bucket) -> Option<ObjectKey> {
    const FILE_KEY: usize = 40;
    for first in ["a", "b", "c", "d", "e", "f"] {
        let page = objects.list(bucket, first, None).await.ok()?;
        let is_file = |key: &ObjectKey| key.as_str().len() == FILE_KEY;
        let mut files = page.objects.into_iter().filter(|it| is_file(&it.key) && it.length.0 > 0);
        if let Some(file) = files.next() {
            return Some(file.key);
        }
    }
    None
}
