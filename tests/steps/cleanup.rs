//! `tmp list` and `tmp delete` over unfinished uploads of every kind.

pub mod contentrepo;
mod copies;
mod deletion;
mod evidence;
mod own_trouble;
mod rekey;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::cleanup::{
    CleanupRefusal, Deletion, DeletionPlan, Listing, Mode, Refused, TemporaryPorts,
    delete_temporary, list_temporary, never,
};
use domain::journal::{Content as Said, Entry};
use domain::ports::{Clock, Journal, LedgerError, RepoStatus, ServiceTime};
use domain::runbook::{JournalTrouble, JournalWriter};
use domain::{BucketMap, Sha1, Stopped, Timestamp};
use stand_ins::port::{Call, PortFault, PortJournal, VirtualClock};
use stand_ins::world::dynamodb::create_journal_table;
use stand_ins::world::mogile::{Content, Fid, FileRow};

use self::contentrepo::ContentRepo;
use crate::common::{World, content};

const JOURNAL: &str = "journal";

/// A day, and ten minutes because of clocks.
const A_DAY: Duration = Duration::from_mins(24 * 60 + 10);

/// The key of an unfinished upload.
fn tmp(number: u64) -> String {
    format!("f81d4fae-7dec-11d0-a765-{number:012x}.tmp")
}

/// What the key of the file says that every store has.
const FILE: &[u8] = b"a file";

/// A world, a journal in it, and a clock of its service.
struct Stage {
    world: World,
    service: Arc<ServiceClock>,
    contentrepo: Option<Arc<ContentRepo>>,
}

/// The world's clock, some minutes off; at [`i64::MAX`] it says nothing. It may be right at first.
struct ServiceClock {
    clock: Arc<VirtualClock>,
    minutes: AtomicI64,
    right_answers: AtomicI64,
}

#[async_trait]
impl ServiceTime for ServiceClock {
    async fn service_time(&self) -> Result<Option<Timestamp>, LedgerError> {
        if self.right_answers.fetch_sub(1, Ordering::Relaxed) > 0 {
            return Ok(Some(self.clock.now()));
        }
        let minutes = self.minutes.load(Ordering::Relaxed);
        let moment = self.clock.now().0.checked_add_signed(minutes.saturating_mul(60_000));
        Ok(moment.map(Timestamp).filter(|_| minutes != i64::MAX))
    }
}

impl Stage {
    fn empty() -> Self {
        let world = World::instant();
        create_journal_table(&world.port.database, JOURNAL).expect("a new table");
        let clock = Arc::clone(&world.port.clock);
        let [minutes, right_answers] = [AtomicI64::new(0), AtomicI64::new(0)];
        let service = Arc::new(ServiceClock { clock, minutes, right_answers });
        Self { world, service, contentrepo: Some(Arc::default()) }
    }

    /// A store with one file, to which contentrepo refers.
    fn new() -> Self {
        let stage = Self::empty();
        stage.store(&format!("{}-repo", Sha1::of(FILE)));
        let contentrepo = stage.contentrepo.as_ref().expect("it is there");
        contentrepo.refer(&Sha1::of(FILE).to_string(), Some("repo"), RepoStatus::Used);
        stage
    }

    /// A file with this key, which nothing else has the content of.
    fn store(&self, key: &str) -> Fid {
        let salt = key.bytes().fold(7, |salt: u64, byte| salt.wrapping_mul(31) + u64::from(byte));
        self.store_content(key, &content(salt, 100))
    }

    fn store_content(&self, key: &str, bytes: &[u8]) -> Fid {
        let (mogile, devices) = (&self.world.port.mogile, &self.world.devices[..2]);
        mogile.store(self.world.dmid, key, &Content::from(bytes.to_vec()), devices)
    }

