//! The order of the calls that change something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::cutover::rhino::{RhinoEnd, RhinoTrouble};
use domain::journal::{ClientDatabase, NamesBefore};
use domain::ports::{BackupError, BackupHeader, BackupRow};
use mockall::{Sequence, mock};
use tests::rhino_cutover::{Stage, Watch, rows};

mock! {
    Calls {
        fn call(&self, what: &str);
    }
}

/// Expects these calls in this order, and no other.
fn expecting(calls: &'static [&'static str]) -> Arc<Watch> {
    let (mut mock, mut sequence) = (MockCalls::new(), Sequence::new());
    for call in calls {
        let expected = mock.expect_call().times(1).in_sequence(&mut sequence);
        expected.withf(move |what| what == *call).return_const(());
    }
    let mock = Mutex::new(mock);
    let before = move |what: &str| mock.lock().expect("no panic").call(what);
    Watch::seeing(before)
}

#[tokio::test]
async fn backup_comes_before_journal_before_statement_and_drop_before_rename_before_add() {
    let stage = Stage::usual().await;
    let watch = expecting(&[
        "lock",
        "backup",
        "journal: begun ToS3",
        "journal: drop index",
        "drop index",
        "journal: rename 1..=8",
        "rename 1..=8",
        "journal: rename 9..=109",
        "rename 9..=109",
        "journal: rename 112..=9223372036854775806",
        "rename 112..=9223372036854775806",
        "journal: add index",
        "add index",
        "journal: cutover rhino is done",
    ]);
    let end = stage.step(watch).cut_over().await.expect("not ended");
    assert!(matches!(end, Ok(RhinoEnd::Done { backup: Some(_), .. })), "{end:?}");
    let back = expecting(&[
        "lock",
        "journal: begun ToMogile",
        "journal: drop index",
        "drop index",
        "journal: rename 1..=8",
        "rename 1..=8",
        "journal: rename 9..=109",
        "rename 9..=109",
        "journal: rename 112..=9223372036854775806",
        "rename 112..=9223372036854775806",
        "journal: add index",
        "add index",
        "journal: revert rhino is done",
    ]);
    let end = stage.step(back).revert(false).await.expect("not ended");
    assert!(matches!(&end, Ok(RhinoEnd::Done { verified, .. }) if verified.is_exact()), "{end:?}");
}

#[tokio::test]
async fn ids_that_are_kept_are_in_the_journal_before_the_beginning() {
    let stage = Stage::new(&rows(true)).await;
    let watch = Arc::new(Watch::default());
    let mut step = stage.step(watch.clone());
    step.keep_existing = true;
    let end = step.cut_over().await.expect("not ended");
    assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{end:?}");
    let log = watch.log();
    assert_eq!(log[..4], ["lock", "backup", "journal: part 1 of 1", "journal: begun ToS3"]);
}

/// Nothing is sent, written or locked.
#[tokio::test]
async fn nothing_comes_behind_a_refusal() {
    let stage = Stage::new(&rows(true)).await;
    let before = stage.dump().await;
    for by_backup in [None, Some(false)] {
        let step = stage.step(expecting(&[]));
        let refused = match by_backup {
            None => step.cut_over().await,
            Some(by_backup) => step.revert(by_backup).await,
        };
        let refused = refused.expect("not ended").expect_err("refused");
        assert!(matches!(refused, RhinoTrouble::Refused(_)), "{refused}");
    }
    assert_eq!((stage.dump().await, stage.entries().await), (before, Vec::new()));
    assert_eq!(stage.backups.rows(), None);
    // A backup that does not come to its end: no statement either.
    let watch = Watch::seeing(|what: &str| assert!(what == "lock", "{what}"));
    *stage.backups.0.lock().expect("no panic") = Some(other_backup());
    let mut step = stage.step(watch);
    step.keep_existing = true;
    let refused = step.cut_over().await.expect("not ended").expect_err("no backup");
    assert!(matches!(refused, RhinoTrouble::Backup(BackupError::Exists(_))), "{refused}");
}

/// A backup of something else under the same name.
fn other_backup() -> (BackupHeader, Vec<BackupRow>) {
    let header = BackupHeader {
        migration: "ledger".to_owned(),
        database: ClientDatabase::Rhino,
        server: "elsewhere".to_owned(),
        names: NamesBefore {
            renames: Vec::new(),
            rows: BTreeMap::new(),
            nameless: 0,
            last: None,
            index: None,
            create_table: None,
            kept: None,
        },
    };
    (header, Vec::new())
}
