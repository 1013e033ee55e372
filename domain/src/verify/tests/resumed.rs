//! Comparisons that go on in a store that has changed since they ended.

use super::*;
use crate::Timestamp;
use crate::journal::{AcceptedFile, Content, Entry, LedgerThen};
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

/// Single files are refused, and an operator mends that. Both looks at these files have a line.
#[test]
fn files_that_could_not_be_looked_at_are_looked_at_when_it_goes_on() {
    for depth in [Depth::All, Depth::Sample { files: 30, seed: 1 }] {
        let mut world = whole(60);
        (world.failing_reads, world.is_denied) = (9.into(), true);
        let (summary, kept) = verified_by(&world, &plan(depth, 50));
        assert_eq!((summary.unseen_files(), summary.can_go_on()), (9, true), "{summary:?}");
        let of_ranges = if depth == Depth::All { 9 } else { 0 };
        let (state, told) = kept.states.last().expect("a state");
        assert_eq!(told.iter().filter(|line| line.0 == Mark::Unseen).count(), of_ranges);
        for lost in [false, true] {
            let state = VerifyState::read(state, &map()).expect("a state");
            let unseen = kept.told.iter().find(|line| line.0 == Mark::Unseen).expect("one");
            let mut world = whole(60);
            if lost {
                world
                    .gone
                    .push(Sha1::of(unseen.2.expect("a fid").to_string().as_bytes()).to_string());
            }
            let (summary, told) = gone_on(&world, state, plan(depth, 50));
            assert_eq!((summary.unseen_files(), summary.failures()), (0, u64::from(lost)));
            assert_eq!(summary.whole.files, 60 - u64::from(lost));
            assert!(!summary.is_incomplete() && !summary.can_go_on(), "{summary:?}");
            if depth == Depth::All {
                let again = told.iter().filter(|line| line.3.starts_with("corrected ")).count();
                assert_eq!(again, 9, "{told:?}");
            }
        }
    }
}

#[test]
fn a_comparison_whose_rows_became_files_cannot_go_on() {
    let mut summary = VerifySummary::default();
    summary.changed.add(Fid(7), "an upload ended");
    assert!(summary.is_incomplete() && !summary.can_go_on());
    summary.stopped = Some(Stopped::Interrupted);
    assert!(summary.can_go_on(), "what is left is not known");
}

/// No state has the files in a row that were not found: they may be of half ranges. Accepted ones do not
/// count among them.
#[test]
fn accepted_files_say_nothing_of_the_listing() {
    let mut world = whole(1_200);
    world.objects.clear();
    let accepted_file = |row: &IndexRow| AcceptedFile {
        fid: row.fid,
        key: row.dkey.clone(),
        class: AcceptedFile::MISSING.to_owned(),
        bucket: Some("corpus".to_owned()),
        ledger: Some(LedgerThen::NoRecord),
        replicas: Vec::new(),
    };
    let files = world.rows.iter().map(accepted_file).collect();
    let (domain, reason) = ("ours".to_owned(), "lost".to_owned());
    let content = Content::FilesAccepted { domain, reason, files };
    let entry = Entry {
        migration: "m".to_owned(),
        sequence: 1,
        previous: None,
        at: Timestamp(0),
        by: "an operator".to_owned(),
        writer: 1,
        content,
    };
    let mut accepted = Acceptances::default();
    accepted.take("ours", entry);
    let plan = VerifyPlan { accepted, ..plan(NO_SAMPLE, 500) };
    let (summary, _) = verified_by(&world, &plan);
    assert_eq!((summary.accepted.files, summary.missing_by_listing), (1_200, 0), "{summary:?}");
}
