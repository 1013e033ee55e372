//! The set of proven files: for each fid, 64 bits of the bucket and the SHA-1 for which it is
//! proven.
//!
//! A fid alone names no content: another bucket map sends it elsewhere, MogileFS can use a fid
//! again, and keys are renamed. All 64 bits are needed, since a file with a false match is skipped
//! as proven. A set takes ten bytes a file, and about an eighth more while it is built.

use std::collections::BTreeMap;

use crate::{Fid, S3Bucket, Sha1};

/// 64 bits of a bucket and a SHA-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub(crate) u64);

impl Fingerprint {
    pub(crate) fn of(bucket: &S3Bucket, sha1: &Sha1) -> Self {
        // The bits of a SHA-1 are evenly distributed. The bucket's name is hashed to make its bits
        // so, too.
        Self(first_bits(sha1) ^ first_bits(&Sha1::of(bucket.as_str().as_bytes())))
    }
}

fn first_bits(sha1: &Sha1) -> u64 {
    let bytes = sha1.as_bytes();
    u64::from_be_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ])
}

/// Whether a file has a proof in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has a proof of this content in this bucket.
    Proven,
    /// It has a proof only for another bucket or another content.
    OfAnother,
    /// Its fid has no proof.
    Unknown,
}

/// The number of low bits of a fid: 4,096 fids share a chunk.
const CHUNK_BITS: u32 = 12;

/// Builds a [`ProvenFiles`]. Proofs may be added in any order of the fids.
#[derive(Debug, Default)]
pub struct ProvenFilesBuilder {
    chunks: BTreeMap<u64, Gathering>,
}

/// Entries of one chunk, in the order in which they came.
#[derive(Debug, Default)]
struct Gathering {
    lows: Vec<u16>,
    prints: Vec<u64>,
}

impl ProvenFilesBuilder {
    /// Adds a proof. Of several for one fid the last counts.
    pub fn add(&mut self, fid: Fid, bucket: &S3Bucket, sha1: &Sha1) {
        let (chunk, low) = split(fid);
        let chunk = self.chunks.entry(chunk).or_default();
        if chunk.lows.len() == chunk.lows.capacity() {
            // All chunks grow at the same time. With a vector's own doubling the set could take
            // twice the memory.
            let more = chunk.lows.len() / 8 + 8;
            chunk.lows.reserve_exact(more);
            chunk.prints.reserve_exact(more);
        }
        chunk.lows.push(low);
        chunk.prints.push(Fingerprint::of(bucket, sha1).0);
    }

    /// Returns the finished set.
    #[must_use]
    pub fn build(self) -> ProvenFiles {
        let mut entries = Vec::new();
        let chunks = self.chunks.into_iter();
        let chunks = chunks.map(|(number, chunk)| (number, chunk.sorted(&mut entries)));
        ProvenFiles { chunks: chunks.collect() }
    }
}

impl Gathering {
    /// Sorts a chunk in its own memory. New memory for all chunks could double the total, since an
    /// allocator may not give memory that one thread has freed to another.
    fn sorted(mut self, entries: &mut Vec<(u16, u64)>) -> Chunk {
        entries.clear();
        entries.extend(self.lows.drain(..).zip(self.prints.drain(..)));
        // The sort is stable, so the last of several entries for one fid stays the last.
        entries.sort_by_key(|(low, _)| *low);
        for (low, print) in entries.iter() {
            if self.lows.last() == Some(low) {
                self.prints.pop();
            } else {
                self.lows.push(*low);
            }
            self.prints.push(*print);
        }
        Chunk { lows: self.lows.into(), prints: self.prints.into() }
    }
}

/// A set of proofs by fid.
#[derive(Debug, Default)]
pub struct ProvenFiles {
    chunks: BTreeMap<u64, Chunk>,
}

/// Entries of one chunk, ascending.
#[derive(Debug)]
struct Chunk {
    lows: Box<[u16]>,
    prints: Box<[u64]>,
}

