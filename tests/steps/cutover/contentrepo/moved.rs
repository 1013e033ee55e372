//! contentrepo's database under another host name than when it was cut over.

use domain::cutover::{Phase, RepoRefusal};

use super::stage::{SERVER, Stage};
use super::{done, never_blows, refusals};

const NOW: &str = "new-db:3306/contentrepo";

/// By the journal and by the backup alone.
#[tokio::test]
async fn a_database_that_moved_is_taken_back_by_the_operators_word() {
    for by_backup in [false, true] {
        let mut stage = Stage::new().await;
        let before = stage.rows();
        done(stage.forth(&never_blows()).await);
        let after = stage.rows();
        if by_backup {
            stage.lose_journal();
        }
        stage.server = NOW.to_owned();
        let other = RepoRefusal::OtherDatabase { known: SERVER.to_owned(), now: NOW.to_owned() };
        // Without a word, and with the word of another database.
        for word in [None, Some("db:3306/other".to_owned())] {
            stage.database_was = word;
            let fuse = never_blows();
            assert_eq!(refusals(stage.back(&fuse, by_backup).await), std::slice::from_ref(&other));
            assert_eq!(fuse.calls(), [""; 0], "nothing is written, and nothing asked");
        }
        assert!(other.to_string().contains("--revert --database-was db:3306/contentrepo`"));
        stage.database_was = Some(SERVER.to_owned());
        done(stage.back(&never_blows(), by_backup).await);
        assert_eq!(stage.rows(), before);
        assert_ne!(before, after);
    }
}

/// Killed at each place: the entry has the word, and a later run needs it no more.
#[tokio::test]
async fn the_journal_keeps_the_operators_word() {
    let mut runs = 0;
    for kill in 0.. {
        let mut stage = Stage::new().await;
        let before = stage.rows();
        done(stage.forth(&never_blows()).await);
        (stage.server, stage.database_was) = (NOW.to_owned(), Some(SERVER.to_owned()));
        let killed = stage.back(&super::Fuse::new(Some(kill)), true).await.is_none();
        let standing = stage.cutovers().await.contentrepo;
        if standing.phase() == Phase::UnderWayBack {
            let begun = standing.back.expect("it is under way").begun;
            assert_eq!((begun.server.as_str(), begun.database_was.as_deref()), (NOW, Some(SERVER)));
            stage.database_was = None;
            done(stage.back(&never_blows(), true).await);
            assert_eq!(stage.rows(), before, "killed at {kill}");
            runs += 1;
        }
        if !killed {
            break;
        }
    }
    assert!(runs > 5, "{runs}");
}

#[tokio::test]
async fn a_database_of_other_rows_is_not_the_one_that_moved() {
    for (sql, found) in [
        ("UPDATE buckets SET bucketName = 'other' WHERE bucketId = 2", "bucketId 2 bears neither"),
        ("DELETE FROM buckets WHERE bucketId = 3", "bucketId 3 bears neither"),
    ] {
        let mut stage = Stage::new().await;
        done(stage.forth(&never_blows()).await);
        stage.execute(sql);
        let left = stage.rows();
        (stage.server, stage.database_was) = (NOW.to_owned(), Some(SERVER.to_owned()));
        let fuse = never_blows();
        let refused = refusals(stage.back(&fuse, false).await);
        assert!(matches!(&refused[..], [RepoRefusal::NotTheSame { .. }]), "{refused:?}");
        assert!(refused[0].to_string().contains(found), "{refused:?}");
        assert_eq!(fuse.calls(), ["read"], "{sql}");
        assert_eq!(stage.rows(), left);
    }
}

/// A cut-over that is half way does not go on by a word: it is taken back by it.
#[tokio::test]
async fn a_cut_over_does_not_go_on_in_a_database_of_another_name() {
    let mut stage = Stage::new().await;
    assert!(stage.forth(&super::Fuse::new(Some(super::BEHIND_FIRST_ENTRY))).await.is_none());
    let before = stage.rows();
    (stage.server, stage.database_was) = (NOW.to_owned(), Some(SERVER.to_owned()));
    let refused = refusals(stage.forth(&never_blows()).await);
    assert!(matches!(&refused[..], [RepoRefusal::OtherDatabase { .. }]), "{refused:?}");
    done(stage.back(&never_blows(), false).await);
    assert_eq!(stage.rows(), before);
}

#[tokio::test]
async fn a_backup_of_another_cut_over_is_refused() {
    let mut stage = Stage::new().await;
    done(stage.forth(&never_blows()).await);
    done(stage.back(&never_blows(), false).await);
    let first = stage.backup().with_extension("first");
    std::fs::rename(stage.backup(), &first).expect("renamed");
    stage.execute("DELETE FROM buckets WHERE bucketId = 3");
    // The way back has ended the freeze.
    stage.frozen = stage.freeze().await;
    done(stage.forth(&never_blows()).await);
    std::fs::rename(&first, stage.backup()).expect("renamed");
    let left = stage.rows();
    let refused = refusals(stage.back(&never_blows(), true).await);
    assert!(matches!(&refused[..], [RepoRefusal::OtherBackup(_)]), "{refused:?}");
    assert_eq!(stage.rows(), left);
}
