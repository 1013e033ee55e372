//! What makes the evidence of a step count for nothing.

use super::journals::{Kind, facts_of, today, whole};
use super::state_of;
use crate::checklist::{CheckList, State, Step};
use crate::journal::MigrationPlace;

fn stale_steps(then: &MigrationPlace, now: &MigrationPlace) -> Vec<u8> {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let list = CheckList::of(&facts_of(&kinds, then), now);
    assert!(list.has_findings());
    let stale = list.steps.iter().filter(|it| it.state == State::Stale);
    stale.map(|it| it.step.number()).collect()
}

/// The freeze has no account, region, tables and queue, and a cut-over none of them.
#[test]
fn evidence_of_other_systems_is_stale_step_by_step() {
    let all_but_freeze = vec![1, 2, 3, 6, 7, 8, 10, 11, 12];
    let with_freeze = vec![1, 2, 3, 5, 6, 7, 8, 10, 11, 12];
    let other = || Some("other".to_owned());
    let change = |change: fn(&mut MigrationPlace)| {
        let mut then = today();
        change(&mut then);
        stale_steps(&then, &today())
    };
    assert_eq!(change(|it| it.account = Some("2".to_owned())), all_but_freeze);
    assert_eq!(change(|it| it.region = "eu-west-1".to_owned()), all_but_freeze);
    assert_eq!(change(|it| it.s3_endpoint = Some("http://s3".to_owned())), all_but_freeze);
    assert_eq!(change(|it| it.tables.clear()), all_but_freeze);
    assert_eq!(
        stale_steps(&MigrationPlace { queue: other(), ..today() }, &today()),
        all_but_freeze
    );
    assert_eq!(change(|it| it.domain.clear()), with_freeze);
    assert_eq!(change(|it| it.buckets = vec!["x:y".to_owned()]), with_freeze);
    let database = MigrationPlace { database: other(), ..today() };
    assert_eq!(stale_steps(&database, &today()), with_freeze);
}

/// Each line: the entries behind a freeze of the content 7, and how far steps 5 to 7 are.
#[test]
fn what_counts_behind_a_freeze_is_of_its_content() {
    use Kind::{
        AcceptanceEnd, Audit, Differs, Elsewhere, Enqueue, EnqueueVerify, Freeze, Incomplete,
        Migrate, Rekey, RekeyEnd, Verify,
    };
    use State::{Done, Failed, NotBegun, Stale, UnderWay};
    let differs = |kind: Kind| Differs(Box::new(kind));
    let incomplete = |kind: Kind| Incomplete(Box::new(kind));
    let elsewhere = |kind: Kind| Elsewhere(Box::new(kind));
    let whole = [Audit(7, true), Verify(7)];
    for (behind, expected) in [
        (vec![], [Done, NotBegun, NotBegun]),
        (vec![Migrate(3)], [Done, Done, NotBegun]),
        (vec![differs(Migrate(3))], [Done, Failed, NotBegun]),
        (vec![incomplete(Migrate(3))], [Done, Failed, NotBegun]),
        (vec![elsewhere(Migrate(3))], [Done, Stale, NotBegun]),
        (vec![Enqueue(3)], [Done, UnderWay, NotBegun]),
        (vec![EnqueueVerify], [Done, NotBegun, UnderWay]),
        (vec![Audit(7, true)], [Done, Done, UnderWay]),
        (vec![Audit(7, false), Verify(7)], [Done, Done, UnderWay]),
        (vec![Audit(8, true), Verify(7)], [Done, NotBegun, Stale]),
        (vec![Audit(7, true), Verify(8)], [Done, Done, Stale]),
        // Both have read the same other content: the freeze did not hold.
        (vec![Audit(8, true), Verify(8)], [Stale, Stale, Stale]),
        (vec![Migrate(3), Verify(8), Audit(8, true)], [Stale, Stale, Stale]),
        (whole.to_vec(), [Done, Done, Done]),
        (vec![differs(Audit(7, true)), Verify(7)], [Done, NotBegun, Failed]),
        (vec![Audit(7, true), incomplete(Verify(7))], [Done, Done, Failed]),
        (vec![elsewhere(Audit(7, true)), Verify(7)], [Done, NotBegun, Stale]),
        ([&whole[..], &[differs(Audit(7, true))]].concat(), [Done, NotBegun, Failed]),
        ([&whole[..], &[Rekey, RekeyEnd]].concat(), [Stale, Stale, Stale]),
        ([&whole[..], &[Freeze(7)]].concat(), [Done, NotBegun, NotBegun]),
        (vec![Rekey, RekeyEnd], [Stale, NotBegun, NotBegun]),
        ([&whole[..], &[AcceptanceEnd]].concat(), [Done, NotBegun, Stale]),
        (vec![Migrate(3), AcceptanceEnd], [Done, Stale, NotBegun]),
        ([&[AcceptanceEnd], &whole[..]].concat(), [Done, Done, Done]),
    ] {
        let kinds = [&[Kind::Doctor, Kind::Migrate(100), Freeze(7)], &behind[..]].concat();
        let steps = [Step::StopIngest, Step::MigrateAgain, Step::Verify];
        assert_eq!(steps.map(|step| state_of(&kinds, step)), expected, "{behind:?}");
    }
    // Before the freeze they prove nothing.
    let before = [&whole[..], &[Kind::Migrate(0), Freeze(7)]].concat();
    assert_eq!(state_of(&before, Step::MigrateAgain), NotBegun);
    assert_eq!(state_of(&before, Step::Verify), NotBegun);
}

