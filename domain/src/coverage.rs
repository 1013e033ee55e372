//! Whether a run has read what the index counts.

/// The rows that were read beside the index's own counts. Rows are written and deleted while a run
/// goes on, so neither more nor fewer is wrong by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// There is nothing to compare: the index cannot count, or not all of it was to be read.
    NotTold,
    /// As many as were counted.
    Equal,
    /// So many more: they were written meanwhile.
    More(u64),
    /// So many fewer, and the index does not count them any more: they were deleted meanwhile.
    Deleted(u64),
    /// So many fewer than the index counted before and counts still: nothing explains it.
    Missing(u64),
}

/// Compares `rows` read with the count `before` the first of them, and with the one `after` the
/// last, which is only needed, and may be [`None`], where fewer rows were read than counted before.
///
/// Every row that was there all the time is read. So what is missing of the first count was
/// deleted, and then the second count does not have it either; unless as many were written behind
/// the reader's back, and these are missing indeed: another run has to take them.
#[must_use]
pub fn coverage(rows: u64, before: Option<u64>, after: Option<u64>) -> Coverage {
    let Some(before) = before else { return Coverage::NotTold };
    let still_counted = after.map_or(before, |after| after.min(before));
    if rows == before {
        Coverage::Equal
    } else if rows > before {
        Coverage::More(rows - before)
    } else if rows >= still_counted {
        Coverage::Deleted(before - rows)
    } else {
        Coverage::Missing(still_counted - rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_index_still_counts_is_missing() {
        use Coverage::{Deleted, Equal, Missing, More, NotTold};
        for (rows, before, after, expected) in [
            (7, None, None, NotTold),
            (0, Some(0), None, Equal),
            (7, Some(7), None, Equal),
            (9, Some(7), None, More(2)),
            // Five were deleted before they could be read.
            (95, Some(100), Some(95), Deleted(5)),
            // Some after they were read, too.
            (95, Some(100), Some(90), Deleted(5)),
            // Five were deleted, two others were written and read.
            (97, Some(100), Some(97), Deleted(3)),
            // Five were deleted, two others were written where nobody looked any more.
            (95, Some(100), Some(97), Missing(2)),
            // Nothing was deleted.
            (95, Some(100), Some(100), Missing(5)),
            (95, Some(100), Some(120), Missing(5)),
            (95, Some(100), None, Missing(5)),
        ] {
            assert_eq!(coverage(rows, before, after), expected, "{rows} {before:?} {after:?}");
        }
    }
}