    fn journal(&self) -> Arc<dyn Journal> {
        let (database, faults) = (self.world.port.database.clone(), &self.world.port.faults);
        let (table, migration) = (JOURNAL.to_owned(), "ledger".to_owned());
        Arc::new(PortJournal::new(database, table, migration, Arc::clone(faults)))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.world.port.clock) as _
    }

    fn ports(&self) -> TemporaryPorts {
        let ports = self.world.port.ports();
        TemporaryPorts {
            index: ports.index,
            files: ports.files,
            objects: ports.objects,
            content_repo: self.contentrepo.clone().map(|repo| repo as _),
            journal: self.journal(),
            service: Arc::clone(&self.service) as _,
            clock: self.clock(),
        }
    }

    fn pass(&self, time: Duration) {
        self.world.run(self.world.port.clock.sleep(time));
    }

    fn try_list(&self) -> Result<Listing, CleanupRefusal> {
        let (index, clock) = (self.world.port.ports().index, self.clock());
        let journal = (self.journal(), &*self.service as &dyn ServiceTime);
        self.world.run(list_temporary(&*index, journal, &clock, ("ann".to_owned(), 7)))
    }

    fn list(&self) -> Listing {
        self.try_list().expect("listed")
    }

    fn try_delete(
        &self,
        ports: &TemporaryPorts,
        mode: &Mode,
        also_unique: &[Fid],
    ) -> Result<Deletion, Refused> {
        let buckets = BucketMap::parse("repo:new-repo", "trash").expect("good settings");
        let plan = plan(&buckets, also_unique, mode.clone());
        let deletion = self.world.run(delete_temporary(ports, &plan))?;
        assert_eq!(classes(&deletion), deletion.temporary.files, "{deletion:?}");
        Ok(deletion)
    }

    fn delete(&self) -> Deletion {
        self.try_delete(&self.ports(), &really(), &[]).expect("not refused")
    }

    /// A listing, a day later a deletion.
    fn clean_up(&self) -> Deletion {
        self.list();
        self.pass(A_DAY);
        self.delete()
    }

    fn has(&self, fid: Fid) -> bool {
        self.world.port.mogile.row(fid).is_some()
    }

    /// What the journal says, in order.
    fn said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        let mut each = |entry: domain::journal::StoredEntry| {
            said.push(Entry::parse(&entry.line).expect("an entry").content);
        };
        self.world.run(self.journal().read(0, &mut each)).expect("an answer");
        said
    }

    fn note(&self, by: &str) {
        self.world.run(note(self.journal(), self.clock(), by));
    }
}

/// An entry by somebody else.
async fn note(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, by: &str) {
    let writer = JournalWriter::open(journal, clock, (by.to_owned(), 9)).await;
    let text = "words".to_owned();
    writer.expect("intact").append(Said::Note { text }).await.expect("written");
}

fn plan<'a>(buckets: &'a BucketMap, also_unique: &[Fid], mode: Mode) -> DeletionPlan<'a> {
    let also_unique = also_unique.iter().map(|fid| fid.0).collect();
    let at_once = domain::limits::TEMPORARY_ROWS;
    DeletionPlan { buckets, also_unique, mode, at_once, salt: 8, stop: never(), observer: &() }
}

fn really() -> Mode {
    Mode::Delete { by: "ann".to_owned() }
}

/// How many uploads are in a class.
fn classes(deletion: &Deletion) -> u64 {
    deletion.deleted.files
        + deletion.deletable.files
        + deletion.unseen
        + deletion.too_young
        + deletion.changed
        + deletion.only_copies.len() as u64
        + deletion.undecided.files
        + deletion.unreadable.files
        + deletion.unsure.files
        + deletion.not_looked_at
}

#[test]
fn only_keys_of_unfinished_uploads_are_deleted() {
    let stage = Stage::new();
    let upper = tmp(1).to_uppercase().replace(".TMP", ".tmp");
    let deleted = [tmp(0), upper].map(|key| stage.store(&key));
    let uuid = |number| tmp(number).replace(".tmp", "");
    let alike = [
        "a.tmp".to_owned(),
        format!("{}.TMP", uuid(2)),
        format!("{}.tmp", uuid(3).replace('-', "")),
        format!("{}.tmp ", uuid(4)),
    ];
    let alike = alike.map(|key| stage.store(&key));
    let others = [format!("{}.tmp.bak", uuid(5)), uuid(6), "test".to_owned()];
    let others = others.map(|key| stage.store(&key));
    let file = stage.world.store(&content(1, 100));
    let elsewhere = stage.world.port.mogile.add_domain("other");
    let (bytes, devices) = (Content::from(vec![1]), &stage.world.devices[..1]);
    let foreign = stage.world.port.mogile.store(elsewhere, &tmp(0), &bytes, devices);

    let listing = stage.list();
    assert_eq!((listing.rows, listing.temporary.files, listing.alike.files), (11, 2, 4));
    stage.pass(A_DAY);
    let deletion = stage.delete();
    assert_eq!((deletion.temporary.files, deletion.deleted.files), (2, 2), "{deletion:?}");
    assert_eq!(deletion.alike.files, 4);
    assert!(deleted.iter().all(|fid| !stage.has(*fid)));
    assert!(alike.iter().chain(&others).chain([&foreign]).all(|fid| stage.has(*fid)));
    assert!(stage.has(Fid(file.fid.0)));
}

