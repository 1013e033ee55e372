//! Ranges of keys, which cover all of them.

/// Keys from a bound to the next one. For rows the first bound belongs to the range and the second one
/// does not; for objects it is the other way round, as S3 lists what is *behind* a key. A key of content
/// is longer than any bound, so that both give the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyRange {
    /// The first bound; the first range has none.
    pub(super) from: Option<String>,
    /// The second bound; the last range has none.
    pub(super) end: Option<String>,
}

impl KeyRange {
    /// Whether this content has its row and its object here, by the bytes of its key.
    pub(super) fn holds(&self, hex: &str) -> bool {
        let is_behind = self.from.as_deref().is_none_or(|from| hex >= from);
        is_behind && self.end.as_deref().is_none_or(|end| hex < end)
    }
}

/// How many hex digits the bounds have, for an index of about this many rows. Small stores have few
/// ranges: each costs a query at least. Where all content is read, a range that is begun again costs
/// more than sixteen queries.
pub(super) const fn digits(rows: Option<u64>, reads_all: bool) -> usize {
    let digits = match rows {
        Some(0..20_000) => 1,
        Some(20_000..500_000) => 2,
        Some(_) | None => 3,
    };
    if reads_all { digits + 1 } else { digits }
}

/// The most digits that bounds have.
pub(super) const MOST_DIGITS: usize = 4;

/// Ranges with bounds of so many hex digits, in runs that are read one range after the other.
///
/// The bounds of neighbours are the same, the first range begins before every key, and the last has no
/// end. So each key is in a range, *whatever the order is in which keys are compared*: take the last
/// bound, in the order of the ranges, that is not behind the key. The next bound is behind it, or there
/// is none, so the range between the two has the key. An order in which the bounds do not ascend gives
/// a key in several ranges, never in none.
pub(super) fn runs(digits: usize) -> Vec<Vec<KeyRange>> {
    let count = 16_usize.pow(u32::try_from(digits).unwrap_or(1));
    let bound = |number: usize| (number < count).then(|| format!("{number:0digits$x}"));
    // What is before the first key of content are intermediaries, and there may be millions of them.
    let first = KeyRange { from: None, end: bound(0) };
    let ranges: Vec<_> =
        (0..count).map(|number| KeyRange { from: bound(number), end: bound(number + 1) }).collect();
    let runs = ranges.chunks(count.div_ceil(RUNS)).map(<[KeyRange]>::to_vec);
    [vec![first]].into_iter().chain(runs).collect()
}

/// Runs of ranges, at most, without the first range. A bucket is listed once for each run: few enough
/// that a small one costs few requests, many enough that all are busy to the end.
const RUNS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(digits: usize) -> Vec<KeyRange> {
        runs(digits).into_iter().flatten().collect()
    }

    #[test]
    fn neighbours_share_their_bound() {
        for (digits, count) in [(1, 17), (2, 257), (3, 4_097)] {
            let ranges = ranges(digits);
            assert_eq!(ranges.len(), count);
            assert_eq!(ranges[0].from, None);
            assert_eq!(ranges[count - 1].end, None);
            for (one, next) in ranges.iter().zip(&ranges[1..]) {
                assert!(one.end.is_some() && one.end == next.from, "{one:?} {next:?}");
            }
        }
        assert_eq!(runs(1).len(), 17);
        assert_eq!(runs(3).len(), 65);
    }

    #[test]
    fn small_stores_have_few_ranges() {
        for (rows, expected) in
            [(Some(0), 1), (Some(19_999), 1), (Some(20_000), 2), (Some(10_000_000), 3), (None, 3)]
        {
            assert_eq!(digits(rows, false), expected, "{rows:?}");
            assert_eq!(digits(rows, true), expected + 1, "{rows:?}");
        }
    }

    proptest! {
        #[test]
        fn a_key_of_content_is_in_one_range(hex in "[0-9a-f]{40}", digits in 1..=MOST_DIGITS) {
            prop_assert_eq!(ranges(digits).iter().filter(|range| range.holds(&hex)).count(), 1);
        }

        /// Any order: the keys and bounds are sorted by a keyed hash.
        #[test]
        fn a_key_is_in_a_range_in_any_order(key in "\\PC{0,8}", seed: u64) {
            let place = |key: &str| key.bytes().fold(seed, |hash, byte| {
                crate::retry::mix(hash ^ u64::from(byte))
            });
            let here = place(&key);
            let has = |range: &KeyRange| {
                range.from.as_deref().is_none_or(|from| place(from) <= here)
                    && range.end.as_deref().is_none_or(|end| here < place(end))
            };
            prop_assert!(ranges(1).iter().any(has));
        }
    }
}
