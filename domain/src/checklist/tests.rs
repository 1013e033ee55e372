//! The check-list at each point of a journal.

mod journals;
mod random;
mod stale;

use self::journals::{Kind, facts_of, today, whole};
use super::{CheckList, NotConfirmed, State, Step, done_already, may_confirm, next};

/// The number of the next step, 0 where there is none, and its first command.
fn next_of(kinds: &[Kind]) -> (u8, String) {
    next_with(kinds, true)
}

/// With a queue in the settings, or without one.
fn next_with(kinds: &[Kind], has_queue: bool) -> (u8, String) {
    let mut today = today();
    if !has_queue {
        today.queue = None;
    }
    let facts = facts_of(kinds, &today);
    let next = next(&facts, &today, &CheckList::of(&facts, &today));
    let first = next.commands.first().expect("a command");
    (next.step.map_or(0, Step::number), first.words.join(" "))
}

fn state_of(kinds: &[Kind], step: Step) -> State {
    let today = today();
    CheckList::of(&facts_of(kinds, &today), &today).state(step)
}

/// A kill leaves a journal that ends with any of its entries. A command that was killed before it came to its
/// end has written none.
#[test]
fn a_kill_at_any_point_leaves_a_journal_of_which_the_next_step_is_known() {
    let whole = whole();
    let kinds: Vec<_> = whole.iter().map(|(kind, ..)| kind.clone()).collect();
    assert_eq!(next_of(&[]), (1, "doctor".to_owned()));
    for (entries, (kind, number, command)) in (1..).zip(&whole) {
        let found = next_of(&kinds[..entries]);
        assert_eq!(found, (*number, (*command).to_owned()), "behind entry {entries}, {kind:?}");
    }
}

#[test]
fn every_step_of_a_whole_journal_is_settled() {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let today = today();
    let list = CheckList::of(&facts_of(&kinds, &today), &today);
    let open: Vec<_> = list.steps.iter().filter(|it| !it.state.is_settled()).collect();
    assert!(open.is_empty() && !list.has_findings(), "{open:?}");
    assert_eq!(list.steps.len(), 12);
    assert_eq!(list.convergence, None, "behind the freeze nothing has to converge");
}

/// Each line: the entries behind a whole cut-over, and what comes next.
#[test]
fn a_way_back_is_brought_to_its_end_and_begins_at_the_freeze() {
    use Kind::{Begun, BegunBack, Ended, EndedBack, Freeze};
    let cut_over: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let end = cut_over.iter().position(|kind| *kind == Ended("rhino")).expect("an end") + 1;
    for (behind, number, command) in [
        (&[][..], 10, "runbook done 10 --note TEXT"),
        (&[BegunBack("rhino")], 9, "cutover rhino --revert --execute"),
        (&[BegunBack("rhino"), EndedBack("rhino")], 9, "cutover contentrepo --revert --execute"),
        (
            &[BegunBack("rhino"), EndedBack("rhino"), Begun("rhino"), Ended("rhino")],
            10,
            "runbook done 10 --note TEXT",
        ),
        (
            &[BegunBack("rhino"), EndedBack("rhino"), BegunBack("contentrepo")],
            9,
            "cutover contentrepo --revert --execute",
        ),
        (
            &[
                BegunBack("rhino"),
                EndedBack("rhino"),
                BegunBack("contentrepo"),
                EndedBack("contentrepo"),
            ],
            5,
            "freeze --means TEXT",
        ),
        (
            &[
                BegunBack("rhino"),
                EndedBack("rhino"),
                BegunBack("contentrepo"),
                EndedBack("contentrepo"),
                Freeze(7),
            ],
            6,
            "enqueue migrate",
        ),
    ] {
        let kinds = [&cut_over[..end], behind].concat();
        assert_eq!(next_of(&kinds), (number, command.to_owned()), "{behind:?}");
    }
    let back = [
        BegunBack("rhino"),
        EndedBack("rhino"),
        BegunBack("contentrepo"),
        EndedBack("contentrepo"),
    ];
    let kinds = [&cut_over[..], &back].concat();
    for step in &Step::ALL[4..] {
        assert_eq!(state_of(&kinds, *step), State::NotBegun, "{step:?}");
    }
    assert_eq!(state_of(&kinds, Step::Migrate), State::Done);
}

#[test]
fn what_has_changed_the_store_and_has_no_end_comes_first() {
    use Kind::{Deletion, DeletionEnd, Doctor, Rekey, RekeyEnd};
    for (kinds, number, command) in [
        (&[Rekey][..], 3, "rekey --fid 7 --execute"),
        (&[Doctor, Deletion], 3, "tmp delete --execute"),
        (&[Doctor, Deletion, DeletionEnd], 2, "sync"),
        (&[Doctor, Rekey, RekeyEnd], 2, "sync"),
    ] {
        assert_eq!(next_of(kinds), (number, command.to_owned()), "{kinds:?}");
    }
}