/// Each line: the entries behind a freeze, which is entry 3, and how far steps 6 and 7 are. A run counts from its
/// begin: what was written while it ran it has not seen.
#[test]
fn a_run_refutes_nothing_that_was_written_while_it_ran() {
    use Kind::{
        AcceptanceEnd, Audit, Differs, EnqueueVerify, Freeze, Incomplete, Migrate, Missing, Old,
        References, Since, Verify,
    };
    use State::{Done, Failed, NotBegun, Stale, UnderWay};
    let lost = |kind: Kind| Incomplete(Box::new(Missing(Box::new(kind))));
    let since = |entry, kind: Kind| Since(entry, Box::new(kind));
    let old = |kind: Kind| Old(Box::new(kind));
    let differs = |kind: Kind| Differs(Box::new(kind));
    let audit = || Audit(7, true);
    for (behind, expected) in [
        (vec![since(3, audit()), since(3, Verify(7))], [Done, Done]),
        // The freeze came while they ran.
        (vec![since(2, Migrate(3))], [NotBegun, NotBegun]),
        (vec![since(2, audit()), since(3, Verify(7))], [NotBegun, UnderWay]),
        (vec![since(3, audit()), since(2, Verify(7))], [Done, UnderWay]),
        // An earlier version has not noted when they began.
        (vec![old(Migrate(3))], [NotBegun, NotBegun]),
        (vec![audit(), old(Verify(7))], [Done, UnderWay]),
        // An acceptance was taken back while the audit ran, or while a state of `verify` waited to be continued.
        (vec![AcceptanceEnd, since(3, audit()), Verify(7)], [NotBegun, Stale]),
        (vec![AcceptanceEnd, audit(), since(3, Verify(7))], [Done, Stale]),
        (vec![AcceptanceEnd, since(4, audit()), since(4, Verify(7))], [Done, Done]),
        // A later finding.
        (vec![audit(), differs(Verify(7)), since(4, Verify(7))], [Done, Failed]),
        (vec![audit(), differs(Verify(7)), since(5, Verify(7))], [Done, Done]),
        (vec![audit(), differs(Verify(7)), Verify(7), since(4, Verify(7))], [Done, Done]),
        (vec![differs(audit()), since(3, audit()), Verify(7)], [NotBegun, Failed]),
        // It has come to no end, and what it had found until then stands.
        (vec![audit(), lost(Verify(7)), since(3, Verify(7))], [Done, Failed]),
        (vec![audit(), lost(Verify(7)), Verify(7)], [Done, Done]),
        // No gate looks at references: findings stand also of a run that began before the freeze.
        (vec![audit(), Verify(7), since(2, References)], [Done, Done]),
        (vec![audit(), Verify(7), since(2, differs(References))], [Done, Failed]),
        (vec![audit(), Verify(7), differs(References), since(2, References)], [Done, Failed]),
        (vec![audit(), Verify(7), differs(References), References], [Done, Done]),
        // Another freeze.
        (vec![Freeze(7), since(3, audit()), Verify(7)], [NotBegun, UnderWay]),
        (vec![EnqueueVerify, Freeze(7), audit(), Verify(7)], [Done, Done]),
    ] {
        let kinds = [&[Kind::Doctor, Kind::Migrate(100), Freeze(7)], &behind[..]].concat();
        let steps = [Step::MigrateAgain, Step::Verify];
        assert_eq!(steps.map(|step| state_of(&kinds, step)), expected, "{behind:?}");
    }
}

/// A smoke test that began before the last name was changed has read rows with old names.
#[test]
fn a_smoke_test_begins_behind_the_cut_over() {
    use Kind::{Begun, Ended, Freeze, Since, Smoke};
    let cut_over =
        [Freeze(7), Begun("contentrepo"), Ended("contentrepo"), Begun("rhino"), Ended("rhino")];
    for (begin, expected) in [(4, State::NotBegun), (5, State::Done)] {
        let kinds = [&cut_over[..], &[Since(begin, Box::new(Smoke))]].concat();
        assert_eq!(state_of(&kinds, Step::Test), expected, "{begin}");
    }
}

