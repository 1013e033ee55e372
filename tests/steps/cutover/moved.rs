//! rhino's database under another host name than when it was cut over.

use domain::cutover::rhino::{RhinoEnd, RhinoRefusal, RhinoTrouble};
use sqlx::Executor;
use tests::rhino_cutover::{SERVER, Stage, Watch};

const NOW: &str = "new-db:3306/rhino";

async fn cut_over() -> Stage {
    let stage = Stage::usual().await;
    let end = stage.unharmed().cut_over().await.expect("not ended");
    assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
    stage
}

/// Takes it back under the new name, with this word.
async fn back(
    stage: &Stage,
    word: Option<&str>,
    by_backup: bool,
) -> Result<RhinoEnd, RhinoTrouble> {
    let mut step = stage.unharmed();
    step.server = (NOW.to_owned(), word.map(str::to_owned));
    step.revert(by_backup).await.expect("not ended")
}

fn refusals(end: Result<RhinoEnd, RhinoTrouble>) -> Vec<RhinoRefusal> {
    match end {
        Err(RhinoTrouble::Refused(refusals)) => refusals,
        other => panic!("{other:?}"),
    }
}

/// By the journal, by the backup, and by the backup where the journal was lost.
#[tokio::test]
async fn a_database_that_moved_is_taken_back_by_the_operators_word() {
    for (by_backup, is_lost) in [(false, false), (true, false), (true, true)] {
        let mut stage = cut_over().await;
        let after = stage.dump().await;
        if is_lost {
            stage.lose_journal();
        }
        for word in [None, Some("db:3306/other")] {
            let refused = refusals(back(&stage, word, by_backup).await);
            assert!(
                matches!(
                    &refused[..],
                    [RhinoRefusal::OtherServer { .. } | RhinoRefusal::BackupOfOtherServer { .. }]
                ),
                "{refused:?}"
            );
            assert!(refused[0].to_string().contains("--revert --database-was db:3306/rhino`"));
        }
        assert_eq!(stage.dump().await, after);
        let end = back(&stage, Some(SERVER), by_backup).await;
        assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
        let untouched = Stage::usual().await.dump().await;
        assert_eq!(stage.dump().await, untouched);
    }
}

/// It was begun under the old name, and goes on under the new one behind an entry that has the word. A third run
/// needs the word no more.
#[tokio::test]
async fn a_way_back_that_is_half_way_goes_on_in_a_database_that_moved() {
    let untouched = Stage::usual().await.dump().await;
    let stage = cut_over().await;
    assert!(stage.step(Watch::killing(6, true)).revert(false).await.is_none());
    let mut step = stage.step(Watch::killing(6, true));
    step.server = (NOW.to_owned(), Some(SERVER.to_owned()));
    assert!(step.revert(true).await.is_none());
    let begun = stage.cutovers().await.rhino.back.expect("it is under way").begun;
    assert_eq!((begun.server.as_str(), begun.database_was.as_deref()), (NOW, Some(SERVER)));
    assert_eq!(begun.server_ids.server_id.as_deref(), Some("1"), "as the server says");
    let end = back(&stage, None, true).await;
    assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
    assert_eq!(stage.dump().await, untouched);
}

/// More rows of a bucket than there were, or none of any, cannot be the same table. Rows that were deleted since
/// are named at the end.
#[tokio::test]
async fn a_database_of_other_rows_is_not_the_one_that_moved() {
    for (sql, is_same) in [
        ("UPDATE articleFile SET bucketName = 'corpus-prod' WHERE bucketName = 'trash'", false),
        ("UPDATE articleFile SET bucketName = 'blog' WHERE fileId > 0", false),
        ("DELETE FROM articleFile WHERE fileId = 1", true),
    ] {
        let stage = cut_over().await;
        stage.session().await.execute(sql).await.expect("executed");
        let left = stage.dump().await;
        let end = back(&stage, Some(SERVER), true).await;
        if is_same {
            let Ok(RhinoEnd::Done { verified, .. }) = end else { panic!("{end:?}") };
            assert_eq!(verified.other_rows, 1, "{sql}");
            continue;
        }
        let refused = refusals(end);
        assert!(matches!(&refused[..], [RhinoRefusal::NotTheSame { .. }]), "{refused:?}");
        assert_eq!(stage.dump().await, left, "{sql}");
    }
}
