//! What changes between the plan of rhino's cut-over and its first entry.

use domain::cleanup::never;
use domain::cutover::Phase;
use domain::cutover::rhino::{
    Conduct, CutoverGrounds, RhinoEnd, RhinoTrouble, cut_over_rhino, plan_rhino,
};
use domain::journal::{ClientDatabase, Content, Direction};
use domain::ports::BackupError;
use sqlx::Executor;
use tests::rhino_cutover::{Stage, Watch, WatchedBackups, buckets};

/// Plans a cut-over, lets this happen, and carries the plan out.
async fn with(
    stage: &Stage,
    happens: impl AsyncFnOnce(&Stage),
) -> (Result<RhinoEnd, RhinoTrouble>, Vec<String>) {
    let step = stage.unharmed();
    let conduct = Conduct { pace: step.pace.clone(), progress: &|_| {}, stop: never(), salt: 7 };
    let (ports, cutovers) = (step.ports(), stage.cutovers().await);
    let plan = plan_rhino(&ports, &buckets(), &cutovers, false, &conduct).await.expect("a plan");
    happens(stage).await;
    let mut writer = stage.writer("ann", ports.journal.clone()).await;
    let grounds = CutoverGrounds { freeze: Some(1), left_behind: Vec::new() };
    let backups = WatchedBackups { kept: stage.backups.clone(), watch: step.watch.clone() };
    let end = cut_over_rhino(&ports, &plan, grounds, &backups, &mut writer, &conduct);
    (Box::pin(end).await, step.watch.log())
}

fn is_refused((end, calls): &(Result<RhinoEnd, RhinoTrouble>, Vec<String>), words: &str) {
    let Err(RhinoTrouble::ChangedMeanwhile(why)) = end else { panic!("{end:?}") };
    assert!(why.contains(words), "{why}");
    assert!(!calls.iter().any(|call| call.starts_with("journal")), "{calls:?}");
}

#[tokio::test]
async fn a_plan_that_another_operator_has_overtaken_is_not_carried_out() {
    let stage = Stage::usual().await;
    let before = stage.dump().await;
    let overtakes = async |stage: &Stage| {
        let step = ClientDatabase::Contentrepo.step(Direction::ToMogile).to_owned();
        let mut other = stage.writer("bob", stage.journal()).await;
        other.append(Content::StepDone { step }).await.expect("written");
    };
    is_refused(&with(&stage, overtakes).await, "another operator has changed bucket names");
    assert_eq!(stage.dump().await, before);
    assert_eq!(stage.backups.rows(), None, "no backup of a change that is none");
}

#[tokio::test]
async fn a_plan_of_other_rows_is_not_carried_out() {
    for sql in [
        // An old and a new name, an ignored row, the last row, and the index.
        "UPDATE articleFile SET bucketName = 'corpus-prod' WHERE fileId = 1",
        "UPDATE articleFile SET bucketName = 'trash' WHERE fileId = 1",
        "DELETE FROM articleFile WHERE fileId = 9223372036854775806",
        "ALTER TABLE articleFile DROP INDEX `bucketName_index`",
    ] {
        let stage = Stage::usual().await;
        let changes = async |stage: &Stage| {
            stage.session().await.execute(sql).await.expect("executed");
        };
        is_refused(&with(&stage, changes).await, "");
        assert_eq!(stage.backups.rows(), None, "{sql}");
    }
}

/// As many rows of each name as before, and not the same ones: the backup of the run that was ended is not theirs.
#[tokio::test]
async fn a_backup_of_a_run_that_was_ended_is_taken_for_the_same_rows_alone() {
    let mut tried = 0;
    for at in 0.. {
        let stage = Stage::usual().await;
        if stage.step(Watch::killing(at, true)).cut_over().await.is_some() {
            break;
        }
        let is_begun = stage.cutovers().await.rhino.phase() != Phase::Before;
        if is_begun || stage.backups.rows().is_none() {
            continue;
        }
        tried += 1;
        let names = async |one: &str, other: &str| {
            let mut session = stage.session().await;
            for (name, id) in [(one, 1), (other, 3)] {
                let update = "UPDATE articleFile SET bucketName = ? WHERE fileId = ?";
                sqlx::query(update).bind(name).bind(id).execute(&mut session).await.expect("done");
            }
        };
        names("trash", "repo").await;
        let end = stage.unharmed().cut_over().await.expect("not ended");
        assert!(matches!(end, Err(RhinoTrouble::Backup(BackupError::Exists(_)))), "{end:?}");
        names("repo", "trash").await;
        let end = stage.unharmed().cut_over().await.expect("not ended");
        assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
    }
    assert!(tried > 0, "no run was ended behind its backup");
}
