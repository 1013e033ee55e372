//! The contents that a sample refers to, and the reading of each from S3.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Rows, name_of};
use super::summary::{Looked, SmokeFault, SmokeSummary};
use crate::ports::{Clock, ObjectStore, RepoObject, RepoStatus, RowId, StoreError};
use crate::retried::retried;
use crate::verify::read_whole;
use crate::{
    Acceptances, BucketMap, ByteCount, MogileBucket, ObjectAddress, ObjectKey, RepoBucketName,
    S3Bucket, Sha1,
};

/// A content that rows of the sample refer to.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its bucket in MogileFS.
    pub(super) old: MogileBucket,
    /// Its bucket in S3.
    pub(super) bucket: S3Bucket,
    pub(super) sha1: Sha1,
    /// The size that the rows say, where they know it.
    pub(super) size: Option<ByteCount>,
    /// The rows of contentrepo in use, each with the name of its bucket.
    pub(super) in_use: Vec<(String, RepoObject)>,
}

impl Wanted {
    pub(super) fn address(&self) -> ObjectAddress {
        let key = ObjectKey::of_content(&self.sha1);
        ObjectAddress { bucket: self.bucket.clone(), key }
    }
}

/// The contents of the sampled rows, each once for each size that rows say. Rows that refer to none are findings.
pub(super) fn wanted(rows: &Rows, map: &BucketMap, summary: &mut SmokeSummary) -> Vec<Wanted> {
    let mut contents = Contents { map, wanted: BTreeMap::new(), seen: BTreeSet::new() };
    for (name, object) in &rows.objects {
        contents.take(name, object, object.size, summary);
    }
    for (_, file) in &rows.files {
        let named = name_of(file).and_then(|name| rows.named.get_key_value(&name));
        let Some((name, object)) = named else {
            let at = format!("row {} of rhino", file.id);
            let why = "contentrepo has no row of its bucket, key and uuid that is not purged";
            summary.find(SmokeFault::NoRow, at, why);
            continue;
        };
        contents.take(&name.0, object, file.size.or(object.size), summary);
    }
    contents.wanted.into_values().collect()
}

struct Contents<'a> {
    map: &'a BucketMap,
    wanted: BTreeMap<(MogileBucket, Sha1, Option<ByteCount>), Wanted>,
    /// Rows of contentrepo that were taken: rhino may name them again.
    seen: BTreeSet<RowId>,
}

impl Contents<'_> {
    fn take(
        &mut self,
        name: &str,
        object: &RepoObject,
        size: Option<ByteCount>,
        summary: &mut SmokeSummary,
    ) {
        let is_new = self.seen.insert(object.id);
        let (RepoBucketName::Mapped(old) | RepoBucketName::Renamed(old)) =
            self.map.repo_bucket(name)
        else {
            return;
        };
        let Some((_, bucket)) = self.map.pairs().find(|(from, _)| *from == old) else { return };
        // contentrepo asks for the column as it is, and a key of S3 is compared byte for byte.
        let sha1 = object.content().filter(|sha1| sha1.to_string() == object.checksum);
        let Some(sha1) = sha1 else {
            if is_new {
                let why = format!("its checksum is `{}`", object.checksum);
                summary.find(SmokeFault::NoChecksum, row(name, object), why);
            }
            return;
        };
        let (old, bucket, in_use) = (old.clone(), bucket.clone(), Vec::new());
        let new = Wanted { old: old.clone(), bucket, sha1, size, in_use };
        let wanted = self.wanted.entry((old, sha1, size)).or_insert(new);
        if is_new && object.status == RepoStatus::Used {
            wanted.in_use.push((name.to_owned(), object.clone()));
        }
    }
}

/// How a row is named to people.
pub(super) fn row(bucket: &str, object: &RepoObject) -> String {
    format!("row {} of contentrepo (`{bucket}`, `{}`)", object.id, object.key)
}

/// The contents that are accepted as lost.
pub(super) fn accepted(acceptances: &Acceptances, map: &BucketMap) -> BTreeSet<(String, Sha1)> {
    let holding = acceptances.iter().filter(|it| !it.is_over() && it.file.is_of(map));
    let content = |bucket: Option<&str>, key: Option<&str>| {
        let sha1 = key?.get(..40)?.to_ascii_lowercase();
        Some((bucket?.to_owned(), Sha1::from_hex(&sha1).ok()?))
    };
    holding.filter_map(|it| content(it.file.bucket.as_deref(), it.file.key.as_deref())).collect()
}

/// Reads an object from S3 to its end.
pub(super) async fn from_s3(
    objects: &dyn ObjectStore,
    clock: &dyn Clock,
    at: &ObjectAddress,
    (sha1, size): (Sha1, Option<ByteCount>),
) -> Looked {
    let missing = || Looked::Fault(SmokeFault::Missing, "S3 has no such object".to_owned());
    let salt = u64::from(sha1.as_bytes()[0]);
    let found = match retried(clock, salt, || objects.head(at)).await {
        Ok(Some(found)) => found,
        Ok(None) => return missing(),
        Err(error) => return Looked::Unlooked(error.to_string()),
    };
    match retried(clock, salt, || read_whole(objects, at, &found.etag)).await {
        Ok(read) => Looked::of(&read, sha1, size),
        Err(StoreError::NoSuchKey(_)) => missing(),
        Err(error) => Looked::Unlooked(error.to_string()),
    }
}
