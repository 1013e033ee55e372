//! The requests that delete: what is in the journal before, and what befalls them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::cleanup::{CleanupRefusal, Refused};
use domain::content::SourceContent;
use domain::journal::{Content as Said, Entry};
use domain::ports::{Clock, Journal, Replica, SourceFiles};
use domain::runbook::JournalTrouble;
use domain::{Fid as DomainFid, SourceError, SourceFile, Stopped};
use stand_ins::port::{Call, PortFault, PortFaults};
use stand_ins::world::dynamodb;
use stand_ins::world::mogile::{Content, Fid};

use super::{A_DAY, Stage, note, really, tmp};

/// What happens just before a request to delete reaches the trackers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// Somebody else writes into the journal, before the first one.
    Note,
    /// The client renames the file.
    Rename,
    /// The trackers fall silent: the answer and the next look are lost.
    Silence,
    /// The first request is lost; before the second one the client renames the file.
    LossThenRename,
}

/// The files of a stage, with what happens before each deletion; notes what the journal says then.
struct Watched {
    files: Arc<dyn SourceFiles>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    faults: Arc<PortFaults>,
    before: Before,
    /// What happens when a file is read.
    meanwhile: Option<Box<dyn Fn() + Send + Sync>>,
    /// The keys that were deleted while the last entry condemned them.
    condemned: Mutex<Vec<String>>,
}

#[async_trait]
impl SourceFiles for Watched {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.files.replicas(file).await
    }

    async fn replicas_anew(
        &self,
        fid: DomainFid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.files.replicas_anew(fid, key).await
    }

    async fn fid_of(&self, key: &str) -> Result<Option<DomainFid>, SourceError> {
        self.files.fid_of(key).await
    }

    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        self.files.devices_of(key).await
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        self.meanwhile.iter().for_each(|happens| happens());
        self.files.open(replica).await
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        let last = self.journal.last().await.expect("an answer").expect("an entry");
        let said = Entry::parse(&last.line).expect("an entry").content;
        if let Said::TemporaryCondemned { files, .. } = said
            && files.iter().any(|file| file.key == key)
        {
            self.condemned.lock().expect("not poisoned").push(key.to_owned());
        }
        match self.before {
            Before::Note if key == tmp(0) => {
                note(Arc::clone(&self.journal), Arc::clone(&self.clock), "bob").await;
            }
            Before::Nothing | Before::Note => {}
            Before::Rename => self.files.rename(key, "done").await.expect("free"),
            Before::LossThenRename => {
                let times = self.condemned.lock().expect("not poisoned").len();
                if times == 1 {
                    self.faults.strike(Call::DeleteFile, key, PortFault::RequestLost, 1);
                } else {
                    self.files.rename(key, "done").await.expect("free");
                }
            }
            Before::Silence => {
                self.faults.strike(Call::DeleteFile, key, PortFault::AnswerLost, 1);
                self.faults.strike(Call::Replicas, key, PortFault::RequestLost, 1);
            }
        }
        self.files.delete(key).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        self.files.rename(from, to).await
    }
}

/// A stage with as many uploads that are over and needed by nobody.
fn over(uploads: u64) -> (Stage, Vec<Fid>) {
    let stage = Stage::new();
    let fids = (0..uploads).map(|number| stage.store(&tmp(number))).collect();
    stage.list();
    stage.pass(A_DAY);
    (stage, fids)
}

fn watched(stage: &Stage, before: Before) -> Arc<Watched> {
    Arc::new(watching(stage, before))
}

fn watching(stage: &Stage, before: Before) -> Watched {
    let files = stage.world.port.ports().files;
    let (journal, clock, condemned) = (stage.journal(), stage.clock(), Mutex::default());
    let faults = Arc::clone(&stage.world.port.faults);
    Watched { files, journal, clock, faults, before, meanwhile: None, condemned }
}

