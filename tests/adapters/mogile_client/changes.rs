//! Deleting and renaming, which must not be repeated blindly, when the answer is lost.

use adapters::mogile::{TrackerError, Trackers};
use stand_ins::fault::{Fault, Rule, Service};

use super::client::{DOMAIN, nobody, trackers};
use super::scripted::{Reply, Scripted, err, ok};
use super::stage::Stage;

/// How often the stand-in was asked for something.
fn count(stage: &Stage, command: &str) -> u64 {
    stage.faults.counts().get(&(Service::Tracker, command.to_owned())).copied().unwrap_or(0)
}

/// A stand-in with a file of key `k` whose `command` is struck once.
async fn struck(command: &str, fault: Fault) -> (Stage, Trackers) {
    let stage = Stage::start().await;
    stage.plant("k", b"content");
    stage.faults.add(Rule::once(Service::Tracker, command, "", fault));
    let trackers = trackers(&[stage.tracker]);
    (stage, trackers)
}

fn failure() -> Fault {
    Fault::Refuse { status: 503, code: "failure".to_owned() }
}

#[tokio::test]
async fn a_delete_whose_answer_is_lost_is_settled_by_a_look() {
    for fault in [Fault::AnswerLost, Fault::Hang, Fault::TruncateBody(2), Fault::CorruptBody] {
        let (stage, trackers) = struck("delete", fault.clone()).await;
        let deleted = trackers.delete(DOMAIN, "k").await;
        assert!(deleted.is_ok(), "{fault:?}: {deleted:?}");
        assert!(!stage.has("k"));
        assert_eq!((count(&stage, "delete"), count(&stage, "get_paths")), (1, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn a_delete_that_was_lost_is_told_and_not_repeated() {
    for fault in [Fault::RequestLost, failure()] {
        let (stage, trackers) = struck("delete", fault.clone()).await;
        let deleted = trackers.delete(DOMAIN, "k").await;
        let uncertain = matches!(deleted, Err(TrackerError::Uncertain { .. }));
        assert!(uncertain, "{fault:?}: {deleted:?}");
        assert!(stage.has("k"));
        assert_eq!(count(&stage, "delete"), 1, "{fault:?}");
        // Whoever decides to do it again may.
        assert!(trackers.delete(DOMAIN, "k").await.is_ok() && !stage.has("k"));
    }
}

#[tokio::test]
async fn a_delete_that_nobody_can_look_after_is_uncertain() {
    let (stage, trackers) = struck("delete", Fault::AnswerLost).await;
    stage.faults.add(Rule::once(Service::Tracker, "get_paths", "", failure()));
    let deleted = trackers.delete(DOMAIN, "k").await;
    assert!(matches!(deleted, Err(TrackerError::Uncertain { .. })), "{deleted:?}");
    assert!(matches!(trackers.delete(DOMAIN, "k").await, Err(TrackerError::Gone { .. })));
}

#[tokio::test]
async fn a_rename_without_a_clear_answer_is_uncertain_and_not_repeated() {
    let lost = [Fault::AnswerLost, Fault::Hang, Fault::CorruptBody];
    let not_done = [Fault::RequestLost, failure()];
    let cases = lost.into_iter().map(|f| (f, true)).chain(not_done.into_iter().map(|f| (f, false)));
    for (fault, done) in cases {
        let (stage, trackers) = struck("rename", fault.clone()).await;
        let renamed = trackers.rename(DOMAIN, "k", "to").await;
        let uncertain = matches!(renamed, Err(TrackerError::Uncertain { .. }));
        assert!(uncertain, "{fault:?}: {renamed:?}");
        assert_eq!((stage.has("k"), stage.has("to")), (!done, done), "{fault:?}");
        assert_eq!(count(&stage, "rename"), 1, "{fault:?}");
    }
}

fn well(_: usize, request: &str) -> Reply {
    ok(request, "")
}

#[tokio::test]
async fn only_a_tracker_that_was_told_nothing_is_followed_by_another() {
    let good = Scripted::tracker(well).await;
    let after_dead = trackers(&[nobody().await, good.address]);
    assert!(after_dead.rename(DOMAIN, "a", "b").await.is_ok());
    let bad = Scripted::tracker(|_, request| err(request, "failure Operation+failed")).await;
    let after_bad = trackers(&[bad.address, good.address]);
    let renamed = after_bad.rename(DOMAIN, "a", "b").await;
    assert!(matches!(renamed, Err(TrackerError::Uncertain { .. })), "{renamed:?}");
    assert_eq!((bad.requests(), good.requests()), (1, 1));
}

#[tokio::test]
async fn a_change_goes_over_a_new_connection() {
    // A kept one that closes would leave open whether it was carried out.
    let tracker = Scripted::tracker(well).await;
    let trackers = trackers(&[tracker.address]);
    assert!(trackers.noop().await.remove(0).1.is_ok());
    assert_eq!(tracker.seen().connections, 1);
    assert!(trackers.rename(DOMAIN, "a", "b").await.is_ok());
    assert!(trackers.noop().await.remove(0).1.is_ok());
    assert_eq!(tracker.seen().connections, 2, "which is kept in place of the one before");
}
