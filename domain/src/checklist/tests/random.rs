//! Journals of any entries in any order.

use proptest::prelude::*;

use super::journals::{Kind, facts_of, today};
use crate::checklist::{CheckList, State, Step, may_confirm, next};

fn kind() -> impl Strategy<Value = Kind> {
    let database = prop_oneof![Just("contentrepo"), Just("rhino")];
    let evidence = prop_oneof![
        Just(Kind::Doctor),
        (0_u8..14).prop_map(Kind::Confirm),
        (0_u64..3).prop_map(Kind::Migrate),
        (0_u64..3).prop_map(Kind::Enqueue),
        Just(Kind::EnqueueVerify),
        (7_u64..9, any::<bool>()).prop_map(|(content, run)| Kind::Audit(content, run)),
        (7_u64..9).prop_map(Kind::Verify),
        Just(Kind::ConfigCheck),
        Just(Kind::Smoke),
    ];
    let evidence = (evidence, 0_u8..9).prop_map(|(kind, change)| match change {
        0 => Kind::Differs(Box::new(kind)),
        1 => Kind::Incomplete(Box::new(kind)),
        2 => Kind::Elsewhere(Box::new(kind)),
        3 => Kind::Old(Box::new(kind)),
        _ => kind,
    });
    let changes = (database, 0_u8..5).prop_map(|(database, what)| match what {
        0 => Kind::Begun(database),
        1 => Kind::Statement(database),
        2 => Kind::Ended(database),
        3 => Kind::BegunBack(database),
        _ => Kind::EndedBack(database),
    });
    let store = prop_oneof![
        (7_u64..9).prop_map(Kind::Freeze),
        Just(Kind::Rekey),
        Just(Kind::RekeyEnd),
        Just(Kind::Deletion),
        Just(Kind::DeletionEnd),
        Just(Kind::AcceptanceEnd),
        Just(Kind::Note),
        Just(Kind::Unknown),
    ];
    prop_oneof![4 => evidence, 4 => changes, 2 => store]
}

/// The number of entries up to the last one of this kind.
fn last(kinds: &[Kind], is_it: impl Fn(&Kind) -> bool) -> Option<usize> {
    kinds.iter().rposition(is_it).map(|at| at + 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_journal_makes_a_step_done_that_its_entries_do_not_prove(
        kinds in proptest::collection::vec(kind(), 0..40),
    ) {
        let today = today();
        let facts = facts_of(&kinds, &today);
        let list = CheckList::of(&facts, &today);
        let next = next(&facts, &today, &list);
        let is_done = |step| list.state(step) == State::Done;
        let is_freeze = |kind: &Kind| matches!(kind, Kind::Freeze(_));
        // A whole cut-over rests on a freeze before it, whatever comes behind.
        let entry = facts.freeze().map(|freeze| usize::try_from(freeze.sequence).expect("few"));
        let freeze = entry.or_else(|| last(&kinds, is_freeze));
        prop_assert!(entry.is_none_or(|entry| is_freeze(&kinds[entry - 1])), "no freeze");
        let ends = ["contentrepo", "rhino"].map(|it| last(&kinds, |kind| *kind == Kind::Ended(it)));
        let back = last(&kinds, |kind| matches!(kind, Kind::BegunBack(_) | Kind::EndedBack(_)));
        if is_done(Step::CutOver) {
            // Another freeze may come between the two: the second one rests on it.
            prop_assert!(freeze.is_some() && ends.iter().all(Option::is_some), "{:?}", ends);
            prop_assert!(ends.iter().any(|end| *end > freeze), "{:?}", ends);
            prop_assert!(ends.iter().any(|end| *end > back), "it was taken back");
        }
        if is_done(Step::Verify) {
            let Some(freeze) = freeze else { return Err(TestCaseError::fail("no freeze")) };
            let Kind::Freeze(content) = kinds[freeze - 1] else { unreachable!() };
            let behind = &kinds[freeze..];
            prop_assert!(behind.contains(&Kind::Audit(content, true)), "no audit");
            prop_assert!(behind.contains(&Kind::Verify(content)), "no verify");
            prop_assert!(!behind.contains(&Kind::Rekey), "a key was changed");
            let end = last(behind, |kind| *kind == Kind::AcceptanceEnd);
            let audit = last(behind, |kind| *kind == Kind::Audit(content, true));
            prop_assert!(audit > end, "an acceptance was taken back");
        }
        for (step, kind) in [
            (Step::KeepMogile, Kind::Confirm(10)),
            (Step::Test, Kind::Smoke),
            (Step::EnableIngest, Kind::Confirm(12)),
        ] {
            if is_done(step) {
                prop_assert!(last(&kinds, |it| *it == kind) > *ends.iter().max().expect("two"));
            }
        }
        if next.step.is_none() {
            prop_assert!(Step::ALL[9..].iter().all(|step| is_done(*step)));
        }
        prop_assert!(!next.commands.is_empty());
        for step in Step::ALL {
            let _ = may_confirm(&list, step);
        }
        // What changes databases, or needs words, is never started without an operator.
        let changes = ["--execute", "--note", "--means", "--reason", "cutover", "freeze", "sync"];
        for line in next.commands.iter().filter(|line| line.automatic) {
            prop_assert!(!line.words.iter().any(|word| changes.contains(&word.as_str())));
        }
    }
}
