//! Which gates an operator may override.

use super::evidence::{clean, counts, ended, frozen, place, seen};
use super::*;
use crate::Fid;
use crate::cutover::{CurrentFreeze, DeletedSince, FreezeEnded, JournalledEvidence, Movement};
use crate::journal::{ContentRead, Evidence, EvidenceOutcome};
use crate::store_state::{Freeze, StateChange, StoreState};

fn freeze() -> CurrentFreeze {
    let state = StoreState { content: frozen().content, ..StoreState::default() };
    CurrentFreeze {
        sequence: 1,
        at: Timestamp(1),
        by: "ann".to_owned(),
        freeze: Freeze { means: String::new(), window_seconds: 600, state },
        ended: None,
        deleted: DeletedSince::default(),
    }
}

fn compared(changes: Vec<StateChange>, movements: Vec<Movement>) -> FreezeCheck {
    FreezeCheck::Compared { freeze: freeze(), now: StoreState::default(), changes, movements }
}

/// `audit`, `verify` and `verified` of this evidence.
fn gates(audits: &[Evidence], verifies: &[Evidence]) -> Vec<Gate> {
    let audit = seen(audits);
    let by_workers = VerifiedSeen::of(&audit);
    vec![
        Gate::Audit(Box::new(audit)),
        Gate::Verify(Box::new(seen(verifies))),
        Gate::Verified(by_workers),
    ]
}

/// The closed gates of evidence that may be overridden.
#[test]
fn a_missing_file_is_never_overridden_and_one_of_both_looks_must_hold() {
    use EvidenceOutcome::{Differs, Incomplete};
    let stale = |step: &str| Evidence { content: None, ..clean(step) };
    let without_run = || Evidence { run: None, ..clean("audit") };
    let missing = |outcome| counts(ended(outcome), "missing", 1);
    let all: &[&str] = &["audit", "verified"];
    for (what, audits, verifies, may_be) in [
        ("all hold", vec![clean("audit")], vec![clean("verify")], &[][..]),
        ("no audit", vec![], vec![clean("verify")], all),
        ("a stale audit", vec![stale("audit")], vec![clean("verify")], all),
        ("an audit that was broken off", vec![ended(Incomplete)], vec![clean("verify")], all),
        ("an audit without a run", vec![without_run()], vec![clean("verify")], &["verified"]),
        ("no verification here", vec![clean("audit")], vec![], &["verify"]),
        ("a stale one", vec![clean("audit")], vec![stale("verify")], &["verify"]),
        ("neither", vec![], vec![], &[]),
        ("both stale", vec![stale("audit")], vec![stale("verify")], &[]),
        ("the audit has findings", vec![ended(Differs)], vec![clean("verify")], &[]),
        ("verify has findings", vec![clean("audit")], vec![missing(Differs)], &[]),
        ("broken off, one is missing", vec![clean("audit")], vec![missing(Incomplete)], &[]),
        (
            "findings, and then broken off",
            vec![clean("audit")],
            vec![missing(Differs), ended(Incomplete)],
            &[],
        ),
        ("findings, and no audit", vec![], vec![missing(Differs)], &[]),
        ("the audit has findings, no verify", vec![missing(Differs)], vec![], &[]),
    ] {
        let gates = gates(&audits, &verifies);
        let closed = gates.iter().filter(|gate| !gate.is_open());
        let free = closed.filter(|gate| gate.may_be_overridden(&gates).is_ok());
        assert_eq!(free.map(Gate::name).collect::<Vec<_>>(), may_be, "{what}");
    }
}

/// `verify --sample 0` has compared lengths alone: it opens no gate, and no other one is overridden beside it.
#[test]
fn a_listing_alone_opens_nothing_and_carries_no_override() {
    for (read, holds) in [
        (Some(ContentRead::Sample), true),
        (Some(ContentRead::Everything), true),
        (Some(ContentRead::Nothing), false),
        (Some(ContentRead::Other), false),
        (None, false),
    ] {
        let evidence = Evidence { from: Some(0), read, ..clean("verify") };
        let (sequence, at, by) = (1, Timestamp(1), "ann".to_owned());
        let verifies = vec![JournalledEvidence { sequence, at, by, evidence }];
        let journal = GateEvidence { verifies, ..GateEvidence::default() };
        let verify = journal.verify(&place(), Some(&frozen()));
        assert_eq!(verify.holds(), holds, "{read:?}");
        let (verify, audit) = (Gate::Verify(Box::new(verify)), Gate::Audit(Box::default()));
        let gates = [audit, Gate::Verified(VerifiedSeen::default()), verify];
        for gate in &gates[..2] {
            assert_eq!(gate.may_be_overridden(&gates).is_ok(), holds, "{read:?} {}", gate.name());
        }
    }
}

/// Whether a freeze that does not hold may be overridden.
#[test]
fn a_freeze_is_overridden_only_where_the_content_is_as_it_was() {
    let row = || vec![Movement::ContentrepoRow("7".to_owned())];
    let restarted = || vec![Movement::NodeRestarted("http://a".to_owned())];
    let ended = FreezeEnded { sequence: 2, writer: 1, fid: Fid(7) };
    let other = StoreState::default();
    for (check, is_full, may_be) in [
        (FreezeCheck::None, true, false),
        (FreezeCheck::Overtaken, true, false),
        (FreezeCheck::Ended(CurrentFreeze { ended: Some(ended), ..freeze() }), true, false),
        (FreezeCheck::OtherSettings { freeze: freeze(), now: other }, true, false),
        (compared(vec![StateChange::Content], vec![]), true, false),
        (compared(vec![StateChange::Settings], vec![]), true, false),
        (compared(vec![StateChange::FileStored], vec![]), true, false),
        // An upload under way may get its key later.
        (compared(vec![StateChange::Uploads], vec![]), true, false),
        (compared(vec![], vec![Movement::Uploads { rows: 1, newest: None }]), true, false),
        (compared(vec![], vec![Movement::TrackersAhead(Fid(9))]), true, false),
        (compared(vec![], vec![Movement::HighestFid { before: None, now: None }]), true, false),
        (compared(vec![StateChange::Contentrepo, StateChange::Content], vec![]), true, false),
        (compared(vec![StateChange::Contentrepo], row()), true, true),
        (compared(vec![StateChange::Rhino], vec![Movement::RhinoRow("7".into())]), true, true),
        (compared(vec![StateChange::NodeWrites], restarted()), true, true),
        // A look at the last rows alone does not know the content.
        (compared(vec![StateChange::Contentrepo], row()), false, false),
    ] {
        let shown = format!("{check:?} {is_full}");
        let gate = Gate::Freeze(Box::new(FreezeSeen { check, is_full }));
        assert!(!gate.is_open(), "{shown}");
        assert_eq!(gate.may_be_overridden(&[]).is_ok(), may_be, "{shown}");
    }
}

#[test]
fn gates_with_flags_of_their_own_are_never_overridden() {
    let left = LeftBehindSeen::default();
    for (gate, may_be) in [
        (Gate::Order(OrderSeen::ContentrepoFirst), false),
        (Gate::Unmapped(Vec::new()), false),
        (Gate::LeftBehind(left), false),
        (Gate::Ingested(IngestedSeen::default()), false),
        (Gate::Queue(QueueSeen::NotNamed), true),
    ] {
        assert_eq!(gate.may_be_overridden(&[]).is_ok(), may_be, "{}", gate.name());
        assert!(gate.name() == "ingested" || Gate::NAMES.contains(&gate.name()));
    }
}