#[test]
fn what_a_listing_saw_less_than_a_day_ago_stays() {
    let stage = Stage::new();
    let fid = stage.store(&tmp(1));
    assert_eq!(stage.delete().unseen, 1);
    let begun = stage.clock().now();
    let due = stage.list().due;
    assert_eq!(due, Some(begun.after(A_DAY)));
    // A later listing does not make it younger.
    for (hours, minutes) in [(0, 0), (12, 0), (12, 9)] {
        stage.pass(Duration::from_mins(60 * hours + minutes));
        let deletion = stage.delete();
        assert_eq!((deletion.too_young, deletion.due), (1, due), "{hours} {minutes}");
        stage.list();
    }
    assert!(stage.has(fid));
    stage.pass(Duration::from_mins(1));
    assert_eq!(stage.delete().deleted.files, 1);
    assert!(!stage.has(fid));
}

/// An upload that is under way has no row before it is closed, and another key behind that.
#[test]
fn a_sighting_is_of_one_fid_under_one_key() {
    let stage = Stage::new();
    let (renamed, again) = (stage.store(&tmp(1)), stage.store(&tmp(2)));
    stage.list();
    stage.pass(A_DAY);
    let mogile = &stage.world.port.mogile;
    // Renamed to another temporary key; and the same key of another fid.
    mogile.rename("plos_repo", &tmp(1), &tmp(3)).expect("free");
    mogile.drop_row(again);
    let another = stage.store(&tmp(2));
    let deletion = stage.delete();
    assert_eq!((deletion.temporary.files, deletion.unseen), (2, 2), "{deletion:?}");
    assert!(stage.has(renamed) && stage.has(another));
    // The case of a letter is another key.
    let row = mogile.row(another).expect("stored");
    stage.list();
    let upper = tmp(2).replace("fae", "FAE");
    mogile.plant(FileRow { dkey: Some(upper), ..row });
    stage.pass(A_DAY);
    let deletion = stage.delete();
    assert_eq!((deletion.unseen, deletion.deleted.files), (1, 1), "{deletion:?}");
}

#[test]
fn a_wrong_clock_is_refused_before_anything_is_done() {
    for (minutes, is_right) in [(-6, false), (-5, true), (5, true), (6, false), (i64::MAX, false)] {
        let stage = Stage::new();
        stage.store(&tmp(1));
        stage.list();
        stage.pass(A_DAY);
        stage.service.minutes.store(minutes, Ordering::Relaxed);
        let listed = stage.try_list();
        let deleted = stage.try_delete(&stage.ports(), &really(), &[]);
        let is_clock = |why: &CleanupRefusal| {
            matches!(why, CleanupRefusal::Clock { .. } | CleanupRefusal::NoTime)
        };
        if is_right {
            assert!(listed.is_ok() && deleted.is_ok(), "{minutes}");
        } else {
            assert!(listed.as_ref().is_err_and(is_clock), "{minutes}: {listed:?}");
            assert!(deleted.is_err_and(|refused| is_clock(&refused.why)), "{minutes}");
            assert_eq!(stage.said().len(), 1, "{minutes}");
        }
    }
    let by = Duration::from_mins(6);
    let said = CleanupRefusal::Clock { by, ahead: false }.to_string();
    assert_eq!(said, "this machine's clock is 6m behind the one of the journal's service");
}

