//! What the ledger keeps of each migrated file.

use crate::named::named;
use crate::{ByteCount, ETag, Fid, Proof, S3Bucket, Sha1, Timestamp};

/// How content came to its final key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// S3 copied its intermediary.
    Copy,
    /// It was streamed from MogileFS.
    Mogile,
}

named!(Route { Copy = "copy", Mogile = "mogile" });

/// One file's record, keyed by its fid. The first four fields are what s3migrate wrote too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRecord {
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// The SHA-1 of its content.
    pub sha1: Sha1,
    /// The object's `ETag`, verbatim: the item's attribute `md5`, which s3migrate's own verification
    /// compares with the object's. Nothing of ours relies on it.
    pub etag: ETag,
    /// The S3 bucket it is in.
    pub bucket: S3Bucket,
    /// How it was proven. A record without (s3migrate's) is a claim to be proven, not a proof.
    pub proof: Option<Proof>,
    /// How it got there; [`None`] when it was there already.
    pub route: Option<Route>,
    /// The content's length.
    pub length: Option<ByteCount>,
    /// When it was proven.
    pub migrated_at: Option<Timestamp>,
}

/// One item of the ledger's table.
pub type LedgerItem = Result<LedgerRecord, UnreadableItem>;

/// An item that no version of ours wrote, such as s3migrate's of a file whose PUT had failed: it
/// proves nothing, and its file is migrated as one without a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct UnreadableItem {
    /// Its fid, if that much can be read.
    pub fid: Option<Fid>,
    /// What is wrong with it.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named::UnknownName;

    #[test]
    fn names_come_back_and_others_are_refused() {
        for &proof in Proof::ALL {
            assert_eq!(proof.name().parse(), Ok(proof));
        }
        for &route in Route::ALL {
            assert_eq!(route.name().parse(), Ok(route));
        }
        assert_eq!("etag".parse::<Proof>(), Err(UnknownName("etag".into())));
    }
}
