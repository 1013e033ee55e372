//! A row of MogileFS's index, and the class that the migration puts it into.

use crate::ByteCount;

use crate::{
    BucketMap, Destination, Dkey, Fid, ObjectAddress, ObjectKey, S3Bucket, StorageClass,
    TypeAndName,
};

/// One row of the configured domain, as MogileFS has it. Nothing in it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// The file's number.
    pub fid: Fid,
    /// The key; the schema allows NULL.
    pub dkey: Option<String>,
    /// The length that the uploader reported; the schema allows NULL.
    pub length: Option<ByteCount>,
    /// The number of its replicas, as the index counts them (`devcount`); [`None`] where that is not
    /// told. It is for counts: a run asks for the replicas themselves.
    pub replicas: Option<u64>,
    /// The storage class, as the index names it; [`None`] where it names none. It is for counts, too:
    /// a migration does not depend on it.
    pub storage_class: Option<StorageClass>,
}

/// A file to be migrated: its key names the content, and its bucket is mapped. Jobs are made from
/// these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// Its key there, with the SHA-1 that its content must have.
    pub dkey: Dkey,
    /// The length in the index. Where it disagrees with the content, the SHA-1 decides.
    pub length: ByteCount,
    /// The S3 bucket it goes to.
    pub bucket: S3Bucket,
    /// Its content type and download name, where they are known.
    pub type_and_name: TypeAndName,
}

impl SourceFile {
    /// A file of which neither type nor name is known.
    #[must_use]
    pub fn new(fid: Fid, dkey: Dkey, length: ByteCount, bucket: S3Bucket) -> Self {
        Self { fid, dkey, length, bucket, type_and_name: TypeAndName::default() }
    }

    /// Where the content belongs in S3.
    #[must_use]
    pub fn address(&self) -> ObjectAddress {
        ObjectAddress { bucket: self.bucket.clone(), key: ObjectKey::of_content(&self.dkey.sha1) }
    }
}

/// The class of a row. Each row is in exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowClass {
    /// The file is to be migrated.
    Source(SourceFile),
    /// `{uuid}.tmp`: an upload that was never finished.
    Temporary,
    /// Its bucket is in `IGNORE_BUCKETS`.
    Ignored,
    /// It cannot be migrated as it stands. The operator has to look at it.
    Rejected(Rejection),
}

/// Why a row cannot be migrated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rejection {
    /// The key is NULL.
    #[error("the row has no key")]
    NoKey,
    /// The length is NULL.
    #[error("the row of key `{0}` has no length")]
    NoLength(String),
    /// The key is neither `{sha1}-{bucket}` nor `{uuid}.tmp`.
    #[error("key `{0}` is not a lower-case SHA-1, a hyphen and a bucket")]
    NotContentAddressed(String),
    /// The bucket is in neither setting.
    #[error("bucket `{0}` is neither mapped nor ignored")]
    UnmappedBucket(String),
    /// The index cannot give the row, whose key and domain nobody knows.
    #[error("the row cannot be read: {0}")]
    Unreadable(String),
}

/// The name of [`Rejection::NoKey`].
pub const NO_KEY: &str = "no-key";

/// The name of [`Rejection::NoLength`].
pub const NO_LENGTH: &str = "no-length";

/// The name of [`Rejection::NotContentAddressed`].
pub const NOT_CONTENT_ADDRESSED: &str = "not-content-addressed";

/// The name of rows whose bucket is neither mapped nor ignored.
pub const UNMAPPED_BUCKET: &str = "unmapped-bucket";

/// The name of [`Rejection::Unreadable`].
pub const UNREADABLE: &str = "unreadable-row";

impl Rejection {
    /// The reason's name in counts and filters.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoKey => NO_KEY,
            Self::NoLength(_) => NO_LENGTH,
            Self::NotContentAddressed(_) => NOT_CONTENT_ADDRESSED,
            Self::UnmappedBucket(_) => UNMAPPED_BUCKET,
            Self::Unreadable(_) => UNREADABLE,
        }
    }
}

impl IndexRow {
    /// Puts the row into its class.
    #[must_use]
    pub fn classify(&self, buckets: &BucketMap) -> RowClass {
        let Some(key) = &self.dkey else { return RowClass::Rejected(Rejection::NoKey) };
        if is_temporary(key) {
            return RowClass::Temporary;
        }
        let Some(dkey) = Dkey::parse(key) else {
            return RowClass::Rejected(Rejection::NotContentAddressed(key.clone()));
        };
        match (buckets.destination(&dkey.bucket), self.length) {
            (Destination::Ignored, _) => RowClass::Ignored,
            (Destination::Unmapped, _) => {
                RowClass::Rejected(Rejection::UnmappedBucket(dkey.bucket.to_string()))
            }
            (Destination::Bucket(_), None) => RowClass::Rejected(Rejection::NoLength(key.clone())),
            (Destination::Bucket(bucket), Some(length)) => {
                RowClass::Source(SourceFile::new(self.fid, dkey, length, bucket.clone()))
            }
        }
    }
}

impl IndexRow {
    /// The key, where it is `{uuid}.tmp`: an upload that was never finished, or is not yet.
    #[must_use]
    pub fn temporary_key(&self) -> Option<&str> {
        self.dkey.as_deref().filter(|key| is_temporary(key))
    }