#[test]
fn each_file_is_in_the_journal_before_it_is_deleted() {
    let (stage, fids) = over(401);
    let files = watched(&stage, Before::Nothing);
    let mut ports = stage.ports();
    ports.files = Arc::clone(&files) as _;
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!(deletion.deleted.files, 401);
    assert_eq!(files.condemned.lock().expect("not poisoned").len(), 401);
    assert!(fids.iter().all(|fid| !stage.has(*fid)));
    let said = stage.said();
    let [
        Said::TemporarySeen { .. },
        Said::TemporaryCondemned { files: first, domain },
        Said::TemporaryDeleted { deleted: 400, spared },
        Said::TemporaryCondemned { files: second, .. },
        Said::TemporaryDeleted { deleted: 1, .. },
    ] = &said[..]
    else {
        panic!("{said:?}")
    };
    assert_eq!((domain.as_str(), first.len(), second.len()), ("plos_repo", 400, 1));
    assert_eq!(*spared, []);
    assert_eq!((first[0].fid.0, &first[0].key, first[0].length.0), (fids[0].0, &tmp(0), 100));
    assert_eq!(first[0].because, "contentrepo does not refer to its content");
}

#[test]
fn somebody_who_writes_into_the_journal_ends_the_deletion() {
    let (stage, fids) = over(401);
    let mut ports = stage.ports();
    ports.files = watched(&stage, Before::Note);
    let refused = stage.try_delete(&ports, &really(), &[]).expect_err("taken over");
    let Refused { why: CleanupRefusal::Journal(why), deleted: 400 } = &refused else {
        panic!("{refused:?}")
    };
    assert!(matches!(why, JournalTrouble::TakenOver(_)), "{why:?}");
    assert!(stage.has(fids[400]), "the next batch was not begun");
    // The next run finds what is left.
    assert_eq!(stage.delete().deleted.files, 1);
}

#[test]
fn a_file_that_is_renamed_in_the_last_moment_stays() {
    let (stage, fids) = over(1);
    let mut ports = stage.ports();
    ports.files = watched(&stage, Before::Rename);
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!((deletion.changed, deletion.deleted.files), (1, 0), "{deletion:?}");
    assert!(stage.has(fids[0]));
    let Some(Said::TemporaryDeleted { deleted: 0, spared }) = stage.said().pop() else {
        panic!("no end")
    };
    assert_eq!(spared[0].fid.0, fids[0].0);

    // Behind a request that was lost: it did not delete it.
    let (stage, fids) = over(1);
    let mut ports = stage.ports();
    ports.files = watched(&stage, Before::LossThenRename);
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!((deletion.changed, deletion.deleted.files), (1, 0), "{deletion:?}");
    assert!(stage.has(fids[0]));

    // While it is looked at.
    let (stage, fids) = over(1);
    stage.world.port.mogile.rename_at_next_lookup(fids[0], "done");
    assert_eq!(stage.delete().changed, 1);
    assert!(stage.has(fids[0]));
}

/// While the one that was seen is read: the trackers delete by key, and would delete the new one.
#[test]
fn a_key_that_has_another_file_by_now_is_not_deleted() {
    let (stage, fids) = over(1);
    let (mogile, device) = (Arc::clone(&stage.world.port.mogile), stage.world.devices[0]);
    let (dmid, old) = (stage.world.dmid, fids[0]);
    let store = move || {
        // Once: the key has another fid behind that.
        if mogile.row(old).is_some() {
            mogile.store(dmid, &tmp(0), &Content::from(b"new".to_vec()), &[device]);
        }
    };
    let mut ports = stage.ports();
    let meanwhile = Some(Box::new(store) as Box<dyn Fn() + Send + Sync>);
    ports.files = Arc::new(Watched { meanwhile, ..watching(&stage, Before::Nothing) });
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!((deletion.changed, deletion.deleted.files), (1, 0), "{deletion:?}");
    let new = stage.world.port.mogile.row_by_key(dmid, &tmp(0));
    assert!(new.is_some_and(|row| row.fid != fids[0]), "the new upload stays");
}