/// A run takes hours. The time of an entry is the one from which the day counts.
#[test]
fn a_clock_that_goes_wrong_meanwhile_is_refused_before_the_next_entry() {
    let goes_wrong = |stage: &Stage, behind: i64| {
        stage.service.minutes.store(6, Ordering::Relaxed);
        stage.service.right_answers.store(behind, Ordering::Relaxed);
    };
    for (right_answers, entries) in [(1, 0), (2, 1), (3, 2)] {
        let stage = Stage::new();
        (0..2_600).for_each(|number| _ = stage.store_content(&tmp(number), b"the same"));
        goes_wrong(&stage, right_answers);
        let listed = stage.try_list();
        let is_refused = matches!(listed, Err(CleanupRefusal::Clock { .. }));
        assert_eq!((is_refused, stage.said().len()), (entries < 2, entries), "{listed:?}");
    }
    // Before the ages are judged, and before the first entry.
    for right_answers in 1..=3 {
        let stage = Stage::new();
        let fid = stage.store(&tmp(1));
        stage.list();
        stage.pass(A_DAY);
        goes_wrong(&stage, right_answers);
        let deleted = stage.try_delete(&stage.ports(), &really(), &[]);
        let is_refused = matches!(deleted, Err(Refused { why: CleanupRefusal::Clock { .. }, .. }));
        assert_eq!((is_refused, stage.has(fid)), (right_answers < 3, right_answers < 3));
    }
}

#[test]
fn a_store_without_unfinished_uploads_leaves_no_entry() {
    let stage = Stage::new();
    stage.world.store(&content(1, 100));
    let listing = stage.list();
    assert_eq!((listing.temporary.files, listing.entries, listing.due), (0, 0, None));
    assert_eq!(stage.said(), []);
    assert_eq!(stage.delete(), Deletion::default());
    let empty = Stage::empty();
    let listing = empty.list();
    assert!(matches!(listing.stopped, Some(Stopped::Misconfigured(_))), "{listing:?}");
    assert!(matches!(empty.delete().stopped, Some(Stopped::Misconfigured(_))));
}

/// More than one page of rows, and more than one entry.
#[test]
fn a_long_listing_is_in_several_entries_and_what_was_written_counts() {
    let stage = Stage::new();
    (0..2_600).for_each(|number| _ = stage.store_content(&tmp(number), b"the same"));
    assert_eq!(stage.list().entries, 2);
    let rows = |said: &Said| {
        let Said::TemporarySeen { domain, rows } = said else { panic!("{said:?}") };
        assert_eq!(domain, "plos_repo");
        rows.len()
    };
    assert_eq!(stage.said().iter().map(rows).collect::<Vec<_>>(), [2_500, 100]);

    // Another listing is lost in the middle: what it wrote was seen.
    let broken = Stage::new();
    (0..2_600).for_each(|number| _ = broken.store_content(&tmp(number), b"the same"));
    broken.world.port.faults.strike(Call::Append, "2", PortFault::RequestLost, 99);
    assert!(matches!(broken.try_list(), Err(CleanupRefusal::Journal(_))));
    broken.world.port.faults.clear();
    broken.pass(A_DAY);
    let deletion = broken.try_delete(&broken.ports(), &Mode::DryRun, &[]).expect("looked at");
    assert_eq!((deletion.deletable.files, deletion.unseen), (2_500, 100));
}

#[test]
fn somebody_who_writes_during_a_listing_ends_it() {
    let stage = Stage::new();
    stage.store(&tmp(1));
    let (index, clock) = (stage.world.port.ports().index, stage.clock());
    let journal = stage.journal();
    stage.world.run(async {
        let opened = JournalWriter::open(stage.journal(), stage.clock(), ("bob".to_owned(), 5));
        let mut bob = opened.await.expect("a writer");
        let by = ("ann".to_owned(), 7);
        let listed = list_temporary(&*index, (journal, &*stage.service), &clock, by).await;
        assert_eq!(listed.expect("listed").entries, 1);
        let trouble = bob.append(Said::Note { text: "late".to_owned() }).await;
        assert!(matches!(trouble, Err(JournalTrouble::TakenOver(_))), "{trouble:?}");
    });
}