    /// The key, where it looks like one of those and is none, nor the key of content: `a.tmp`, or a
    /// uuid in other letters than MogileFS's clients write.
    #[must_use]
    pub fn key_like_temporary(&self) -> Option<&str> {
        let is_alike = |key: &&str| {
            key.trim_end().to_ascii_lowercase().ends_with(".tmp")
                && !is_temporary(key)
                && Dkey::parse(key).is_none()
        };
        self.dkey.as_deref().filter(is_alike)
    }
}

/// `{uuid}.tmp`, the uuid in its 36-character form.
fn is_temporary(key: &str) -> bool {
    key.strip_suffix(".tmp")
        .is_some_and(|stem| stem.len() == 36 && uuid::Uuid::try_parse(stem).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHA1: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77";

    fn buckets() -> BucketMap {
        BucketMap::parse("repo:new-repo", "trash").expect("valid")
    }

    fn row(dkey: Option<String>, length: Option<ByteCount>) -> IndexRow {
        IndexRow { fid: Fid(7), dkey, length, replicas: None, storage_class: None }
    }

    fn class_of(dkey: Option<&str>, length: Option<u64>) -> RowClass {
        let dkey = dkey.map(str::to_owned);
        let length = length.map(ByteCount);
        row(dkey, length).classify(&buckets())
    }

    #[test]
    fn a_content_addressed_row_is_a_source_file() {
        let RowClass::Source(file) = class_of(Some(&format!("{SHA1}-repo")), Some(5180)) else {
            panic!("a source file");
        };
        assert_eq!((file.fid, file.length), (Fid(7), ByteCount(5180)));
        assert_eq!(file.address().to_string(), format!("s3://new-repo/{SHA1}"));
    }

    #[test]
    fn every_other_row_has_its_class() {
        let rejected = RowClass::Rejected;
        let key = |bucket: &str| format!("{SHA1}-{bucket}");
        let odd = |key: &str| rejected(Rejection::NotContentAddressed(key.to_owned()));
        let upper = key("repo").to_uppercase();
        for (dkey, length, class) in [
            (None, Some(1), rejected(Rejection::NoKey)),
            (Some(key("repo")), None, rejected(Rejection::NoLength(key("repo")))),
            (Some(key("nowhere")), Some(1), rejected(Rejection::UnmappedBucket("nowhere".into()))),
            (Some(key("trash")), None, RowClass::Ignored),
            (Some("README".into()), Some(1), odd("README")),
            (Some(upper.clone()), Some(1), odd(&upper)),
            (Some(key("repo ")), Some(1), odd(&key("repo "))),
            (Some("f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp".into()), None, RowClass::Temporary),
            (
                Some("f81d4fae7dec11d0a76500a0c91e6bf6.tmp".into()),
                Some(1),
                odd("f81d4fae7dec11d0a76500a0c91e6bf6.tmp"),
            ),
            (Some(format!("{}.tmp", &SHA1[..36])), Some(1), odd(&format!("{}.tmp", &SHA1[..36]))),
        ] {
            assert_eq!(class_of(dkey.as_deref(), length), class, "{dkey:?} {length:?}");
        }
    }

    /// `T` the key of an unfinished upload, `A` one that is alike, `-` neither.
    #[test]
    fn only_a_uuid_with_dashes_and_tmp_to_the_letter_is_temporary() {
        let uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
        for (key, kind) in [
            (format!("{uuid}.tmp"), 'T'),
            (format!("{}.tmp", uuid.to_uppercase()), 'T'),
            (format!("{uuid}.TMP"), 'A'),
            (format!("{uuid}.tmp "), 'A'),
            (format!(" {uuid}.tmp"), 'A'),
            (format!("{}.tmp", uuid.replace('-', "")), 'A'),
            (format!("{{{uuid}}}.tmp"), 'A'),
            (format!("urn:uuid:{uuid}.tmp"), 'A'),
            (format!("{}.tmp", &uuid[1..]), 'A'),
            (format!("{}g.tmp", &uuid[..35]), 'A'),
            ("a.tmp".to_owned(), 'A'),
            (".tmp".to_owned(), 'A'),
            (format!("{uuid}.tmp.bak"), '-'),
            (format!("{uuid}.tmp.tm"), '-'),
            (uuid.to_owned(), '-'),
            ("tmp".to_owned(), '-'),
            (String::new(), '-'),
            // The key of content, of a bucket with an odd name.
            (format!("{SHA1}-repo.tmp"), '-'),
        ] {
            let row = row(Some(key.clone()), None);
            let kinds = (row.temporary_key().is_some(), row.key_like_temporary().is_some());
            let expected = (kind == 'T', kind == 'A');
            assert_eq!(kinds, expected, "`{key}`");
            assert_eq!(row.classify(&buckets()) == RowClass::Temporary, kind == 'T', "`{key}`");
        }
    }

    proptest! {
        #[test]
        fn no_key_of_any_kind_is_trouble(key in "\\PC{0,60}", length: Option<u64>) {
            if let RowClass::Source(file) = class_of(Some(&key), length) {
                prop_assert_eq!(file.dkey.to_string(), key);
            }
        }
    }
}
