//! Compares the rows that a run has read with the index's own count.

/// The result of comparing the rows read with the index's counts. Rows are written and deleted
/// during a run, so more or fewer rows are not wrong by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// There is nothing to compare: the index cannot count, or the run was to read only a part of
    /// it.
    NotTold,
    /// The run read as many rows as the index counted.
    Equal,
    /// The run read this many rows more: they were written meanwhile.
    More(u64),
    /// The run read this many rows fewer, and the second count does not have them either: they were
    /// deleted meanwhile.
    Deleted(u64),
    /// The run read this many rows fewer than both counts have. Nothing explains that.
    Missing(u64),
}

/// Compares the number of `rows` read with the index's count `before` the first row and its count
/// `after` the last. `after` is used only where fewer rows were read than counted before. There
/// [`None`] means that the second count is unknown and is taken to be the first.
///
/// A run reads every row that exists from its start to its end. So a row that the first count has
/// and the run has not read was deleted, and the second count does not have it. Rows that were
/// written behind the place that the run had reached are the exception: the second count has them,
/// so they count as missing. Another run has to read them.
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
