//! `rekey` where something happens between its looks, and who counts as whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use domain::cleanup::{
    RekeyMode, RekeyOutcome, RekeyPlan, RekeyPorts, RekeyWay, Rekeying, never, rekey,
};
use domain::ports::{
    ChangeError, ContentRepoDatabase, KeyChange, KeyChanged, KeyChanges, RepoStatus, RowId,
    ServerSession,
};
use domain::{BucketMap, Dkey, Fid as DomainFid, Misconfigured, Sha1, Stopped};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{Content, Fid, FileRow, MogileFs};

use super::Stage;

/// The SHA-1 in the key of a file with other content.
const OLD: &str = "acec11893a476ca42e95c8d546431202ea821210";
const BYTES: &[u8] = b"content of another SHA-1";

fn old() -> String {
    format!("{OLD}-repo")
}

fn new() -> String {
    format!("{}-repo", Sha1::of(BYTES))
}

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commit {
    /// It is made.
    Made,
    /// It is made in another database.
    MadeElsewhere,
    /// No answer comes, and its session has ended.
    Lost,
    /// No answer comes, and its session goes on.
    UnderWay,
}

/// The database in which keys are changed.
struct Keys {
    mogile: Arc<MogileFs>,
    commit: Commit,
    /// What happens behind a change.
    then: Box<dyn Fn() + Send + Sync>,
    /// Whether it lacks the newest files.
    is_copy: bool,
}

impl Keys {
    fn row(&self, fid: DomainFid) -> Option<FileRow> {
        self.mogile.row(Fid(fid.0)).filter(|_| !self.is_copy)
    }
}

#[async_trait]
impl KeyChanges for Keys {
    async fn change_key(&self, change: &KeyChange) -> Result<KeyChanged, ChangeError> {
        let row = self.row(change.fid).expect("a row");
        if self.commit == Commit::Made {
            self.mogile.plant(FileRow { dkey: Some(change.to.clone()), ..row });
        }
        (self.then)();
        match self.commit {
            Commit::Made | Commit::MadeElsewhere => Ok(KeyChanged::Done),
            Commit::Lost | Commit::UnderWay => {
                Err(ChangeError::Uncertain { at: "db".to_owned(), cause: "broken".into() })
            }
        }
    }

    async fn key_of(&self, fid: DomainFid) -> Result<Option<String>, ChangeError> {
        Ok(self.row(fid).and_then(|row| row.dkey))
    }

    async fn settled_key_of(&self, fid: DomainFid) -> Result<Option<String>, ChangeError> {
        if self.commit == Commit::UnderWay {
            let holder = ServerSession { id: 7, ..ServerSession::default() };
            return Err(ChangeError::Locked { at: "db".to_owned(), holder });
        }
        self.key_of(fid).await
    }

    async fn hindrance(&self) -> Result<Option<String>, ChangeError> {
        panic!("nobody asks")
    }
}

/// A stage with the file.
fn stage() -> (Stage, Fid) {
    let stage = Stage::new();
    let fid = stage.store_content(&old(), BYTES);
    (stage, fid)
}

fn keys(stage: &Stage, commit: Commit) -> Keys {
    let mogile = Arc::clone(&stage.world.port.mogile);
    Keys { mogile, commit, then: Box::new(|| ()), is_copy: false }
}

fn run(stage: &Stage, fid: Fid, mode: RekeyMode) -> Rekeying {
    let ports = stage.world.port.ports();
    let contentrepo = stage.contentrepo.clone().expect("it is there");
    let ports = RekeyPorts {
        index: ports.index,
        files: ports.files,
        content_repo: contentrepo as Arc<dyn ContentRepoDatabase>,
        journal: stage.journal(),
        clock: stage.clock(),
    };
    let buckets = BucketMap::parse("repo:new-repo", "trash").expect("good settings");
    let from = Dkey::parse(&old()).expect("a key");
    let (fid, to, salt, stop) = (DomainFid(fid.0), None, 7, never());
    let plan = RekeyPlan { buckets: &buckets, fid, from, to, mode, salt, stop };
    let Ok(rekeying) = stage.world.run(rekey(&ports, &plan)) else { panic!("not recorded") };
    rekeying
}

