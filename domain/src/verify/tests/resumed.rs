//! Comparisons that go on in a store that has changed since they ended.

use super::*;
use crate::verify::VerifyState;

/// The states that a comparison of these files keeps: from the first range that is done to the last.
fn states(files: u64, plan: &VerifyPlan) -> Vec<VerifyState> {
    let (_, kept) = verified_by(&whole(files), plan);
    let read = |(state, _): &(Vec<u8>, Told)| VerifyState::read(state, &map()).expect("a state");
    let states: Vec<_> = kept.states.iter().map(read).collect();
    assert!(states.len() > 17, "{}", states.len());
    states
}

fn gone_on(world: &World, state: VerifyState, plan: VerifyPlan) -> (VerifySummary, Told) {
    let (summary, kept) = verified_by(world, &VerifyPlan { resume: Some(state), ..plan });
    assert!(summary.adds_up() && summary.stopped.is_none(), "{summary:?}");
    (summary, kept.told)
}

/// Two rows go and two come, so that the index counts as many as before.
#[test]
fn rows_that_came_into_ranges_that_were_done_are_compared() {
    for depth in [NO_SAMPLE, Depth::All] {
        for state in states(40, &plan(depth, 50)) {
            let mut world = whole(42);
            let lost = ("corpus".to_owned(), Sha1::of(b"42").to_string());
            world.objects.remove(&lost).expect("it was there");
            world.rows.retain(|row| row.fid > Fid(2));
            world.rows.push(row(50, None, None));
            world.count = Some(world.rows.len() as u64);
            let (summary, told) = gone_on(&world, state, plan(depth, 50));
            assert_eq!(summary.different["missing"].first_fids, [Fid(42)], "{summary:?}");
            assert_eq!(summary.rejected.values().map(|sample| sample.files).sum::<u64>(), 1);
            assert!(told.iter().any(|line| (line.0, line.2) == (Mark::Whole, Some(41))));
            assert!(!summary.is_incomplete() && summary.out_of_place == 0, "{summary:?}");
        }
    }
}

#[test]
fn rows_that_the_index_counts_later_and_never_gave_are_not_passed_over() {
    for state in states(40, &plan(NO_SAMPLE, 50)) {
        let mut world = whole(40);
        world.count = Some(43);
        let (summary, _) = gone_on(&world, state, plan(NO_SAMPLE, 50));
        assert_eq!(summary.coverage(), Coverage::Missing(3));
        assert!(summary.is_incomplete());
    }
}

/// The trackers' rows are sorted anew, and counted as they are sorted.
#[test]
fn rows_that_were_deleted_before_it_went_on_are_not_missing() {
    for counted in [None, Some(40)] {
        for state in states(40, &VerifyPlan { counted, ..plan(NO_SAMPLE, 50) }) {
            let mut world = whole(40);
            world.rows.truncate(33);
            world.count = Some(33);
            let counted = counted.and(world.count);
            let plan = VerifyPlan { counted, ..plan(NO_SAMPLE, 50) };
            let (summary, _) = gone_on(&world, state, plan);
            assert!(!summary.is_incomplete() && !summary.differs(), "{summary:?}");
        }
    }
}