/// As when the index is another store's: it is no success.
#[test]
fn an_upload_that_the_trackers_do_not_know_any_more_is_told() {
    let (stage, fids) = over(1);
    let (mogile, fid) = (Arc::clone(&stage.world.port.mogile), fids[0]);
    let mut ports = stage.ports();
    let hide = move || mogile.hide_from_lookups(fid);
    let meanwhile = Some(Box::new(hide) as Box<dyn Fn() + Send + Sync>);
    ports.files = Arc::new(Watched { meanwhile, ..watching(&stage, Before::Nothing) });
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!((deletion.unreadable.files, deletion.changed), (1, 0), "{deletion:?}");
    assert!(deletion.unreadable.example.contains("MOGILE_DATABASE_URL"), "{deletion:?}");
    assert!(stage.has(fids[0]));
}

/// After each fault the file is looked up before it is deleted again.
#[test]
fn a_deletion_without_an_answer_is_settled_by_a_look() {
    for (fault, times) in [
        (PortFault::RequestLost, 1),
        (PortFault::RequestLost, 3),
        (PortFault::AnswerLost, 1),
        (PortFault::Busy, 2),
    ] {
        let (stage, fids) = over(3);
        stage.world.port.faults.strike(Call::DeleteFile, &tmp(1), fault, times);
        let deletion = stage.delete();
        assert_eq!((deletion.deleted.files, &deletion.stopped), (3, &None), "{fault:?} {times}");
        assert!(fids.iter().all(|fid| !stage.has(*fid)));
    }
    // The answer is lost, and the look behind it: only the next look says that the file is gone.
    let (stage, fids) = over(1);
    let mut ports = stage.ports();
    ports.files = watched(&stage, Before::Silence);
    let deletion = stage.try_delete(&ports, &really(), &[]).expect("not refused");
    assert_eq!((deletion.deleted.files, deletion.changed), (1, 0), "{deletion:?}");
    assert!(!stage.has(fids[0]));
}

#[test]
fn trackers_that_never_answer_end_the_run_and_the_journal_says_what_is_not_known() {
    let (stage, fids) = over(3);
    stage.world.port.faults.strike(Call::DeleteFile, &tmp(1), PortFault::RequestLost, 99);
    let deletion = stage.delete();
    assert!(matches!(deletion.stopped, Some(Stopped::Trouble(_))), "{deletion:?}");
    let classes = (deletion.deleted.files, deletion.unsure.files, deletion.deletable.files);
    assert_eq!(classes, (1, 1, 1), "{deletion:?}");
    let Some(Said::TemporaryDeleted { deleted: 1, spared }) = stage.said().pop() else {
        panic!("no end")
    };
    let whys: Vec<_> = spared.iter().map(|file| (file.fid.0, file.why.as_str())).collect();
    assert!(whys[0].1.starts_with("perhaps deleted: "), "{whys:?}");
    assert_eq!(whys[1], (fids[2].0, "the run ended before it"));
    stage.world.port.faults.clear();
    assert_eq!(stage.delete().deleted.files, 2);
}

#[test]
fn a_journal_that_was_changed_proves_no_sighting() {
    let (stage, fids) = over(1);
    stage.note("ann");
    let key = [dynamodb::text("migration", "ledger"), dynamodb::number("sequence", 1)];
    let database = stage.world.port.database.clone();
    let table = dynamodb::Table::new(database, super::JOURNAL.to_owned());
    table.delete(&[key.into()]).expect("removed");
    let refused = stage.try_delete(&stage.ports(), &really(), &[]).expect_err("changed");
    assert!(matches!(refused.why, CleanupRefusal::Changed(_)), "{refused:?}");
    assert!(stage.has(fids[0]));
}
