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
    /// Those into which a canary may be written; nothing where none may.
    pub canaries_but_in: Option<&'a BTreeSet<S3Bucket>>,
}

/// Reads one object of each bucket without AWS keys, as those do who follow the unsigned URLs that
/// contentrepo gives: do the account's settings let them, too? It is a canary, or where none may be written
/// one of the files. A bucket whose own settings are not as the profile wants them is left to
/// [`super::examine_buckets`], and so is one that nobody is to read.
pub async fn examine_public_reads(
    reads: &dyn AnonymousReads,
    objects: &dyn ObjectStore,
    buckets: &BucketMap,
    readers: &Readers<'_>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for (_, bucket) in buckets.pairs() {
        let is_public = readers.public.contains(bucket);
        if readers.profile == Some(AccessProfile::Private) {
            if is_public {
                continue;
            }
        } else if !is_public {
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
        checks.extend(given.map(|given| judge(bucket, readers.profile, given)));
    }
    checks
}

fn judge(
    bucket: &S3Bucket,
    profile: Option<AccessProfile>,
    given: Result<bool, SiteError>,
) -> Check {
    let subject = format!("bucket {bucket}");
    let is_private = profile == Some(AccessProfile::Private);
    let fact = if is_private {
        "a reader without AWS keys gets nothing"
    } else {
        "a reader without AWS keys gets a file"
    };
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