/// A store that was migrated without a queue, from its freeze on: what comes next, with the flags of each line.
#[test]
fn a_migration_without_a_queue_comes_to_its_end() {
    use Kind::{
        Audit, Begun, BegunBack, ConfigCheck, Deep, Ended, EndedBack, Freeze, JobsBegun, Migrate,
        Verify,
    };
    let before =
        [Kind::Doctor, Kind::Confirm(2), Kind::Confirm(3), Migrate(9), Freeze(7), Migrate(0)];
    let proven = [Deep(Box::new(Verify(7))), Audit(7, false), ConfigCheck];
    let check = |behind: &[Kind], number: u8, command: &str| {
        let kinds = [&before, behind].concat();
        assert_eq!(next_with(&kinds, false), (number, command.to_owned()), "{behind:?}");
    };
    check(&[], 7, "verify --deep");
    check(&[Verify(7)], 7, "verify --deep");
    check(&proven[..1], 7, "audit --no-run");
    check(&[Verify(7), Audit(7, false)], 7, "verify --deep");
    check(&proven[..2], 8, "config");
    check(&proven, 9, "cutover contentrepo --no-queue");
    let begun = [&proven[..], &[Begun("contentrepo")]].concat();
    check(&begun, 9, "cutover contentrepo --execute --no-queue");
    let ended = [&begun[..], &[Ended("contentrepo")]].concat();
    check(&ended, 9, "cutover rhino --no-queue");
    let back =
        [&ended[..], &[BegunBack("contentrepo"), EndedBack("contentrepo")], &before[4..], &proven]
            .concat();
    check(&back, 9, "cutover contentrepo --no-queue --left-behind old,trash");
    // A killed `enqueue`, or one of some files, leaves jobs: then workers verify each file.
    let sent = [&[JobsBegun], &proven[..]].concat();
    check(&sent, 7, "enqueue verify --run freeze-5");
}

/// Each line: the entries behind a freeze, the first line of `next`, and one that it also names.
#[test]
fn what_a_verification_found_is_corrected_by_the_lines_that_are_named() {
    use Kind::{Audit, Differs, Freeze, Missing, References, Verify};
    let differs = |kind: Kind| Differs(Box::new(kind));
    for (behind, first, also) in [
        (
            vec![Audit(7, true), Missing(Box::new(Verify(7)))],
            "verify --failures FILE",
            "migrate --again --fids @FILE",
        ),
        (vec![differs(Audit(7, true)), Verify(7)], "status --watch", "enqueue migrate"),
        (
            vec![Kind::EnqueueVerify, Audit(7, true), Verify(7), differs(References)],
            "verify --references --failures FILE",
            "verify --references",
        ),
    ] {
        let begin = [Kind::Doctor, Kind::Confirm(2), Kind::Confirm(3), Freeze(7), Kind::Enqueue(0)];
        let (kinds, today) = ([&begin, &behind[..]].concat(), today());
        let facts = facts_of(&kinds, &today);
        let next = next(&facts, &today, &CheckList::of(&facts, &today));
        assert_eq!(next.step, Some(Step::Verify), "{behind:?}");
        let lines: Vec<_> = next.commands.iter().map(|it| it.words.join(" ")).collect();
        assert_eq!(lines[0], first, "{behind:?}: {lines:?}");
        assert!(lines.iter().any(|line| line == also), "{behind:?}: {lines:?}");
    }
}

/// Each line: the entries behind two clean checks, whether there is a queue, and what comes next.
#[test]
fn jobs_that_were_sent_are_no_migration_until_none_is_left() {
    use Kind::{Confirm, Doctor, Enqueue, Freeze, Migrate};
    let check = |behind: &[Kind], has_queue: bool| {
        let begin = [Doctor, Confirm(2), Confirm(3)];
        next_with(&[&begin, behind].concat(), has_queue)
    };
    for (behind, has_queue, number, command) in [
        (&[][..], true, 4, "enqueue migrate"),
        (&[], false, 4, "migrate"),
        (&[Enqueue(100)], true, 4, "status --watch"),
        (&[Enqueue(0)], true, 5, "freeze --means TEXT"),
        (&[Enqueue(100), Freeze(7)], true, 6, "enqueue migrate"),
        (&[Enqueue(100), Freeze(7), Enqueue(3)], true, 6, "status --watch"),
        (
            &[Enqueue(100), Freeze(7), Enqueue(3), Enqueue(0)],
            true,
            7,
            "enqueue verify --run freeze-5",
        ),
        (&[Migrate(100), Freeze(7), Enqueue(3)], true, 6, "status --watch"),
    ] {
        let expected = (number, command.to_owned());
        assert_eq!(check(behind, has_queue), expected, "{behind:?} {has_queue}");
    }
}