fn change(stage: &Stage, fid: Fid, keys: Keys) -> Rekeying {
    let way = RekeyWay::Database(Arc::new(keys));
    run(stage, fid, RekeyMode::Change { by: "ann".to_owned(), way })
}

fn key_of(stage: &Stage, fid: Fid) -> Option<String> {
    stage.world.port.mogile.row(fid)?.dkey
}

/// The trackers find it by the new key. To delete the other one, as behind a duplicate, would lose the
/// content that migrates.
#[test]
fn a_file_whose_key_is_alike_but_for_case_is_no_duplicate() {
    let (stage, fid) = stage();
    let twin = stage.store_content(&new().to_uppercase(), BYTES);
    let rekeying = run(&stage, fid, RekeyMode::DryRun);
    assert_eq!(rekeying.outcome, RekeyOutcome::Taken, "{rekeying:?}");
    assert!(rekeying.why.contains(&format!("fid {twin}")), "{rekeying:?}");
    let row = stage.world.port.mogile.row(twin).expect("stored");
    stage.world.port.mogile.plant(FileRow { dkey: Some(new()), ..row });
    let rekeying = run(&stage, fid, RekeyMode::DryRun);
    assert_eq!(rekeying.outcome, RekeyOutcome::Duplicate, "{rekeying:?}");
}

#[test]
fn a_duplicate_is_one_by_every_replica() {
    let (stage, fid) = stage();
    let twin = stage.store_content(&new(), BYTES);
    assert_eq!(run(&stage, fid, RekeyMode::DryRun).outcome, RekeyOutcome::Duplicate);
    let (mogile, device) = (&stage.world.port.mogile, stage.world.devices[1]);
    mogile.remove_replica(twin, device);
    assert_eq!(run(&stage, fid, RekeyMode::DryRun).outcome, RekeyOutcome::Taken);
    mogile.set_replica(twin, device, Content::from(b"other".to_vec()));
    assert_eq!(run(&stage, fid, RekeyMode::DryRun).outcome, RekeyOutcome::Taken);
}

/// As contentrepo's database compares them.
#[test]
fn a_bucket_that_is_alike_but_for_case_refers_too() {
    for (bucket, outcome) in [
        ("REPO ", RekeyOutcome::StillReferred),
        ("repo", RekeyOutcome::StillReferred),
        ("new-repo", RekeyOutcome::StillReferred),
        ("trash", RekeyOutcome::CanBeChanged),
    ] {
        let (stage, fid) = stage();
        let contentrepo = stage.contentrepo.as_ref().expect("it is there");
        contentrepo.refer(OLD, Some(bucket), RepoStatus::Deleted);
        let rekeying = run(&stage, fid, RekeyMode::DryRun);
        assert_eq!(rekeying.outcome, outcome, "{bucket}: {rekeying:?}");
    }
}

#[test]
fn a_contentrepo_that_lags_behind_lets_nothing_be_changed() {
    let (stage, fid) = stage();
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    for number in 0..30 {
        let bytes = format!("file {number}").into_bytes();
        stage.store_content(&format!("{}-repo", Sha1::of(&bytes)), &bytes);
        if number < 26 {
            contentrepo.refer(&Sha1::of(&bytes).to_string(), Some("repo"), RepoStatus::Used);
        }
    }
    let rekeying = change(&stage, fid, keys(&stage, Commit::Made));
    let Some(Stopped::Misconfigured(Misconfigured::OldContentRepo { looked_for, found })) =
        rekeying.stopped
    else {
        panic!("{rekeying:?}")
    };
    assert_eq!((looked_for, found, key_of(&stage, fid)), (31, 27, Some(old())));
}

#[test]
fn a_commit_without_an_answer_is_settled_when_its_session_has_ended() {
    for (commit, outcome) in [
        (Commit::Made, RekeyOutcome::Changed),
        (Commit::Lost, RekeyOutcome::NotChanged),
        (Commit::UnderWay, RekeyOutcome::Unsure),
    ] {
        let (stage, fid) = stage();
        let rekeying = change(&stage, fid, keys(&stage, commit));
        assert_eq!(rekeying.outcome, outcome, "{rekeying:?}");
        let is_under_way = commit == Commit::UnderWay;
        assert_eq!(rekeying.why.contains("`KILL 7`"), is_under_way, "{rekeying:?}");
    }
}

