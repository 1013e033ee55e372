//! contentrepo's cut-over and its way back, over the world's MySQL wire, killed between any two calls.

mod dry_run;
mod fuse;
mod meanwhile;
mod moved;
mod stage;

use std::fs;
use std::sync::Arc;

use domain::cleanup::never;
use domain::cutover::{Phase, RepoEnd, RepoRefusal, RepoTrouble};
use domain::journal::{ClientDatabase, Content, CutoverStatement, Direction, Statement};
use domain::ports::{ChangeError, Hindrance};
use domain::runbook::JournalTrouble;
use futures_util::FutureExt;
use stand_ins::fault::{Fault, Rule, Service};

use self::fuse::Fuse;
use self::stage::{Stage, names};

/// The places of a cut-over behind its backup, and behind the entry that begins it.
const BEHIND_BACKUP: usize = 8;
const BEHIND_FIRST_ENTRY: usize = 12;

fn never_blows() -> Arc<Fuse> {
    Fuse::new(None)
}

fn done(end: Option<Result<RepoEnd, RepoTrouble>>) -> bool {
    let end = end.expect("not killed").expect("an end");
    let RepoEnd::Done(done) = end else { panic!("{end:?}") };
    done.was_done
}

fn refusals(end: Option<Result<RepoEnd, RepoTrouble>>) -> Vec<RepoRefusal> {
    let end = end.expect("not killed").expect("an end");
    let RepoEnd::Refused(refusals) = end else { panic!("{end:?}") };
    refusals
}

fn names_of(rows: &[Vec<String>]) -> Vec<&str> {
    rows.iter().map(|row| row[1].as_str()).collect()
}

/// The rows before and behind a cut-over that nothing disturbs.
async fn rows() -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let stage = Stage::new().await;
    let before = stage.rows();
    assert!(!done(stage.forth(&never_blows()).await));
    let after = stage.rows();
    assert_eq!(names_of(&after), ["corpus", "second", "third", "Kept", "same"]);
    (before, after)
}

#[tokio::test]
async fn the_backup_comes_before_the_journal_and_the_journal_before_the_statement() {
    let (stage, fuse) = (Stage::new().await, never_blows());
    let before = stage.rows();
    assert!(!done(stage.forth(&fuse).await));
    let expected = [
        "read",
        "backup: begin",
        "backup: rows",
        "backup: finish",
        "read",
        "journal: begun",
        "read",
        "journal: statement",
        "rename",
        "read",
        "journal: done",
    ];
    assert_eq!(fuse.calls(), expected);
    let after = stage.rows();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before[0], &before[2..]), (&after[0], &after[2..]), "names alone change");
    }
    // Once more: it is looked at alone.
    let fuse = never_blows();
    assert!(done(stage.forth(&fuse).await));
    assert_eq!(fuse.calls(), ["read"]);

    let fuse = never_blows();
    assert!(!done(stage.back(&fuse, false).await));
    let expected =
        ["journal: begun", "read", "journal: statement", "rename", "read", "journal: done"];
    assert_eq!(fuse.calls(), expected);
    assert_eq!(stage.rows(), before, "with their times");
    let fuse = never_blows();
    assert_eq!(refusals(stage.back(&fuse, false).await), [RepoRefusal::NothingToTakeBack]);
    assert_eq!(fuse.calls(), [""; 0]);
    assert!(done(stage.back(&fuse, true).await), "the backup shows that it is done");
}

#[tokio::test]
async fn a_cut_over_that_is_killed_anywhere_goes_on_and_comes_back() {
    let (before, after) = rows().await;
    let mut kills = 0;
    loop {
        let stage = Stage::new().await;
        let is_killed = stage.forth(&Fuse::new(Some(kills))).await.is_none();
        let left = stage.rows();
        assert!(left == before || left == after, "half done at {kills}");
        // Nothing is renamed that no backup and no journal knows.
        if left == after {
            assert!(stage.backup().exists() && stage.cutovers().await.contentrepo.forth.is_some());
        }
        done(stage.forth(&never_blows()).await);
        assert_eq!(stage.rows(), after, "gone on with at {kills}");
        assert_eq!(stage.cutovers().await.contentrepo.phase(), Phase::CutOver);
        done(stage.back(&never_blows(), false).await);
        assert_eq!(stage.rows(), before, "taken back at {kills}");
        if !is_killed {
            break;
        }
        kills += 1;
    }
    assert_eq!(kills, 22, "two places in each of the calls");
}

