//! The contents that S3 never gets, because their files are accepted by name.

use std::collections::BTreeMap;

use crate::{Acceptances, BucketMap, Dkey, Fid, MogileBucket, S3Bucket, Sha1};

/// The accepted files, by the number of their bucket and their SHA-1.
pub(super) struct AcceptedContents<'a> {
    /// The keys of the accepted files.
    hold: BTreeMap<Fid, &'a str>,
    by_content: BTreeMap<(usize, Sha1), Fid>,
}

impl<'a> AcceptedContents<'a> {
    /// Of the acceptances that hold: with these `BUCKETS`, and without a proof since.
    pub(super) fn of(
        accepted: &'a Acceptances,
        buckets: &BucketMap,
        pairs: &[(&MogileBucket, &S3Bucket)],
    ) -> Self {
        let content = |key: &str| {
            // A row is accepted, too, whose key is no file's because of its capitals.
            let (sha1, rest) = key.split_at_checked(40)?;
            let key = Dkey::parse(&format!("{}{rest}", sha1.to_ascii_lowercase()))?;
            let bucket = pairs.iter().position(|(old, _)| **old == key.bucket)?;
            Some((bucket, key.sha1))
        };
        let hold: BTreeMap<_, _> = accepted
            .iter()
            .filter(|accepted| !accepted.is_over() && accepted.file.is_of(buckets))
            .filter_map(|accepted| Some((accepted.file.fid, accepted.file.key.as_deref()?)))
            .collect();
        let by_content = hold.iter().filter_map(|(fid, key)| Some((content(key)?, *fid)));
        Self { by_content: by_content.collect(), hold }
    }

    /// The accepted file of this content, where the file in MogileFS is that one or is gone. A file that was
    /// stored again under another fid is to be migrated.
    pub(super) fn find(&self, bucket: usize, sha1: Sha1, in_mogile: Option<Fid>) -> Option<Fid> {
        let fid = *self.by_content.get(&(bucket, sha1))?;
        match in_mogile {
            Some(other) if other != fid => self.is_of(other, sha1).then_some(other),
            Some(_) | None => Some(fid),
        }
    }

    fn is_of(&self, fid: Fid, sha1: Sha1) -> bool {
        self.hold
            .get(&fid)
            .is_some_and(|key| key.to_ascii_lowercase().starts_with(&sha1.to_string()))
    }
}
