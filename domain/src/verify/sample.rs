//! A sample of the files, spread over buckets, sizes and ages.

use std::collections::{BTreeMap, BinaryHeap};

use super::join::ExpectedFile;
use crate::retry::mix;
use crate::{ByteCount, ETag, limits};

/// A file of the sample.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sampled {
    /// A number that the seed and the file decide. The files with the lowest numbers are taken, so that
    /// the order in which files come has no influence.
    lot: u64,
    /// The file.
    pub(super) file: ExpectedFile,
    /// The `ETag` of its object in the listing.
    pub(super) etag: ETag,
}

/// A size, in powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Small,
    Medium,
    Large,
}

impl Size {
    const fn of(length: ByteCount) -> Self {
        match length.0 {
            0..limits::SMALL_BYTES => Self::Small,
            limits::SMALL_BYTES..limits::LARGE_BYTES => Self::Medium,
            limits::LARGE_BYTES.. => Self::Large,
        }
    }
}

/// Draws a sample while the files stream by.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    files: usize,
    seed: u64,
    strata: BTreeMap<(usize, Size), BinaryHeap<Sampled>>,
}

/// Quarters of the fids: fids ascend with the age of the files.
const AGES: usize = 4;

impl Sampler {
    /// Draws so many files, or all where there are fewer. The same seed draws the same files.
    pub(super) const fn new(files: usize, seed: u64) -> Self {
        Self { files, seed, strata: BTreeMap::new() }
    }

    /// Takes a file of the bucket of this number into account.
    pub(super) fn offer(&mut self, bucket: usize, file: &ExpectedFile, etag: &ETag) {
        if self.files == 0 {
            return;
        }
        let lot = mix(mix(self.seed ^ file.fid.0) ^ bucket as u64);
        let stratum = self.strata.entry((bucket, Size::of(file.length))).or_default();
        let is_full = stratum.len() == self.files;
        if is_full && stratum.peek().is_some_and(|highest| highest.lot <= lot) {
            return;
        }
        put(stratum, self.files, Sampled { lot, file: *file, etag: etag.clone() });
    }

    /// Takes the files of another sampler with the same seed into account.
    pub(super) fn absorb(&mut self, other: Self) {
        for (of, files) in other.strata {
            let stratum = self.strata.entry(of).or_default();
            for file in files {
                put(stratum, self.files, file);
            }
        }
    }

    /// The files that are in it, each with the number of its bucket.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, &Sampled)> {
        let of = |bucket: usize| move |file| (bucket, file);
        self.strata.iter().flat_map(move |((bucket, _), files)| files.iter().map(of(*bucket)))
    }

    /// The sample, each file with the number of its bucket. All buckets and sizes have the same share,
    /// as far as they have files; in each of them all quarters of the fids have.
    pub(super) fn draw(self) -> Vec<(usize, Sampled)> {
        let available: Vec<_> = self.strata.values().map(BinaryHeap::len).collect();
        let shares = shares(self.files, &available);
        let mut drawn = Vec::new();
        for (((bucket, _), stratum), share) in self.strata.into_iter().zip(shares) {
            drawn.extend(by_age(stratum.into_vec(), share).into_iter().map(|it| (bucket, it)));
        }
        drawn
    }
}

/// Keeps the lowest, so many of them.
fn put(stratum: &mut BinaryHeap<Sampled>, most: usize, file: Sampled) {
    stratum.push(file);
    if stratum.len() > most {
        stratum.pop();
    }
}

fn by_age(mut files: Vec<Sampled>, share: usize) -> Vec<Sampled> {
    files.sort_unstable_by_key(|sampled| sampled.file.fid);
    let count = files.len();
    let mut quarters: Vec<Vec<_>> = vec![Vec::new(); AGES];
    for (number, file) in files.into_iter().enumerate() {
        quarters[number * AGES / count].push(file);
    }
    let available: Vec<_> = quarters.iter().map(Vec::len).collect();
    let shares = shares(share, &available);
    let lowest = |(mut quarter, share): (Vec<Sampled>, usize)| {
        quarter.sort_unstable();
        quarter.truncate(share);
        quarter
    };
    quarters.into_iter().zip(shares).flat_map(lowest).collect()
}

/// Divides `all` equally among those who have so many each. What one cannot take the others do.
fn shares(all: usize, available: &[usize]) -> Vec<usize> {
    let mut order: Vec<_> = (0..available.len()).collect();
    order.sort_by_key(|at| available[*at]);
    let (mut left, mut shares) = (all, vec![0; available.len()]);
    for (done, at) in order.iter().enumerate() {
        let share = (left / (available.len() - done)).min(available[*at]);
        shares[*at] = share;
        left -= share;
    }
    shares
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Fid, Sha1};

    fn file(fid: u64, length: u64) -> ExpectedFile {
        let sha1 = Sha1::of(&fid.to_be_bytes());
        ExpectedFile { sha1, fid: Fid(fid), length: ByteCount(length) }
    }

    fn drawn(
        files: usize,
        seed: u64,
        all: impl Iterator<Item = (usize, ExpectedFile)>,
    ) -> Vec<u64> {
        let mut sampler = Sampler::new(files, seed);
        for (bucket, file) in all {
            sampler.offer(bucket, &file, &ETag("e".to_owned()));
        }
        sampler.draw().into_iter().map(|(_, sampled)| sampled.file.fid.0).collect()
    }

    #[test]
    fn what_is_rare_is_in_the_sample() {
        // One large file, ten medium ones and ten thousand small ones, and another bucket with a few.
        let length = |fid| match fid {
            0 => limits::LARGE_BYTES,
            1..=10 => limits::SMALL_BYTES,
            _ => 5,
        };
        let all =
            || (0..10_000).map(|fid| (usize::from(fid % 1_000 == 999), file(fid, length(fid))));
        let fids = drawn(100, 7, all());
        assert_eq!(fids.len(), 100);
        assert!((0..=10).all(|fid| fids.contains(&fid)), "{fids:?}");
        assert_eq!(fids.iter().filter(|fid| *fid % 1_000 == 999).count(), 10);
        for quarter in 0..4 {
            let from = quarter * 2_500;
            let of_age =
                fids.iter().filter(|fid| **fid > 10 && (from..from + 2_500).contains(*fid));
            assert!(of_age.count() > 12, "{fids:?}");
        }
        assert_ne!(fids, drawn(100, 8, all()), "another seed draws others");
        assert_eq!(drawn(0, 7, all()), [0; 0]);
    }

    proptest! {
        #[test]
        fn the_order_has_no_influence(
            lengths in prop::collection::vec(0..20_000_000_u64, 0..60), files in 0..40_usize, seed: u64
        ) {
            let all = || lengths.iter().zip(0..).map(|(length, fid)| {
                (usize::try_from(fid % 3).unwrap_or(0), file(fid, *length))
            });
            let fids = drawn(files, seed, all());
            prop_assert_eq!(fids.len(), files.min(lengths.len()));
            prop_assert_eq!(fids.iter().collect::<BTreeSet<_>>().len(), fids.len());
            let mut backwards: Vec<_> = all().collect();
            backwards.reverse();
            prop_assert_eq!(drawn(files, seed, backwards.into_iter()), fids);
        }
    }
}
