//! What becomes of a change whose process ends at any of its calls, before or behind the call's effect.

use std::sync::Arc;

use domain::cutover::Phase;
use domain::cutover::rhino::{RhinoEnd, RhinoTrouble};

use tests::rhino_cutover::{Stage, Watch, rows};

fn is_done(end: Result<RhinoEnd, RhinoTrouble>) -> RhinoEnd {
    end.unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// A stage whose cut-over was ended at this call; nothing where there is no such call.
async fn ended(with_new_names: bool, at: u64, has_effect: bool) -> Option<Stage> {
    let stage = Stage::new(&rows(with_new_names)).await;
    let mut step = stage.step(Watch::killing(at, has_effect));
    step.keep_existing = with_new_names;
    step.cut_over().await.is_none().then_some(stage)
}

async fn cut_over(stage: &Stage, keep_existing: bool) {
    let mut step = stage.unharmed();
    step.keep_existing = keep_existing;
    is_done(step.cut_over().await.expect("not ended"));
}

/// The dumps of before and behind a cut-over that nothing ended.
async fn dumps(with_new_names: bool) -> [String; 2] {
    let stage = Stage::new(&rows(with_new_names)).await;
    let before = stage.dump().await;
    cut_over(&stage, with_new_names).await;
    [before, stage.dump().await]
}

#[tokio::test]
async fn a_cut_over_that_is_ended_anywhere_comes_to_the_same_end_or_goes_back() {
    let [before, behind] = dumps(false).await;
    assert_ne!(before, behind);
    let mut calls = 0;
    for at in 0.. {
        let Some(stage) = ended(false, at, false).await else { break };
        calls += 1;
        cut_over(&stage, false).await;
        assert_eq!(stage.dump().await, behind, "before call {at}");
        let Some(stage) = ended(false, at, true).await else { break };
        cut_over(&stage, false).await;
        assert_eq!(stage.dump().await, behind, "behind call {at}");
        assert_eq!(stage.cutovers().await.rhino.phase(), Phase::CutOver);
        // And back: from the journal, where it has the beginning; a second time changes nothing.
        let Some(stage) = ended(false, at, true).await else { break };
        if stage.cutovers().await.rhino.phase() == Phase::Before {
            assert_eq!(stage.dump().await, before, "call {at}");
            continue;
        }
        for _ in 0..2 {
            is_done(stage.unharmed().revert(false).await.expect("not ended"));
            assert_eq!(stage.dump().await, before, "back behind call {at}");
        }
        assert_eq!(stage.cutovers().await.rhino.phase(), Phase::Before);
    }
    assert_eq!(calls, 14, "every call was tried");
}

/// The journal is gone altogether.
#[tokio::test]
async fn a_cut_over_that_is_ended_anywhere_goes_back_by_the_backup_alone() {
    let [before, _] = dumps(true).await;
    let mut calls = 0;
    for at in 0.. {
        let Some(mut stage) = ended(true, at, true).await else { break };
        if stage.backups.rows().is_none() {
            continue;
        }
        calls += 1;
        stage.lose_journal();
        let end = is_done(stage.unharmed().revert(true).await.expect("not ended"));
        let RhinoEnd::Done { verified, .. } = end else { panic!("{end:?}") };
        assert_eq!((verified.rows, verified.is_exact()), (33, true), "{verified:?}");
        assert_eq!(stage.dump().await, before, "behind call {at}");
    }
    assert_eq!(calls, 14, "the backup is the second of 15 calls");
}

/// Before a call is behind the one before it: the test above tries both.
#[tokio::test]
async fn a_way_back_that_is_ended_anywhere_is_gone_on_with() {
    let [before, behind] = dumps(true).await;
    for by_backup in [false, true] {
        let (mut stage, mut calls) = (Stage::new(&rows(true)).await, 0);
        for at in 0.. {
            stage.begin_anew().await;
            cut_over(&stage, true).await;
            assert_eq!(stage.dump().await, behind);
            if stage.step(Watch::killing(at, true)).revert(by_backup).await.is_some() {
                break;
            }
            calls += 1;
            is_done(stage.unharmed().revert(by_backup).await.expect("not ended"));
            assert_eq!(stage.dump().await, before, "{by_backup} {at}");
            let phase = stage.cutovers().await.rhino.phase();
            assert_eq!(phase, Phase::Before);
        }
        // The ids that are kept are written anew where the journal may not have them.
        assert_eq!(calls, if by_backup { 14 } else { 13 });
    }
}

#[tokio::test]
async fn what_was_taken_back_can_be_cut_over_again() {
    let [before, behind] = dumps(false).await;
    let stage = ended(false, 7, true).await.expect("it has more calls");
    is_done(stage.unharmed().revert(false).await.expect("not ended"));
    assert_eq!(stage.dump().await, before);
    // The backup of the first try has every row as it is, and is that of the second.
    cut_over(&stage, false).await;
    assert_eq!(stage.dump().await, behind);
    let end = stage.unharmed().cut_over().await.expect("not ended");
    assert_eq!(is_done(end), RhinoEnd::AlreadyDone);
    is_done(stage.unharmed().revert(true).await.expect("not ended"));
    assert_eq!(stage.dump().await, before);
}

/// A table without the index gets none.
#[tokio::test]
async fn an_index_that_was_not_there_does_not_come() {
    use sqlx::Executor;
    let stage = Stage::usual().await;
    let mut session = stage.session().await;
    session.execute("ALTER TABLE articleFile DROP INDEX `bucketName_index`").await.expect("gone");
    drop(session);
    let before = stage.dump().await;
    let watch = Arc::new(Watch::default());
    is_done(stage.step(watch.clone()).cut_over().await.expect("not ended"));
    assert!(!watch.log().iter().any(|call| call.contains("index")), "{:?}", watch.log());
    is_done(stage.unharmed().revert(false).await.expect("not ended"));
    assert_eq!(stage.dump().await, before);
}
