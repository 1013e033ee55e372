//! The records that the ledger keeps about migrated files.

use crate::digest::Sha256;
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

impl LedgerRecord {
    /// A digest of all that the record says, by which the journal knows it again: one that is written anew
    /// has another time, and so another digest. Attributes of other programs are not part of it.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let Self { fid, sha1, etag, bucket, proof, route, length, migrated_at } = self;
        let proof = proof.map_or("", Proof::name);
        let route = route.map_or("", Route::name);
        let length = length.map(|length| length.0.to_string()).unwrap_or_default();
        let at = migrated_at.map(|at| at.0.to_string()).unwrap_or_default();
        // The ETag may be any text, and so it is the last.
        let ETag(etag) = etag;
        let text = format!("{fid}\n{sha1}\n{bucket}\n{proof}\n{route}\n{length}\n{at}\n{etag}");
        Sha256::of(text.as_bytes())
    }
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

    fn record() -> LedgerRecord {
        LedgerRecord {
            fid: Fid(7),
            sha1: Sha1::of(b"a"),
            etag: ETag("e".to_owned()),
            bucket: S3Bucket::new("new-repo").expect("a name"),
            proof: Some(Proof::Put),
            route: Some(Route::Mogile),
            length: Some(ByteCount(1)),
            migrated_at: Some(Timestamp(5)),
        }
    }

    /// The journal has digests: they must stay what they are.
    #[test]
    fn a_digest_is_of_everything_that_a_record_says() {
        let digest = "97848f877cb0ef02925224965ca3c9c36133932b0461bd0eacbc066001514b94";
        assert_eq!(record().digest().to_string(), digest);
        let changes: [fn(&mut LedgerRecord); 8] = [
            |it| it.fid = Fid(8),
            |it| it.sha1 = Sha1::of(b"b"),
            |it| it.etag = ETag("f".to_owned()),
            |it| it.bucket = S3Bucket::new("old-repo").expect("a name"),
            |it| it.proof = None,
            |it| it.route = None,
            |it| it.length = None,
            |it| it.migrated_at = None,
        ];
        let digests = changes.map(|change| {
            let mut record = record();
            change(&mut record);
            record.digest()
        });
        let all: std::collections::BTreeSet<_> =
            digests.into_iter().chain([record().digest()]).collect();
        assert_eq!(all.len(), 9);
    }

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