#[tokio::test]
async fn a_cut_over_that_is_killed_anywhere_is_taken_back_at_once() {
    let (before, _) = rows().await;
    for kill in 0.. {
        let mut stage = Stage::new().await;
        let is_killed = stage.forth(&Fuse::new(Some(kill))).await.is_none();
        let phase = stage.cutovers().await.contentrepo.phase();
        // By the backup alone on odd places: the journal is lost.
        let by_backup = kill % 2 == 1 && stage.backup().exists();
        if by_backup {
            stage.lose_journal();
        }
        if by_backup || phase != Phase::Before {
            done(stage.back(&never_blows(), by_backup).await);
        }
        assert_eq!(stage.rows(), before, "at {kill}");
        assert_eq!(stage.cutovers().await.contentrepo.phase(), Phase::Before, "at {kill}");
        if !is_killed {
            break;
        }
    }
}

#[tokio::test]
async fn a_way_back_that_is_killed_anywhere_goes_on() {
    let (before, after) = rows().await;
    for kill in 0.. {
        let mut stage = Stage::new().await;
        done(stage.forth(&never_blows()).await);
        let by_backup = kill % 2 == 1;
        if by_backup {
            stage.lose_journal();
        }
        let is_killed = stage.back(&Fuse::new(Some(kill)), by_backup).await.is_none();
        let left = stage.rows();
        assert!(left == before || left == after, "half done at {kill}");
        let standing = stage.cutovers().await.contentrepo;
        if is_killed && standing.phase() == Phase::UnderWayBack {
            let refused = refusals(stage.forth(&never_blows()).await);
            let expected =
                if by_backup { RepoRefusal::Overtaken } else { RepoRefusal::UnderWayBack(5) };
            assert_eq!(refused, [expected], "at {kill}");
        }
        if standing.taken_back.is_none() {
            done(stage.back(&never_blows(), by_backup).await);
        }
        assert_eq!(stage.rows(), before, "at {kill}");
        if !is_killed {
            break;
        }
    }
}

/// The answer to COMMIT is lost, and the session goes on for a while or not; a deadlock; a time-out of a lock.
#[tokio::test]
async fn a_statement_without_an_answer_is_looked_at_and_comes_to_its_end() {
    let (before, after) = rows().await;
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    for fault in [
        Fault::AnswerLost,
        Fault::RequestLost,
        Fault::Hang,
        refuse(1213, "Deadlock found when trying to get lock"),
        refuse(1205, "Lock wait timeout exceeded; try restarting transaction"),
    ] {
        for back in [false, true] {
            let stage = Stage::new().await;
            if back {
                done(stage.forth(&never_blows()).await);
            }
            stage.faults.add(Rule::once(Service::Mysql, "COMMIT", "", fault.clone()));
            let fuse = never_blows();
            let end = if back { stage.back(&fuse, false).await } else { stage.forth(&fuse).await };
            assert!(!done(end), "{fault:?}");
            assert!(stage.faults.unspent().is_empty(), "{fault:?} struck nothing");
            assert_eq!(stage.rows(), if back { before.clone() } else { after.clone() });
            let (mut journalled, mut renamed) = (0, 0);
            for call in fuse.calls() {
                journalled += u32::from(call == "journal: statement");
                renamed += u32::from(call == "rename");
                assert!(renamed <= journalled, "a statement without its entry: {fault:?}");
            }
        }
    }
}

/// Its rows still bear the old names, and its session is about to go on: only the lock shows that.
#[tokio::test]
async fn the_way_back_does_not_trust_rows_that_another_session_may_still_change() {
    let stage = Stage::new().await;
    let before = stage.rows();
    stage.faults.add(Rule::once(Service::Mysql, "UPDATE buckets", "", Fault::Hang));
    let back = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        stage.back(&never_blows(), false).await
    };
    let fuse = never_blows();
    let (forth, back) = tokio::join!(stage.forth(&fuse), back);
    let back = back.expect("not killed");
    let Err(RepoTrouble::Change(ChangeError::Locked { .. })) = back else { panic!("{back:?}") };
    // The other one finds that it was taken over, and stops.
    let forth = forth.expect("not killed");
    let Err(RepoTrouble::Journal(JournalTrouble::TakenOver(_))) = forth else {
        panic!("{forth:?}")
    };
    assert_eq!(stage.rows(), before);
    assert!(!done(stage.back(&never_blows(), false).await));
    assert_eq!(stage.rows(), before);
}

