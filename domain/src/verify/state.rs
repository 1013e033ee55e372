//! What a comparison has done so far, for one that goes on where it ended.

use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use super::join::ExpectedFile;
use super::part::{Held, Part, Parts};
use super::ranges::{MOST_DIGITS, runs};
use super::sample::Sampler;
use super::summary::VerifySummary;
use crate::store_state::RowsDigest;
use crate::{BucketMap, ByteCount, ETag, Sha1};

/// Keeps what a comparison has done. Whoever keeps it decides how often.
pub trait StateKeeper: Send + Sync {
    /// Whether it is time to keep a state again.
    fn is_due(&self) -> bool;

    /// Keeps this state in place of the one before. Observers have been given all lines of the ranges
    /// that it has done, and know that these are done.
    fn keep(&self, state: &VerifyState);
}

/// The ranges that are done, and all that they have found. It holds no half range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifyState {
    place: Place,
    summary: VerifySummary,
    #[serde(with = "bitmap")]
    seen: RoaringTreemap,
    #[serde(with = "bitmap")]
    not_files: RoaringTreemap,
    #[serde(with = "bitmap")]
    changed: RoaringTreemap,
    aside: Vec<(usize, ExpectedFile)>,
    held: Vec<(usize, Sha1, ByteCount, bool)>,
    unseen: Vec<(usize, ExpectedFile)>,
    sampled: Vec<(usize, ExpectedFile, String)>,
    /// A state of an earlier version has none.
    #[serde(default)]
    content: Option<RowsDigest>,
}

/// How far a comparison is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The hex digits of the ranges' bounds.
    pub(super) digits: usize,
    /// The ranges of each run that are done. The last number is for the rows without a key.
    pub(super) done: Vec<usize>,
}

impl Place {
    /// The begin of a comparison by ranges of so many digits.
    pub(super) fn begin(digits: usize) -> Self {
        Self { digits, done: vec![0; runs(digits).len() + 1] }
    }

    fn is_possible(&self) -> bool {
        if !(1..=MOST_DIGITS).contains(&self.digits) {
            return false;
        }
        let lengths = runs(self.digits).into_iter().map(|run| run.len()).chain([1]);
        let lengths: Vec<_> = lengths.collect();
        self.done.len() == lengths.len()
            && self.done.iter().zip(lengths).all(|(done, length)| *done <= length)
    }
}

impl VerifyState {
    /// Reads what [`write`](Self::write) has written, for a comparison of these buckets.
    ///
    /// # Errors
    /// Where it is no state, or one of other buckets; with what is wrong.
    pub fn read(json: &[u8], buckets: &BucketMap) -> Result<Self, String> {
        let state: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let files = state.aside.iter().chain(&state.unseen);
        let numbers = files.map(|(bucket, _)| *bucket);
        let numbers = numbers.chain(state.held.iter().map(|(bucket, ..)| *bucket));
        let mut numbers = numbers.chain(state.sampled.iter().map(|(bucket, ..)| *bucket));
        let all = buckets.pairs().count();
        if !state.place.is_possible() || numbers.any(|bucket| bucket >= all) {
            return Err("it has ranges or buckets that there cannot be".to_owned());
        }
        Ok(state)
    }

    /// Writes it as JSON.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        // Nothing in it has a key that is no string, and writing into memory does not fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The ranges that are done.
    #[must_use]
    pub const fn ranges_done(&self) -> u64 {
        self.summary.ranges_done
    }

    /// The counts of these ranges.
    #[must_use]
    pub const fn summary(&self) -> &VerifySummary {
        &self.summary
    }

    pub(super) fn of(parts: &Parts) -> Self {
        let Parts { done, place, .. } = parts;
        let held = done.held.iter();
        let sampled = done.sampler.files();
        Self {
            place: place.clone(),
            summary: done.summary.clone(),
            seen: done.seen.clone(),
            not_files: done.not_files.clone(),
            changed: done.changed.clone(),
            aside: done.aside.clone(),
            held: held
                .map(|((bucket, sha1), it)| (*bucket, *sha1, it.length, it.is_archived))
                .collect(),
            unseen: done.unseen.clone(),
            sampled: sampled.map(|(bucket, it)| (bucket, it.file, it.etag.0.clone())).collect(),
            content: done.content,
        }
    }

    /// The part that is done, and how far that is.
    pub(super) fn restore(&self, mut sampler: Sampler) -> (Part, Place) {
        for (bucket, file, etag) in &self.sampled {
            sampler.offer(*bucket, file, &ETag(etag.clone()));
        }
        let held = self.held.iter().map(|(bucket, sha1, length, is_archived)| {
            ((*bucket, *sha1), Held { length: *length, is_archived: *is_archived })
        });
        let part = Part {
            summary: self.summary.clone(),
            seen: self.seen.clone(),
            not_files: self.not_files.clone(),
            changed: self.changed.clone(),
            aside: self.aside.clone(),
            held: held.collect(),
            unseen: self.unseen.clone(),
            sampler,
            content: self.content,
        };
        (part, self.place.clone())
    }
}

/// A set of fids in base64.
mod bitmap {
    use data_encoding::BASE64;
    use roaring::RoaringTreemap;
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(set: &RoaringTreemap, to: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(set.serialized_size());
        set.serialize_into(&mut bytes).map_err(S::Error::custom)?;
        to.serialize_str(&BASE64.encode(&bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<RoaringTreemap, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
        RoaringTreemap::deserialize_from(&*bytes).map_err(D::Error::custom)
    }
}
