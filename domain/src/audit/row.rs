//! A row of the index as an audit classes it.
//!
//! It reads the raw key itself: a rule that the migrator has wrong must not be wrong here in the same
//! way. A test in `tests` holds both equal.

use crate::named::named;
use crate::{BucketMap, ByteCount, Destination, Fid, IndexRow, MogileBucket, S3Bucket, Sha1};

/// The class of a row. Each row is in exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditedRow {
    /// A file that must be in S3.
    File(AuditedFile),
    /// `{uuid}.tmp`: an upload that was never finished.
    Temporary,
    /// A file of a bucket in `IGNORE_BUCKETS`.
    Ignored,
    /// A row from which no file can be migrated as it stands, with its reason.
    Rejected(RejectedAs),
}

/// A file that must be in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedFile {
    /// Its number in MogileFS.
    pub fid: Fid,
    /// The SHA-1 that its key names.
    pub sha1: Sha1,
    /// The bucket in its key.
    pub mogile_bucket: MogileBucket,
    /// The S3 bucket that it belongs in.
    pub bucket: S3Bucket,
    /// The length in the index.
    pub length: ByteCount,
}

/// Why a row is none of the other classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RejectedAs {
    /// The key is NULL.
    NoKey,
    /// The length is NULL.
    NoLength,
    /// The key has another shape.
    OddKey,
    /// The bucket is in neither setting.
    UnmappedBucket,
}

// The names in counts, those that `migrate` gives.
named!(RejectedAs {
    NoKey = "no-key",
    NoLength = "no-length",
    OddKey = "not-content-addressed",
    UnmappedBucket = "unmapped-bucket",
});

impl AuditedRow {
    /// Classes a row by its raw key.
    #[must_use]
    pub fn of(row: &IndexRow, buckets: &BucketMap) -> Self {
        let Some(key) = row.dkey.as_deref() else { return Self::Rejected(RejectedAs::NoKey) };
        if names_an_upload(key.as_bytes()) {
            return Self::Temporary;
        }
        let Some((sha1, mogile_bucket)) = split(key) else {
            return Self::Rejected(RejectedAs::OddKey);
        };
        match buckets.destination(&mogile_bucket) {
            Destination::Unmapped => Self::Rejected(RejectedAs::UnmappedBucket),
            Destination::Ignored => Self::Ignored,
            Destination::Bucket(bucket) => {
                let Some(length) = row.length else { return Self::Rejected(RejectedAs::NoLength) };
                let bucket = bucket.clone();
                Self::File(AuditedFile { fid: row.fid, sha1, mogile_bucket, bucket, length })
            }
        }
    }
}

/// The content that a row's key names in a mapped bucket, whatever else the row lacks.
pub(super) fn content_of(row: &IndexRow, buckets: &BucketMap) -> Option<(S3Bucket, Sha1)> {
    let (sha1, mogile_bucket) = split(row.dkey.as_deref()?)?;
    match buckets.destination(&mogile_bucket) {
        Destination::Bucket(bucket) => Some((bucket.clone(), sha1)),
        Destination::Unmapped | Destination::Ignored => None,
    }
}

/// The two halves of `{sha1}-{bucket}`.
fn split(key: &str) -> Option<(Sha1, MogileBucket)> {
    let (sha1, bucket) = key.split_once('-')?;
    Some((Sha1::from_hex(sha1).ok()?, MogileBucket::new(bucket)?))
}

/// Whether the key is a UUID of 36 characters and `.tmp`.
fn names_an_upload(key: &[u8]) -> bool {
    const SHAPE: &[u8; 40] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.tmp";
    key.len() == SHAPE.len()
        && key.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'x' => byte.is_ascii_hexdigit(),
            shape => byte == shape,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Rejection, RowClass};

    /// What the migrator calls the row.
    fn class(row: &IndexRow, buckets: &BucketMap) -> AuditedRow {
        match row.classify(buckets) {
            RowClass::Source(file) => AuditedRow::File(AuditedFile {
                fid: file.fid,
                sha1: file.dkey.sha1,
                mogile_bucket: file.dkey.bucket,
                bucket: file.bucket,
                length: file.length,
            }),
            RowClass::Temporary => AuditedRow::Temporary,
            RowClass::Ignored => AuditedRow::Ignored,
            RowClass::Rejected(why) => AuditedRow::Rejected(match why {
                Rejection::NoKey => RejectedAs::NoKey,
                Rejection::NoLength(_) => RejectedAs::NoLength,
                Rejection::NotContentAddressed(_) => RejectedAs::OddKey,
                Rejection::UnmappedBucket(_) => RejectedAs::UnmappedBucket,
                Rejection::Unreadable(_) => panic!("a row that was read"),
            }),
        }
    }

    /// Keys of every shape, and what is nearly one of them.
    fn keys() -> impl Strategy<Value = Option<String>> {
        let sha1 = "[0-9a-f]{40}|[0-9a-fA-F]{39,41}|[0-9a-f]{39}\\PC";
        let bucket = "repo|trash|other|Repo|repo |re-po|\\PC{0,6}|-|\t";
        let uuid = "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11,12}g?";
        prop_oneof![
            3 => (sha1, "-|_|", bucket).prop_map(|(sha1, dash, of)| Some(sha1 + &dash + &of)),
            2 => (uuid, "\\.tmp|\\.TMP|\\.tmp |").prop_map(|(uuid, end)| Some(uuid + &end)),
            1 => "\\PC{0,60}".prop_map(Some),
            1 => Just(None),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_migrator_classes_each_row_as_the_audit_does(dkey in keys(), length: Option<u64>) {
            let buckets = BucketMap::parse("repo:new-repo,re-po:other-repo", "trash").expect("valid");
            let length = length.map(ByteCount);
            let row = IndexRow { fid: Fid(7), dkey, length, replicas: None, storage_class: None };
            prop_assert_eq!(AuditedRow::of(&row, &buckets), class(&row, &buckets));
        }
    }

    #[test]
    fn classes_have_the_migrators_names() {
        let key = || String::from("k");
        for (ours, theirs) in [
            (RejectedAs::NoKey, Rejection::NoKey),
            (RejectedAs::NoLength, Rejection::NoLength(key())),
            (RejectedAs::OddKey, Rejection::NotContentAddressed(key())),
            (RejectedAs::UnmappedBucket, Rejection::UnmappedBucket(key())),
        ] {
            assert_eq!(ours.name(), theirs.name());
        }
    }
}
