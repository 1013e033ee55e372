//! What stands behind the number of rows: a count, or the rows by fid.

use super::*;

/// 200 files, of which one has no object. Ranges give one row each, whatever is asked for.
fn cut_short() -> World {
    let mut world = whole(200);
    world.most_rows = 1;
    world.objects.remove(&("corpus".to_owned(), Sha1::of(b"120").to_string()));
    world
}

/// Legend: the counts that fail, the count that the index gives → whether all rows are read by fid, and
/// what the counts say.
#[test]
fn rows_that_the_ranges_pass_over_are_compared_whether_there_is_a_count_or_none() {
    for (failing, count, coverage) in [
        (0, Some(200), Coverage::Equal),
        (1, Some(200), Coverage::Equal),
        (2, Some(200), Coverage::NotTold),
        (0, None, Coverage::NotTold),
    ] {
        let mut world = cut_short();
        (world.failing_counts, world.count) = (failing.into(), count);
        let (summary, told) = verified(&world, NO_SAMPLE, 10);
        assert_eq!((summary.rows, summary.listed_by_fid), (200, Some(200)), "{failing} {count:?}");
        assert_eq!(summary.different["missing"].first_fids, [Fid(120)]);
        assert_eq!((summary.whole.files, told.len()), (199, 200));
        assert_eq!((summary.coverage(), summary.is_incomplete()), (coverage, false));
        assert_eq!(summary.uncounted.is_some(), failing == 2);
    }
}

#[test]
fn a_count_that_comes_at_the_end_is_enough() {
    let mut world = whole(20);
    world.failing_counts = 1.into();
    let (summary, _) = verified(&world, NO_SAMPLE, 10);
    assert_eq!((summary.counted_before, summary.counted_after), (None, Some(20)));
    assert_eq!((summary.listed_by_fid, &summary.uncounted), (None, &None));
    assert_eq!((summary.coverage(), summary.is_incomplete()), (Coverage::Equal, false));
}

/// A run that knows neither the number of its rows nor each of them has not looked at everything.
#[test]
fn rows_that_nothing_counts_make_the_comparison_incomplete() {
    for (failing, count) in [(u64::MAX, Some(20)), (0, None), (0, Some(21))] {
        let mut world = whole(20);
        (world.failing_counts, world.count) = (failing.into(), count);
        world.refuses_fids = true;
        let (summary, _) = verified(&world, NO_SAMPLE, 10);
        assert!(matches!(summary.stopped, Some(Stopped::Trouble(_))), "{summary:?}");
        assert!(summary.is_incomplete() && summary.listed_by_fid.is_none());
    }
    let summary = VerifySummary { rows: 7, ..VerifySummary::default() };
    assert!(!summary.is_backed() && summary.is_incomplete());
}

#[test]
fn rows_of_which_no_range_has_any_trace_are_still_missing() {
    let mut world = whole(20);
    world.count = Some(23);
    let (summary, _) = verified(&world, NO_SAMPLE, 10);
    assert_eq!((summary.coverage(), summary.listed_by_fid), (Coverage::Missing(3), Some(20)));
    assert!(summary.is_incomplete());
}