impl ProvenFiles {
    /// Returns whether this fid is proven with this content in this bucket.
    #[must_use]
    pub fn standing(&self, fid: Fid, bucket: &S3Bucket, sha1: &Sha1) -> Standing {
        let (chunk, low) = split(fid);
        let found = self.chunks.get(&chunk).and_then(|chunk| {
            let at = chunk.lows.binary_search(&low).ok()?;
            chunk.prints.get(at)
        });
        match found {
            None => Standing::Unknown,
            Some(print) if *print == Fingerprint::of(bucket, sha1).0 => Standing::Proven,
            Some(_) => Standing::OfAnother,
        }
    }

    /// Returns the number of fids with a proof.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.values().map(|chunk| chunk.lows.len()).sum()
    }

    /// Whether no fid has a proof.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

const fn split(fid: Fid) -> (u64, u16) {
    let low = (fid.0 & ((1 << CHUNK_BITS) - 1)) as u16;
    (fid.0 >> CHUNK_BITS, low)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn bucket(number: u8) -> S3Bucket {
        S3Bucket::new(&format!("bucket-{number}")).expect("a name")
    }

    fn content(number: u8) -> Sha1 {
        Sha1::of(&[number])
    }

    #[test]
    fn a_proof_is_of_one_content_in_one_bucket() {
        let mut builder = ProvenFilesBuilder::default();
        builder.add(Fid(7), &bucket(1), &content(1));
        let files = builder.build();
        let standing = |fid, of, sha1| files.standing(Fid(fid), &bucket(of), &content(sha1));
        assert_eq!(standing(7, 1, 1), Standing::Proven);
        assert_eq!(standing(7, 2, 1), Standing::OfAnother, "another bucket");
        assert_eq!(standing(7, 1, 2), Standing::OfAnother, "another content");
        assert_eq!(standing(8, 1, 1), Standing::Unknown, "another fid");
        assert_eq!(standing(7 + (1 << CHUNK_BITS), 1, 1), Standing::Unknown, "another chunk");
    }

    #[test]
    fn every_bit_of_64_counts() {
        let sha1 = content(1);
        for bit in 0..64 {
            let mut bytes = *sha1.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let other = Sha1::from_bytes(bytes);
            assert_ne!(Fingerprint::of(&bucket(1), &sha1), Fingerprint::of(&bucket(1), &other));
        }
    }

    #[test]
    fn while_it_is_gathered_it_takes_little_more_than_it_holds() {
        let mut builder = ProvenFilesBuilder::default();
        // In an order as a ledger gives them, which knows none.
        for number in 0..100_000_u64 {
            builder.add(Fid(number * 40_503 % 100_000), &bucket(1), &content(1));
        }
        let chunks = builder.chunks.values();
        let room: usize =
            chunks.map(|chunk| chunk.lows.capacity() * 2 + chunk.prints.capacity() * 8).sum();
        assert!(room < 100_000 * 12, "{room} bytes for 100,000 files");
        assert_eq!(builder.build().len(), 100_000);
    }

    proptest! {
        #[test]
        fn it_knows_what_a_map_of_the_last_proofs_knows(
            added in prop::collection::vec((0u64..9_000, 0u8..3, 0u8..3), 0..200),
            asked in prop::collection::vec((0u64..9_000, 0u8..3, 0u8..3), 0..50),
        ) {
            let (mut builder, mut model) = (ProvenFilesBuilder::default(), BTreeMap::new());
            for (fid, of, sha1) in &added {
                builder.add(Fid(*fid), &bucket(*of), &content(*sha1));
                model.insert(*fid, (*of, *sha1));
            }
            let files = builder.build();
            prop_assert_eq!(files.len(), model.len());
            prop_assert_eq!(files.is_empty(), model.is_empty());
            for (fid, of, sha1) in asked.iter().chain(&added) {
                let expected = match model.get(fid) {
                    None => Standing::Unknown,
                    Some(known) if *known == (*of, *sha1) => Standing::Proven,
                    Some(_) => Standing::OfAnother,
                };
                prop_assert_eq!(files.standing(Fid(*fid), &bucket(*of), &content(*sha1)), expected);
            }
        }
    }
}
