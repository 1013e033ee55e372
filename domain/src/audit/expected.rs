use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::{Fid, S3Bucket, Sha1};

/// 64 bits of a bucket and a SHA-1: which content a file has, and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(bucket: &S3Bucket, sha1: &Sha1) -> Self {
        Self(last_bits(sha1) ^ last_bits(&Sha1::of(bucket.as_str().as_bytes())))
    }
}

/// The last 64 bits of a SHA-1.
pub(super) fn last_bits(sha1: &Sha1) -> u64 {
    sha1.as_bytes().iter().rev().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The files that must be in S3, by fid: eight bytes for each and its place in a bitmap, which is one bit
/// where fids lie close together and never more than four bytes: a chunk of up to 4,096 files is a list of
/// two bytes each, whose room doubles as it grows. They are added in ascending order, as the index is read.
#[derive(Debug, Default)]
pub(super) struct ExpectedFiles {
    chunks: BTreeMap<u64, Chunk>,
}

/// Files whose fids differ in their low 16 bits only.
#[derive(Debug, Default)]
struct Chunk {
    lows: RoaringBitmap,
    /// In the order of these.
    prints: Vec<Fingerprint>,
}

impl ExpectedFiles {
    /// Adds a file. Its fid must be above those that were added before; another one is not added, and
    /// the result is false.
    pub(super) fn add(&mut self, fid: Fid, print: Fingerprint) -> bool {
        let (number, low) = split(fid);
        let last = self.chunks.last_key_value();
        if last.is_some_and(|(other, chunk)| {
            *other > number || *other == number && chunk.lows.max() >= Some(low)
        }) {
            return false;
        }
        if last.is_some_and(|(other, _)| *other < number)
            && let Some(mut full) = self.chunks.last_entry()
        {
            full.get_mut().prints.shrink_to_fit();
        }
        let chunk = self.chunks.entry(number).or_default();
        chunk.lows.insert(low);
        chunk.prints.push(print);
        true
    }

    /// The file of this fid.
    pub(super) fn find(&self, fid: Fid) -> Option<Fingerprint> {
        let (number, low) = split(fid);
        let chunk = self.chunks.get(&number)?;
        // The number of files up to this one.
        let place = chunk.lows.contains(low).then(|| chunk.lows.rank(low))?;
        chunk.prints.get(usize::try_from(place).ok()?.checked_sub(1)?).copied()
    }

    /// All files, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Fid, Fingerprint)> {
        self.chunks.iter().flat_map(|(number, chunk)| {
            let fid = move |low: u32| Fid(number << CHUNK_BITS | u64::from(low));
            chunk.lows.iter().map(fid).zip(chunk.prints.iter().copied())
        })
    }
}

const CHUNK_BITS: u32 = 16;

const fn split(fid: Fid) -> (u64, u32) {
    (fid.0 >> CHUNK_BITS, (fid.0 & 0xffff) as u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_was_added_in_order(fids in prop::collection::btree_set(any::<u64>(), 0..50)) {
            let mut files = ExpectedFiles::default();
            for fid in &fids {
                prop_assert!(files.add(Fid(*fid), Fingerprint(fid ^ 7)));
                prop_assert!(!files.add(Fid(*fid), Fingerprint(0)), "once more");
            }
            let held: Vec<_> = files.iter().collect();
            let added: Vec<_> = fids.iter().map(|fid| (Fid(*fid), Fingerprint(fid ^ 7))).collect();
            prop_assert_eq!(&held, &added);
            for (fid, print) in held {
                prop_assert_eq!(files.find(fid), Some(print));
                let next = Fid(fid.0.wrapping_add(1));
                prop_assert_eq!(files.find(next).is_some(), fids.contains(&next.0));
            }
        }
    }

    #[test]
    fn fids_that_lie_close_together_keep_their_places() {
        let is_file = |fid: u64| fid % 3 != 1;
        let mut files = ExpectedFiles::default();
        // Over the bounds of a chunk, with far more in each than a list of places holds.
        for fid in (60_000..140_000).filter(|fid| is_file(*fid)) {
            assert!(files.add(Fid(fid), Fingerprint(fid ^ 7)));
        }
        for fid in 59_990..140_010 {
            let expected = ((60_000..140_000).contains(&fid) && is_file(fid)).then_some(fid ^ 7);
            assert_eq!(files.find(Fid(fid)).map(|print| print.0), expected, "{fid}");
        }
        let held = files.iter().map(|(fid, print)| (fid.0, print.0));
        let added = (60_000..140_000).filter(|fid| is_file(*fid)).map(|fid| (fid, fid ^ 7));
        assert!(held.eq(added), "all, in their order");
        for late in [139_998, 131_071, 60_001] {
            assert!(!files.add(Fid(late), Fingerprint(0)), "{late} is not above the last");
        }
    }

    #[test]
    fn bucket_and_content_both_count() {
        let [here, there] = ["here", "there"].map(|name| S3Bucket::new(name).expect("a name"));
        let [a, b] = [b"a", b"b"].map(|content| Sha1::of(content));
        let prints = [(&here, &a), (&here, &b), (&there, &a), (&there, &b)]
            .map(|(bucket, sha1)| Fingerprint::of(bucket, sha1));
        for (number, print) in prints.iter().enumerate() {
            assert_eq!(prints.iter().position(|other| other == print), Some(number));
        }
    }
}