#[test]
fn people_confirm_only_what_no_command_proves() {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let cut = kinds.iter().position(|kind| *kind == Kind::Ended("rhino")).expect("an end") + 1;
    let today = today();
    let confirmed = |kinds: &[Kind]| -> Vec<_> {
        let list = CheckList::of(&facts_of(kinds, &today), &today);
        Step::ALL.into_iter().map(|step| may_confirm(&list, step)).collect()
    };
    let by = |commands: &'static [&'static str]| Err(NotConfirmed::ByCommands(commands));
    let not_yet = |step| Err(NotConfirmed::NotYet(step));
    let begin = confirmed(&[]);
    assert_eq!(
        begin,
        [
            by(&["doctor"]),
            Ok(()),
            Ok(()),
            by(&["migrate"]),
            Ok(()),
            by(&["migrate"]),
            by(&["verify", "audit"]),
            Ok(()),
            by(&["cutover contentrepo", "cutover rhino"]),
            not_yet(Step::CutOver),
            by(&["smoke"]),
            not_yet(Step::CutOver),
        ]
    );
    let behind = confirmed(&kinds[..cut]);
    assert_eq!((&behind[9], &behind[11]), (&Ok(()), &not_yet(Step::KeepMogile)));
    let tested = confirmed(&kinds[..kinds.len() - 1]);
    assert_eq!(tested[11], Ok(()));
}

/// The steps that are done already behind this number of entries of a whole journal.
#[test]
fn what_is_done_already_is_not_confirmed_again() {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let today = today();
    let already = |entries: usize| -> Vec<_> {
        let list = CheckList::of(&facts_of(&kinds[..entries], &today), &today);
        Step::ALL.into_iter().filter(|it| done_already(&list, *it).is_some()).collect()
    };
    assert_eq!(already(0), []);
    assert_eq!(already(2), [Step::Build, Step::Sync]);
    // The freeze and the check of the clients' files say less than people can.
    let commands = [Step::Build, Step::Sync, Step::BadData, Step::MigrateAgain, Step::Verify];
    let found = already(14);
    assert!(commands.iter().all(|step| found.contains(step)), "{found:?}");
    assert!(!found.contains(&Step::StopIngest) && !found.contains(&Step::ConfigureClients));
    assert_eq!(already(kinds.len())[7..], Step::ALL[9..]);
}

/// Raw copies: by which entries the step is done, and by which it was passed over.
#[test]
fn raw_copies_that_were_brought_are_not_shown_as_skipped() {
    use Kind::{Confirm, Differs, Doctor, Sync};
    let failed = || Differs(Box::new(Sync));
    for (behind, expected) in [
        (vec![Sync], State::Done),
        (vec![Sync, Confirm(2)], State::Done),
        (vec![Confirm(2)], State::Skipped),
        (vec![failed()], State::Failed),
        (vec![failed(), Confirm(2)], State::Skipped),
        (vec![Confirm(2), Sync], State::Done),
    ] {
        let kinds = [&[Doctor], &behind[..]].concat();
        assert_eq!(state_of(&kinds, Step::Sync), expected, "{behind:?}");
    }
}

/// An earlier step that is not settled behind the cut-over is named when no step is due.
#[test]
fn no_step_is_due_beside_an_open_one_without_its_name() {
    let kinds: Vec<_> = whole().into_iter().map(|(kind, ..)| kind).collect();
    let today = today();
    let next_of = |kinds: &[Kind]| {
        let facts = facts_of(kinds, &today);
        next(&facts, &today, &CheckList::of(&facts, &today))
    };
    assert_eq!(next_of(&kinds).open, []);
    let audit = Kind::Differs(Box::new(Kind::Audit(7, true)));
    let found = next_of(&[&kinds[..], &[audit]].concat());
    assert_eq!((found.step, &found.open[..]), (None, &[Step::Verify][..]));
    assert!(found.why[0].starts_with("step 7 is failed"), "{:?}", found.why);
}

/// Files left when each pass begins, a pass beginning every 100 seconds: whether that converges, and for how
/// long the last ones take.
#[test]
fn the_passes_show_whether_the_migration_comes_to_an_end() {
    use Kind::{Doctor, Enqueue, Migrate};
    for (passes, converges, seconds_left) in [
        (&[][..], None, None),
        (&[Migrate(1000)], Some((None, 1000)), None),
        (&[Migrate(1000), Migrate(100)], Some((Some(true), 100)), Some(11)),
        (&[Enqueue(1000), Enqueue(900)], Some((Some(true), 900)), Some(900)),
        (&[Migrate(100), Migrate(100)], Some((Some(false), 100)), None),
        (&[Migrate(100), Migrate(130)], Some((Some(false), 130)), None),
        (&[Migrate(1000), Migrate(0)], Some((Some(true), 0)), Some(0)),
        (&[Migrate(9), Migrate(1000), Migrate(500)], Some((Some(true), 500)), Some(100)),
    ] {
        let today = today();
        let kinds = [&[Doctor], passes].concat();
        let found = CheckList::of(&facts_of(&kinds, &today), &today).convergence;
        let figures = found.as_ref().map(|it| (it.converges, it.left));
        assert_eq!(figures, converges, "{passes:?}");
        let seconds = found.as_ref().and_then(|it| it.seconds_left);
        assert_eq!(seconds, seconds_left, "{passes:?}");
        assert!(found.is_none_or(|it| it.window_seconds.is_some()), "the passes count the rows");
    }
}