/// Only a clear answer says that another database was changed.
#[test]
fn trackers_that_fall_silent_behind_the_change_do_not_make_it_another_databases() {
    let (stage, fid) = stage();
    let away = Arc::new(AtomicBool::new(true));
    let (faults, is_away) = (Arc::clone(&stage.world.port.faults), Arc::clone(&away));
    let then = move || {
        if is_away.load(Ordering::Relaxed) {
            faults.strike(Call::FileInfo, "", PortFault::RequestLost, 999);
        }
    };
    let keys_of = keys(&stage, Commit::Made);
    let rekeying = change(&stage, fid, Keys { then: Box::new(then), ..keys_of });
    assert_eq!(rekeying.outcome, RekeyOutcome::Unasked, "{rekeying:?}");
    assert_eq!(key_of(&stage, fid), Some(new()));
    stage.world.port.faults.clear();
    let rekeying = change(&stage, fid, keys(&stage, Commit::Made));
    assert_eq!(rekeying.outcome, RekeyOutcome::AlreadySo, "{rekeying:?}");

    let (stage, fid) = self::stage();
    let rekeying = change(&stage, fid, keys(&stage, Commit::MadeElsewhere));
    assert_eq!(rekeying.outcome, RekeyOutcome::Unseen, "{rekeying:?}");
}

/// Its row was written before others that were read, and committed behind the change.
#[test]
fn a_row_that_was_not_committed_at_the_last_look_is_seen_behind_the_change() {
    let (stage, fid) = stage();
    let contentrepo = stage.contentrepo.clone().expect("it is there");
    contentrepo.refer_at(RowId(20), "something", Some("repo"), RepoStatus::Used);
    let late = Arc::clone(&contentrepo);
    let then = move || late.refer_at(RowId(10), OLD, Some("repo"), RepoStatus::Used);
    let keys_of = keys(&stage, Commit::Made);
    let rekeying = change(&stage, fid, Keys { then: Box::new(then), ..keys_of });
    assert_eq!(rekeying.outcome, RekeyOutcome::ReferredSince, "{rekeying:?}");
    assert_eq!((rekeying.referring_rows, rekeying.referring[0].id.as_str()), (1, "10"));
    assert_eq!(key_of(&stage, fid), Some(new()));
    // The next run says so, too.
    let rekeying = run(&stage, fid, RekeyMode::DryRun);
    assert_eq!(rekeying.outcome, RekeyOutcome::ReferredSince, "{rekeying:?}");
    assert_eq!(rekeying.to, Some(new()));
}

/// It would take the change, and the trackers would never see it.
#[test]
fn a_copy_of_the_database_is_known_before_it_is_changed() {
    let (stage, fid) = stage();
    let keys_of = keys(&stage, Commit::Made);
    let rekeying = change(&stage, fid, Keys { is_copy: true, ..keys_of });
    let Some(Stopped::Misconfigured(Misconfigured::OtherWriteDatabase { looked_for, found })) =
        rekeying.stopped
    else {
        panic!("{rekeying:?}")
    };
    assert_eq!((looked_for, found, stage.said().len()), (2, 0, 0));
    assert_eq!(key_of(&stage, fid), Some(old()));
}

/// By a tracker as in the database: somebody has taken the key since it was seen to be free.
#[test]
fn a_key_that_is_taken_meanwhile_is_taken_for_a_tracker_too() {
    let (stage, fid) = stage();
    let (mogile, dmid) = (Arc::clone(&stage.world.port.mogile), stage.world.dmid);
    let device = stage.world.devices[0];
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    contentrepo.when_read(move || {
        if mogile.row_by_key(dmid, &new()).is_none() {
            mogile.store(dmid, &new(), &Content::from(b"other".to_vec()), &[device]);
        }
    });
    let way = RekeyWay::Tracker;
    let rekeying = run(&stage, fid, RekeyMode::Change { by: "ann".to_owned(), way });
    assert_eq!(rekeying.outcome, RekeyOutcome::Taken, "{rekeying:?}");
    assert_eq!(key_of(&stage, fid), Some(old()));
}