#[tokio::test]
async fn nothing_follows_a_refusal() {
    for (sql, expected) in [
        (
            "UPDATE buckets SET bucketName = 'other' WHERE bucketId = 4",
            "`other` (bucketId 4) is neither in BUCKETS nor in IGNORE_BUCKETS",
        ),
        (
            "UPDATE buckets SET bucketName = 'corpus' WHERE bucketId = 1",
            "`corpus` (bucketId 1) bears the S3 name of `mogilefs-prod-repo` already",
        ),
        ("DELETE FROM buckets WHERE bucketId <> 4", "no bucket of contentrepo bears a name"),
    ] {
        let (stage, fuse) = (Stage::new().await, never_blows());
        stage.execute(sql);
        let before = stage.rows();
        let refused = refusals(stage.forth(&fuse).await);
        let words: Vec<_> = refused.iter().map(ToString::to_string).collect();
        assert!(words.iter().any(|it| it.contains(expected)), "{expected}: {words:?}");
        assert_eq!(fuse.calls(), ["read"], "{expected}");
        assert_eq!(stage.rows(), before);
        assert!(!stage.backup().exists());
    }
    // All at once.
    let stage = Stage::new().await;
    stage.execute("UPDATE buckets SET bucketName = 'corpus' WHERE bucketId = 4");
    stage.execute("UPDATE buckets SET bucketName = 'other' WHERE bucketId = 5");
    assert_eq!(refusals(stage.forth(&never_blows()).await).len(), 2);
}

#[tokio::test]
async fn what_the_collation_alone_takes_for_one_name_is_named_and_changes_nothing() {
    let stage = Stage::new().await;
    stage.execute("UPDATE buckets SET bucketName = 'THIRD' WHERE bucketId = 4");
    let before = stage.rows();
    let map = |stage: &Stage| stage.rows();
    // `THIRD` is ignored, and blind to case it is `third`.
    let refused = refusals(stage.forth(&never_blows()).await);
    assert!(matches!(&refused[..], [RepoRefusal::Unmapped(_)]), "{refused:?}");
    assert_eq!(map(&stage), before);
    let stage = Stage::new().await;
    let fuse = Fuse::new(Some(BEHIND_FIRST_ENTRY));
    assert!(stage.forth(&fuse).await.is_none(), "killed before its statement: {:?}", fuse.calls());
    stage.execute("UPDATE buckets SET bucketName = 'Second' WHERE bucketId = 4");
    let before = stage.rows();
    let end = stage.forth(&never_blows()).await.expect("not killed").expect("an end");
    let RepoEnd::Hindered(hindrances) = end else { panic!("{end:?}") };
    assert!(matches!(&hindrances[..], [Hindrance::Collision { .. }]), "{hindrances:?}");
    assert_eq!(stage.rows(), before);
    // It is taken back, and the row that was in the way stays.
    done(stage.back(&never_blows(), false).await);
    assert_eq!(stage.rows(), before);
}

#[tokio::test]
async fn rows_that_are_neither_old_nor_new_are_listed() {
    for (way, at) in [("forth", BEHIND_FIRST_ENTRY), ("back", usize::MAX)] {
        let stage = Stage::new().await;
        let is_killed = stage.forth(&Fuse::new(Some(at))).await.is_none();
        assert_eq!(is_killed, way == "forth");
        stage.execute("UPDATE buckets SET bucketName = 'by hand' WHERE bucketId = 2");
        let before = stage.rows();
        let fuse = never_blows();
        let end = if is_killed { stage.forth(&fuse).await } else { stage.back(&fuse, false).await };
        let end = end.expect("not killed").expect("an end");
        let RepoEnd::Unfit(rows) = end else { panic!("{way}: {end:?}") };
        let by_hand = rows.iter().find(|row| row.found.as_deref() == Some("by hand"));
        assert_eq!(by_hand.map(|row| row.rename.id.0), Some(2), "{way}: {rows:?}");
        assert!(!fuse.calls().contains(&"rename".to_owned()), "{way}");
        assert_eq!(stage.rows(), before, "{way}");
    }
}

