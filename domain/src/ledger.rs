//! The records that the ledger keeps about migrated files.

use crate::named::named;
use crate::{ByteCount, ETag, Fid, Proof, S3Bucket, Sha1, Timestamp};

/// The way by which content came to its final key.
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
    /// The object's `ETag`, verbatim. It is the item's attribute `md5`, which s3migrate's
    /// verification compares with the object's `ETag`. No decision of ours relies on it.
    pub etag: ETag,
    /// The S3 bucket it is in.
    pub bucket: S3Bucket,
    /// How the content was proven. A record with [`None`] (s3migrate's) is a claim that must still
    /// be proven.
    pub proof: Option<Proof>,
    /// How the content came to its key; [`None`] when it was already there.
    pub route: Option<Route>,
    /// The content's length in bytes.
    pub length: Option<ByteCount>,
    /// When it was proven.
    pub migrated_at: Option<Timestamp>,
}

/// One item of the ledger's table.
pub type LedgerItem = Result<LedgerRecord, UnreadableItem>;

/// An item that cannot be read. No version of ours wrote it; s3migrate wrote such items for files
/// whose PUT had failed. It proves nothing, and its file is migrated as if it had no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct UnreadableItem {
    /// The item's fid, if that can be read.
    pub fid: Option<Fid>,
    /// Why the item cannot be read.
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