#[test]
fn a_listing_alone_verifies_nothing_and_what_is_allowed_is_said() {
    use Kind::{Allowed, Audit, Freeze, Unread, Verify};
    let found = |verify: Kind| {
        let today = today();
        let facts = facts_of(&[Freeze(7), Audit(7, true), verify], &today);
        let list = CheckList::of(&facts, &today);
        let step = list.steps.into_iter().find(|it| it.step == Step::Verify).expect("a step");
        (step.state, step.why.join("; "))
    };
    assert_eq!(found(Verify(7)), (State::Done, String::new()));
    let (state, why) = found(Unread(Box::new(Verify(7))));
    assert!(state == State::UnderWay && why.contains("read no content"), "{state:?} {why}");
    let (state, why) = found(Allowed(Box::new(Verify(7))));
    assert!(state == State::Done && why.contains("entry 3, was given --allow-extra"), "{why}");
}

#[test]
fn a_stale_step_names_the_step_that_was_done_on_it() {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let kinds = [&kinds[..], &[Kind::Rekey, Kind::RekeyEnd]].concat();
    let today = today();
    let list = CheckList::of(&facts_of(&kinds, &today), &today);
    let freeze = list.steps.iter().find(|it| it.step == Step::StopIngest).expect("a step");
    assert_eq!(freeze.state, State::Stale);
    let words = freeze.why.join("; ");
    assert!(words.contains("entry 24") && words.contains("step 12 was done on it"), "{words}");
    // Another freeze says nothing of the one on which the cut-over rests.
    let kinds = [&kinds[..], &[Kind::Freeze(7)]].concat();
    assert_eq!(state_of(&kinds, Step::StopIngest), State::Stale);
}

/// Each line: the entries behind a whole cut-over, and how far steps 9 to 12 are.
#[test]
fn what_counts_behind_the_cut_over_comes_behind_both_ends() {
    use Kind::{Begun, Confirm, Differs, Ended, Freeze, Smoke};
    use State::{Done, Failed, NotBegun, UnderWay};
    let smoke = [Confirm(10), Smoke, Confirm(12)];
    for (kinds, expected) in [
        (
            vec![Begun("contentrepo"), Ended("contentrepo")],
            [UnderWay, NotBegun, NotBegun, NotBegun],
        ),
        (
            [
                &smoke[..],
                &[Begun("contentrepo"), Ended("contentrepo"), Begun("rhino"), Ended("rhino")],
            ]
            .concat(),
            [Done, NotBegun, NotBegun, NotBegun],
        ),
        (
            [
                &[Begun("contentrepo"), Ended("contentrepo"), Begun("rhino"), Ended("rhino")],
                &smoke[..],
            ]
            .concat(),
            [Done, Done, Done, Done],
        ),
        (
            vec![
                Begun("contentrepo"),
                Ended("contentrepo"),
                Begun("rhino"),
                Ended("rhino"),
                Differs(Box::new(Smoke)),
                Freeze(7),
            ],
            [Done, NotBegun, Failed, NotBegun],
        ),
    ] {
        let all = [&[Freeze(7)], &kinds[..]].concat();
        let found: Vec<_> = Step::ALL[8..].iter().map(|step| state_of(&all, *step)).collect();
        assert_eq!(found, expected, "{kinds:?}");
    }
    let without = [Begun("contentrepo"), Ended("contentrepo"), Begun("rhino"), Ended("rhino")];
    assert_eq!(state_of(&without, Step::CutOver), State::Stale, "no freeze");
    let behind = [&without[..], &[Freeze(7)]].concat();
    assert_eq!(state_of(&behind, Step::CutOver), State::Stale, "a freeze behind it alone");
}

/// A freeze behind the cut-over takes nothing from the steps that were done on an earlier one.
#[test]
fn a_freeze_behind_the_cut_over_makes_no_step_stale() {
    let whole: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let states = |kinds: &[Kind]| Step::ALL.map(|step| state_of(kinds, step));
    let later = [&whole[..], &[Kind::Freeze(8)]].concat();
    assert_eq!(states(&later), states(&whole));
    // Behind a way back it is the freeze that counts.
    let back = [Kind::BegunBack("rhino"), Kind::EndedBack("rhino")];
    let back = [back, [Kind::BegunBack("contentrepo"), Kind::EndedBack("contentrepo")]].concat();
    let again = [&later[..], &back, &[Kind::Freeze(8)]].concat();
    assert_eq!(state_of(&again, Step::StopIngest), State::Done);
    assert_eq!(state_of(&again, Step::Verify), State::NotBegun);
}

#[test]
fn an_entry_of_a_later_version_is_a_finding() {
    let today = today();
    let list = CheckList::of(&facts_of(&[Kind::Doctor, Kind::Unknown], &today), &today);
    assert!(list.has_findings());
    let list = CheckList::of(&facts_of(&[Kind::Doctor], &today), &today);
    assert!(!list.has_findings());
}