#[tokio::test]
async fn a_backup_of_other_rows_is_not_taken_for_this_one() {
    let stage = Stage::new().await;
    let before = stage.rows();
    fs::write(stage.backup(), "no backup").expect("written");
    let fuse = never_blows();
    let refused = refusals(stage.forth(&fuse).await);
    assert!(matches!(&refused[..], [RepoRefusal::OtherBackup(_)]), "{refused:?}");
    assert_eq!(fs::read_to_string(stage.backup()).expect("it is there"), "no backup");
    fs::remove_file(stage.backup()).expect("removed");
    // A run that was killed behind its backup, and a row that changed since.
    assert!(stage.forth(&Fuse::new(Some(BEHIND_BACKUP))).await.is_none());
    assert!(stage.backup().exists(), "killed behind the backup");
    stage.execute("UPDATE buckets SET bucketName = 'absent' WHERE bucketId = 5");
    let refused = refusals(stage.forth(&fuse).await);
    assert!(matches!(&refused[..], [RepoRefusal::OtherBackup(_)]), "{refused:?}");
    stage.execute("UPDATE buckets SET bucketName = 'same' WHERE bucketId = 5");
    assert_eq!(stage.rows()[0][1..2], before[0][1..2]);
    done(stage.forth(&fuse).await);
}

#[tokio::test]
async fn the_way_back_waits_for_rhino_and_a_foreign_entry_stops_everything() {
    let stage = Stage::new().await;
    done(stage.forth(&never_blows()).await);
    stage.begin_rhino().await;
    let fuse = never_blows();
    assert_eq!(refusals(stage.back(&fuse, false).await), [RepoRefusal::RhinoFirst]);
    assert_eq!(fuse.calls(), [""; 0]);

    // Another operator goes on while this one looked at the gates.
    let stage = Stage::new().await;
    let seen = stage.cutovers().await;
    done(stage.forth(&never_blows()).await);
    let rows = stage.rows();
    let late = stage.forth_until(&never_blows(), never(), seen).await;
    assert_eq!(refusals(late), [RepoRefusal::Overtaken]);
    assert_eq!(stage.rows(), rows);

    // And while this one is between two entries.
    let stage = Stage::new().await;
    let (first, mut other) = (never_blows(), stage.writer().await);
    stage.faults.add(Rule {
        skip: 1,
        ..Rule::once(
            Service::Mysql,
            "SELECT buckets",
            "",
            Fault::Delay(std::time::Duration::from_millis(500)),
        )
    });
    let statement = CutoverStatement {
        database: ClientDatabase::Contentrepo,
        direction: Direction::ToS3,
        does: Statement::RenameBuckets,
    };
    let takes_over = async {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        other.append(Content::CutoverStatement(statement)).await.map(drop)
    };
    let before = stage.rows();
    let (end, taken) = tokio::join!(stage.forth(&first), takes_over);
    taken.expect("the other one was faster");
    let end = end.expect("not killed");
    let Err(RepoTrouble::Journal(JournalTrouble::TakenOver(_))) = end else { panic!("{end:?}") };
    assert!(!first.calls().contains(&"rename".to_owned()), "{:?}", first.calls());
    assert_eq!(stage.rows(), before);
}

#[tokio::test]
async fn an_operator_who_stops_it_leaves_nothing_half_done() {
    let stage = Stage::new().await;
    let (before, seen) = (stage.rows(), stage.cutovers().await);
    let stop = async {}.boxed().shared();
    // It has been asked for.
    stop.clone().await;
    let end = stage.forth_until(&never_blows(), stop.clone(), seen).await.expect("not killed");
    assert_eq!(end.expect("an end"), RepoEnd::Interrupted { begun: None });
    assert!(!stage.backup().exists());
    assert!(
        stage.forth(&Fuse::new(Some(BEHIND_FIRST_ENTRY))).await.is_none(),
        "killed behind its first entry"
    );
    let seen = stage.cutovers().await;
    let end = stage.forth_until(&never_blows(), stop, seen).await.expect("not killed");
    assert_eq!(end.expect("an end"), RepoEnd::Interrupted { begun: Some(2) });
    assert_eq!(stage.rows(), before);
    assert_eq!(names().len(), before.len());
}
