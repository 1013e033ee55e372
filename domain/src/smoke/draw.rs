//! A sample of a table's rows: some of every bucket, and of each the oldest, the newest, the smallest and the
//! largest row.

use std::collections::BTreeMap;

use crate::ByteCount;
use crate::ports::RowId;
use crate::retry::mix;

/// How many rows are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// The rows of each bucket of each table, beside its oldest, newest, smallest and largest one.
    pub rows: usize,
    /// The same seed draws the same rows of the same tables.
    pub seed: u64,
}

/// A row that can be drawn.
pub(super) trait Row: Clone {
    fn id(&self) -> RowId;
    /// Its size; [`None`] where the row does not know it.
    fn size(&self) -> Option<ByteCount>;
}

/// Draws while the rows stream by, ascending by id. Memory holds the drawn rows alone.
pub(super) struct Draw<T> {
    plan: SamplePlan,
    buckets: BTreeMap<String, OfBucket<T>>,
}

struct OfBucket<T> {
    rows: u64,
    oldest: T,
    newest: T,
    smallest: T,
    largest: T,
    /// The rows with the lowest lots.
    lots: BTreeMap<(u64, RowId), T>,
}

impl<T: Row> Draw<T> {
    pub(super) const fn new(plan: SamplePlan) -> Self {
        Self { plan, buckets: BTreeMap::new() }
    }

    /// Takes a row of this bucket into account.
    pub(super) fn offer(&mut self, bucket: &str, row: &T) {
        let lot = mix(mix(self.plan.seed) ^ u64::try_from(row.id().0).unwrap_or_default());
        if !self.buckets.contains_key(bucket) {
            let [oldest, newest, smallest, largest] = [(); 4].map(|()| row.clone());
            let lots = BTreeMap::new();
            let of = OfBucket { rows: 0, oldest, newest, smallest, largest, lots };
            self.buckets.insert(bucket.to_owned(), of);
        }
        let Some(of) = self.buckets.get_mut(bucket) else { return };
        of.rows += 1;
        of.newest = row.clone();
        if let Some(size) = row.size() {
            if of.smallest.size().is_none_or(|smallest| size < smallest) {
                of.smallest = row.clone();
            }
            if of.largest.size().is_none_or(|largest| size > largest) {
                of.largest = row.clone();
            }
        }
        let is_full = of.lots.len() >= self.plan.rows;
        if is_full && of.lots.last_key_value().is_none_or(|(highest, _)| highest.0 <= lot) {
            return;
        }
        of.lots.insert((lot, row.id()), row.clone());
        if is_full {
            of.lots.pop_last();
        }
    }

    /// The rows of each bucket that were offered.
    pub(super) fn rows(&self) -> BTreeMap<String, u64> {
        self.buckets.iter().map(|(bucket, of)| (bucket.clone(), of.rows)).collect()
    }

    /// The sample: by bucket, and in each ascending by id.
    pub(super) fn drawn(self) -> Vec<(String, T)> {
        let mut drawn = Vec::new();
        for (bucket, of) in self.buckets {
            let OfBucket { oldest, newest, smallest, largest, lots, rows: _ } = of;
            let extremes = [oldest, newest, smallest, largest];
            let rows = lots.into_values().chain(extremes).map(|row| (row.id(), row));
            let rows: BTreeMap<_, _> = rows.collect();
            drawn.extend(rows.into_values().map(|row| (bucket.clone(), row)));
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Row for (i128, Option<u64>) {
        fn id(&self) -> RowId {
            RowId(self.0)
        }

        fn size(&self) -> Option<ByteCount> {
            self.1.map(ByteCount)
        }
    }

    fn drawn(rows: usize, seed: u64) -> Vec<(String, i128)> {
        let mut draw = Draw::new(SamplePlan { rows, seed });
        for id in 1..=1_000 {
            let size = match id {
                400 => Some(1),
                600 => Some(1_000_000),
                _ => (id % 2 == 0).then_some(50),
            };
            draw.offer(if id % 100 == 50 { "few" } else { "many" }, &(id, size));
        }
        assert_eq!(draw.rows(), [("few".to_owned(), 10), ("many".to_owned(), 990)].into());
        draw.drawn().into_iter().map(|(bucket, row)| (bucket, row.0)).collect()
    }

    #[test]
    fn every_bucket_and_every_extreme_is_in_the_sample() {
        let sample = drawn(5, 1);
        for (bucket, id) in
            [("few", 50), ("few", 950), ("many", 1), ("many", 1_000), ("many", 400), ("many", 600)]
        {
            assert!(sample.contains(&(bucket.to_owned(), id)), "{bucket} {id}: {sample:?}");
        }
        assert!((5..=9).contains(&sample.iter().filter(|(bucket, _)| bucket == "few").count()));
        assert_eq!(sample, drawn(5, 1), "the same seed draws the same rows");
        assert_ne!(sample, drawn(5, 2), "another seed draws others");
        assert_eq!(drawn(2_000, 1).len(), 1_000, "all where there are no more");
    }
}
