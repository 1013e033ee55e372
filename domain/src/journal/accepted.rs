//! What the journal keeps of files that no replica can give any more.

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::{BucketMap, Destination, Dkey, Fid, LedgerRecord, S3Bucket};

/// A file that an operator has accepted as lost, or a row that names no content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedFile {
    /// The file's number.
    pub fid: Fid,
    /// Its key, byte for byte; [`None`] where its row has none.
    pub key: Option<String>,
    /// [`MISSING`](Self::MISSING) for a file, else the reason for which its row is rejected.
    pub class: String,
    /// The S3 bucket in which its content was to be. [`None`] where its key names no content, and in
    /// entries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// What the ledger had of it before its replicas were tried. [`None`] where its key names no content,
    /// and in entries of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerThen>,
    /// Every replica that was tried, in the order of the devices.
    pub replicas: Vec<TriedReplica>,
}

impl AcceptedFile {
    /// The class of a file whose content no replica gives.
    pub const MISSING: &'static str = "missing";

    /// Whether today's `BUCKETS` take its content to the bucket for which it was accepted. An entry of an
    /// earlier version names no bucket, and so it holds for none.
    #[must_use]
    pub fn is_of(&self, buckets: &BucketMap) -> bool {
        let today = self.dkey().and_then(|dkey| match buckets.destination(&dkey.bucket) {
            Destination::Bucket(bucket) => Some(bucket.clone()),
            Destination::Ignored | Destination::Unmapped => None,
        });
        self.bucket.as_deref() == today.as_ref().map(S3Bucket::as_str)
    }

    /// Whether this record of the ledger proves its content, in whatever bucket, and is not the one that the
    /// ledger had when it was accepted. The content was there since then, so the acceptance is over for good,
    /// whatever became of the object.
    ///
    /// A record that was written since then and taken away again is not known of.
    #[must_use]
    pub fn is_proven_since(&self, record: &LedgerRecord) -> bool {
        let is_of_content =
            record.fid == self.fid && self.dkey().is_some_and(|dkey| dkey.sha1 == record.sha1);
        record.proof.is_some() && is_of_content && self.ledger != Some(LedgerThen::of(Some(record)))
    }

    fn dkey(&self) -> Option<Dkey> {
        Dkey::parse(self.key.as_deref()?)
    }
}

/// What the ledger had of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedgerThen {
    /// No record that could be read.
    NoRecord,
    /// The record with this digest.
    Record(Sha256),
}

impl LedgerThen {
    /// That it has this record, or none.
    #[must_use]
    pub fn of(record: Option<&LedgerRecord>) -> Self {
        record.map_or(Self::NoRecord, |record| Self::Record(record.digest()))
    }
}

/// A replica, and what came of reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedReplica {
    /// Its URL, or the name of its device where the trackers give no URL.
    pub replica: String,
    /// The number of its device, where that is known.
    pub device: Option<u64>,
    /// What came of it.
    pub found: Found,
    /// The same in words.
    pub why: String,
}

/// What came of reading a replica that did not give the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It was read to its end, and is other content than the key names.
    OtherContent,
    /// The storage node answers that it does not have it, or does not give as much as it announces.
    NotThere,
    /// It could not be asked. Nothing is known of its content.
    NotAsked,
    /// Something that a later version of this program has written.
    #[serde(other)]
    Other,
}
