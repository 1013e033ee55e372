//! What changes between the look at the gates and the first entry of contentrepo's cut-over.

use std::time::Duration;

use domain::cutover::RepoRefusal;
use stand_ins::fault::{Fault, Rule, Service};

use super::stage::Stage;
use super::{never_blows, refusals};

#[tokio::test]
async fn another_freeze_than_the_one_of_the_gates_is_refused() {
    let stage = Stage::new().await;
    let before = stage.rows();
    stage.freeze().await;
    let fuse = never_blows();
    assert_eq!(refusals(stage.forth(&fuse).await), [RepoRefusal::Overtaken]);
    assert_eq!(fuse.calls(), [""; 0], "nothing is asked and nothing written");
    assert_eq!(stage.rows(), before);
}

/// The first answer is late, and a row changes while it is under way: the backup has another name than the row.
#[tokio::test]
async fn a_row_that_changes_while_the_backup_is_written_is_not_renamed() {
    let stage = Stage::new().await;
    let late = Fault::Delay(Duration::from_millis(300));
    stage.faults.add(Rule::once(Service::Mysql, "SELECT buckets", "", late));
    let changes = async {
        while !stage.faults.unspent().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stage.execute("UPDATE buckets SET bucketName = 'other' WHERE bucketId = 5");
    };
    let fuse = never_blows();
    let (end, ()) = tokio::join!(stage.forth(&fuse), changes);
    let refused = refusals(end);
    assert!(matches!(&refused[..], [RepoRefusal::OtherBackup(_)]), "{refused:?}");
    assert!(refused[0].to_string().contains("changed while the backup was written"), "{refused:?}");
    assert!(!fuse.calls().iter().any(|call| call.starts_with("journal")), "{:?}", fuse.calls());
}
