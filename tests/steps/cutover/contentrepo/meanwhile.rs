//! What changes between the look at the gates and the first entry of contentrepo's cut-over.

use std::time::Duration;

use domain::cleanup::never;
use domain::cutover::{RepoRefusal, RepoTrouble};
use domain::journal::Content;
use domain::runbook::JournalTrouble;
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

/// The writer of the change is the one that saw the evidence: an audit that ends behind that look stops it.
#[tokio::test]
async fn an_entry_behind_the_last_look_at_the_evidence_is_a_take_over() {
    let stage = Stage::new().await;
    let (before, seen) = (stage.rows(), stage.cutovers().await);
    let audit = async {
        let ended = Content::StepDone { step: "audit".to_owned() };
        stage.writer().await.append(ended).await.expect("written");
    };
    let fuse = never_blows();
    let end = stage.forth_where(&fuse, never(), seen, audit).await.expect("not killed");
    let Err(RepoTrouble::Journal(JournalTrouble::TakenOver(_))) = end else { panic!("{end:?}") };
    assert!(!fuse.calls().contains(&"rename".to_owned()), "{:?}", fuse.calls());
    assert_eq!(stage.rows(), before);
}
