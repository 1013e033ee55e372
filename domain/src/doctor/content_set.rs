use crate::proven_files::Fingerprint;
use crate::{S3Bucket, Sha1};

/// The number of groups: one for each value of a fingerprint's first 16 bits.
const GROUPS: usize = 1 << 16;

/// A set of contents by bucket, 48 bits of each: about five bytes in memory.
///
/// For counts only. Of ten million files that are not in a set of ten million, fewer than one is
/// taken to be in it.
#[derive(Debug)]
pub(super) struct ContentSet {
    /// The bits behind the first 16, ascending once it is sorted.
    groups: Vec<Vec<u32>>,
}

impl Default for ContentSet {
    fn default() -> Self {
        Self { groups: vec![Vec::new(); GROUPS] }
    }
}

impl ContentSet {
    /// Adds a content. Call [`sort`](Self::sort) behind the last one.
    pub(super) fn add(&mut self, bucket: &S3Bucket, sha1: &Sha1) {
        let (group, rest) = split(bucket, sha1);
        let group = &mut self.groups[group];
        if group.len() == group.capacity() {
            // With a vector's own doubling the set could take twice the memory.
            group.reserve_exact(group.len() / 8 + 8);
        }
        group.push(rest);
    }

    /// Makes the set ready for questions.
    pub(super) fn sort(&mut self) {
        self.groups.iter_mut().for_each(|group| group.sort_unstable());
    }

    /// Whether this content is in this bucket.
    pub(super) fn contains(&self, bucket: &S3Bucket, sha1: &Sha1) -> bool {
        let (group, rest) = split(bucket, sha1);
        self.groups[group].binary_search(&rest).is_ok()
    }
}

/// The first 16 bits of a fingerprint, and the 32 behind them.
fn split(bucket: &S3Bucket, sha1: &Sha1) -> (usize, u32) {
    let bytes = Fingerprint::of(bucket, sha1).0.to_be_bytes();
    let group = u16::from_be_bytes([bytes[0], bytes[1]]);
    (group.into(), u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str) -> S3Bucket {
        S3Bucket::new(name).expect("a name")
    }

    #[test]
    fn a_content_is_in_its_bucket_alone_and_by_each_of_48_bits() {
        let mut set = ContentSet::default();
        // In no order, so that it matters whether the set is sorted.
        for number in (0..500_u32).rev() {
            set.add(&bucket("one"), &Sha1::of(&number.to_be_bytes()));
        }
        set.sort();
        for number in 0..500_u32 {
            let sha1 = Sha1::of(&number.to_be_bytes());
            assert!(set.contains(&bucket("one"), &sha1), "{number}");
            assert!(!set.contains(&bucket("two"), &sha1), "{number}");
            for bit in 0..48 {
                let mut bytes = *sha1.as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert!(!set.contains(&bucket("one"), &Sha1::from_bytes(bytes)), "bit {bit}");
            }
        }
    }

    #[test]
    fn ten_million_contents_take_a_third_of_the_memory_that_a_run_may_hold() {
        let mut set = ContentSet::default();
        for number in 0..1_000_000_u32 {
            set.add(&bucket("one"), &Sha1::of(&number.to_be_bytes()));
        }
        let room: usize = set.groups.iter().map(|group| group.capacity() * 4).sum();
        // Small groups have the most to spare: ten million fill theirs better than a million do.
        assert!(room < 1_000_000 * 6, "{room} bytes for a million");
    }
}
