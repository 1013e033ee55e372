//! What a dry run of contentrepo's way back finds in the rows: the same as its execution.

use domain::cutover::{RepoEnd, RepoRefusal, RepoRevertSeen};

use super::stage::Stage;
use super::{done, never_blows};

#[tokio::test]
async fn a_dry_run_compares_the_rows_as_the_execution_does() {
    // Of the buckets 1 to 3, which have other names since the cut-over.
    for change in [
        "UPDATE buckets SET bucketName = 'other' WHERE bucketId = 1",
        "DELETE FROM buckets WHERE bucketId = 2",
    ] {
        let stage = Stage::new().await;
        done(stage.forth(&never_blows()).await);
        assert_eq!(stage.look_back().await, RepoRevertSeen::AllNew(3));
        stage.execute(change);
        let (rows, seen) = (stage.rows(), stage.look_back().await);
        assert!(seen.is_hindered(), "{change}: {seen:?}");
        assert_eq!(stage.rows(), rows, "a look changes nothing");
        let end = stage.back(&never_blows(), false).await.expect("not killed").expect("an end");
        let RepoEnd::Unfit(unfit) = end else { panic!("{change}: {end:?}") };
        assert_eq!(seen, RepoRevertSeen::Unfit(unfit), "{change}");
    }
}

#[tokio::test]
async fn names_that_are_back_already_are_said_to_be() {
    let stage = Stage::new().await;
    let names: Vec<_> =
        stage.rows().into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    done(stage.forth(&never_blows()).await);
    for (id, name) in names {
        let name = name.replace('\'', "''");
        stage.execute(&format!("UPDATE buckets SET bucketName = '{name}' WHERE bucketId = {id}"));
    }
    assert_eq!(stage.look_back().await, RepoRevertSeen::AllOld(3));
    assert!(!done(stage.back(&never_blows(), false).await), "its execution says so in the journal");
    let nothing = RepoRevertSeen::Refused(RepoRefusal::NothingToTakeBack);
    assert_eq!(stage.look_back().await, nothing);
}
