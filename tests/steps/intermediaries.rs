//! `intermediaries delete` behind both cut-overs: what goes, what stays, and what befalls its requests.

mod killed;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::cleanup::{Mode, never};
use domain::cutover::{
    IntermediariesRefused, IntermediaryDeletion, IntermediaryObserver, IntermediaryPlan,
    IntermediaryPorts, IntermediaryRefusal, delete_intermediaries,
};
use domain::engine::{Quiet, migrate_run, never as never_stop};
use domain::journal::{
    ClientDatabase, Content as Said, CutoverBegun, Direction, Entry, NameRename, NamesBefore,
};
use domain::ports::{Clock, Journal};
use domain::runbook::JournalWriter;
use domain::{
    BucketMap, FailureNote, FailureRecord, Fid, IntermediaryForm, JobAction, Noted, ObjectKey,
    SourceFile, Timestamp,
};
use stand_ins::port::PortJournal;
use stand_ins::world::bucket::{Condition, Content as Bytes, PutRequest};
use stand_ins::world::dynamodb::create_journal_table;
use stand_ins::world::mogile::Fid as WorldFid;

use crate::common::{BUCKET, World, content};

const JOURNAL: &str = "journal";
const LENGTH: usize = 100;

/// A world whose files were copied from their intermediaries, and whose journal has both cut-overs.
struct Stage {
    world: World,
    files: Vec<SourceFile>,
}

impl Stage {
    /// So many files. Those of odd numbers have a slash in front of their intermediaries' keys.
    fn new(files: u64) -> Self {
        let stage = Self::before_the_cutover(files);
        for database in [ClientDatabase::Contentrepo, ClientDatabase::Rhino] {
            stage.say(Said::CutoverBegun(Box::new(begun(database, Direction::ToS3))));
            stage.say(done(database, Direction::ToS3));
        }
        stage
    }

    fn before_the_cutover(files: u64) -> Self {
        let world = World::instant();
        create_journal_table(&world.port.database, JOURNAL).expect("a new table");
        let files = (0..files).map(|number| {
            let bytes = content(number, LENGTH);
            let file = world.store(&bytes);
            let form = IntermediaryForm::ALL[usize::from(number % 2 == 1)];
            world.plant(&ObjectKey::intermediary(file.fid, form), &bytes);
            file
        });
        let files = files.collect();
        let (ports, plan) = (world.port.ports(), crate::common::plan());
        let summary = world.run(migrate_run(&ports, &plan, never_stop(), &Quiet));
        assert!(summary.adds_up() && summary.stopped.is_none(), "{summary:?}");
        world.calls();
        Self { world, files }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        let (database, faults) = (self.world.port.database.clone(), &self.world.port.faults);
        let (table, migration) = (JOURNAL.to_owned(), "ledger".to_owned());
        Arc::new(PortJournal::new(database, table, migration, Arc::clone(faults)))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.world.port.clock) as _
    }

    fn say(&self, content: Said) {
        let (journal, clock) = (self.journal(), self.clock());
        self.world.run(async {
            let writer = JournalWriter::open(journal, clock, ("bob".to_owned(), 5)).await;
            writer.expect("intact").append(content).await.expect("written");
        });
    }

    fn ports(&self) -> IntermediaryPorts {
        let ports = self.world.port.ports();
        IntermediaryPorts {
            index: ports.index,
            objects: ports.objects,
            ledger: ports.ledger,
            failures: ports.failures,
            journal: self.journal(),
            clock: self.clock(),
        }
    }

    fn try_delete(
        &self,
        ports: &IntermediaryPorts,
        mode: Mode,
        orphans: bool,
    ) -> Result<IntermediaryDeletion, IntermediariesRefused> {
        let buckets = buckets();
        let deletion =
            self.world.run(delete_intermediaries(ports, &plan(&buckets, mode, orphans)))?;
        let kept: u64 = deletion.kept.values().map(|sample| sample.files).sum();
        let classes = deletion.deleted.files + deletion.deletable.files + kept;
        assert_eq!(classes, deletion.intermediaries.files, "{deletion:?}");
        Ok(deletion)
    }

    fn delete(&self) -> IntermediaryDeletion {
        self.try_delete(&self.ports(), really(), false).expect("not refused")
    }

    fn keys(&self) -> BTreeSet<String> {
        self.world.port.s3.objects(BUCKET).expect("a bucket").into_keys().collect()
    }

    /// The intermediaries that are there.
    fn intermediaries(&self) -> BTreeSet<Fid> {
        let keys = self.keys().into_iter().map(ObjectKey::new);
        keys.filter_map(|key| Some(key.as_intermediary()?.0)).collect()
    }

    /// Each file is whole at its final key.
    fn require_final_objects(&self) {
        for (number, file) in (0..).zip(&self.files) {
            let bytes = self.world.at(&file.address().key);
            assert_eq!(bytes.as_deref(), Some(&*content(number, LENGTH)), "fid {}", file.fid);
        }
    }

    fn remove(&self, key: &ObjectKey) {
        self.world.port.s3.delete(BUCKET, key.as_str(), &Condition::None).expect("deleted");
    }

    fn intermediary(&self, number: usize) -> ObjectKey {
        let form = IntermediaryForm::ALL[number % 2];
        ObjectKey::intermediary(self.files[number].fid, form)
    }

    /// What the journal says behind both cut-overs.
    fn said(&self) -> Vec<Said> {
        let mut said = Vec::new();
        let mut each = |entry: domain::journal::StoredEntry| {
            said.push(Entry::parse(&entry.line).expect("an entry").content);
        };
        self.world.run(self.journal().read(0, &mut each)).expect("an answer");
        said.split_off(4)
    }
}

fn buckets() -> BucketMap {
    BucketMap::parse("repo:new-repo", "trash").expect("good settings")
}

fn plan(buckets: &BucketMap, mode: Mode, orphans: bool) -> IntermediaryPlan<'_> {
    let (at_once, concurrency) = (3, 2);
    let (stop, observer) = (never(), &());
    IntermediaryPlan { buckets, mode, orphans, at_once, concurrency, salt: 8, stop, observer }
}

fn really() -> Mode {
    Mode::Delete { by: "ann".to_owned() }
}

fn begun(database: ClientDatabase, direction: Direction) -> CutoverBegun {
    let rename = NameRename { id: None, from: "repo".to_owned(), to: BUCKET.to_owned() };
    let names = NamesBefore { renames: vec![rename], ..NamesBefore::default() };
    CutoverBegun::new(database, direction, "db:3306/clients", names)
}

fn done(database: ClientDatabase, direction: Direction) -> Said {
    Said::StepDone { step: database.step(direction).to_owned() }
}

fn kept(deletion: &IntermediaryDeletion) -> BTreeMap<&'static str, u64> {
    deletion.kept.iter().map(|(&why, sample)| (why, sample.files)).collect()
}

#[test]
fn proven_files_lose_their_intermediaries_in_both_forms() {
    let stage = Stage::new(8);
    let finals: BTreeSet<_> = stage.files.iter().map(|file| file.dkey.sha1.to_string()).collect();
    let dry = stage.try_delete(&stage.ports(), Mode::DryRun, false).expect("not refused");
    assert_eq!((dry.deletable.files, dry.deleted.files, kept(&dry).len()), (8, 0, 0), "{dry:?}");
    assert_eq!((stage.said().len(), stage.intermediaries().len()), (0, 8));
    stage.world.calls();

    let deletion = stage.delete();
    assert_eq!((deletion.deleted.files, deletion.entries), (8, 3), "{deletion:?}");
    assert_eq!(deletion.deleted.bytes, 8 * LENGTH as u64);
    assert_eq!(stage.keys(), finals);
    stage.require_final_objects();
    let calls = stage.world.calls();
    assert!(calls.contains("head 8, delete 8"), "{calls}");
    let said = stage.said();
    let [Said::IntermediariesCondemned { bucket, files, bytes, fids, leading_slash, .. }, ..] =
        said.as_slice()
    else {
        panic!("{said:?}")
    };
    // The plain form is listed first: fids 1, 3 and 5.
    let expected = (BUCKET, 3, 300, "1,3,5", "");
    assert_eq!((&**bucket, *files, *bytes, &**fids, &**leading_slash), expected);
    let deleted = said.iter().map(|said| {
        let Said::IntermediariesDeleted { deleted, spared } = said else { return 0 };
        if spared.is_empty() { *deleted } else { 0 }
    });
    assert_eq!((deleted.sum::<u64>(), said.len()), (8, 6));
    // Nothing is left to do.
    let again = stage.delete();
    assert_eq!((again.intermediaries.files, again.entries), (0, 0));
}

/// The figures that an observer gets.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<(u64, u64)>>);

impl IntermediaryObserver for Told {
    fn ended(&self, _: Fid, _: &domain::ObjectAddress, _: &'static str) {}

    fn progressed(&self, so_far: &IntermediaryDeletion) {
        let figures = (so_far.intermediaries.files, so_far.deleted.files);
        self.0.lock().expect("no panic").push(figures);
    }
}

#[test]
fn no_figure_is_told_twice_and_the_last_one_is_the_end() {
    let stage = Stage::new(8);
    let (buckets, told) = (buckets(), Told::default());
    let plan = IntermediaryPlan { observer: &told, ..plan(&buckets, really(), false) };
    let deletion = stage.world.run(delete_intermediaries(&stage.ports(), &plan)).expect("deleted");
    let figures = told.0.into_inner().expect("no panic");
    assert!(figures.is_sorted_by(|one, next| one < next), "{figures:?}");
    assert_eq!(figures.last(), Some(&(8, 8)), "{deletion:?}");
}

#[test]
fn nothing_goes_before_both_cut_overs_or_behind_a_way_back() {
    let refused = |stage: &Stage| {
        for mode in [Mode::DryRun, really()] {
            let ended = stage.try_delete(&stage.ports(), mode, false);
            let is = |refused: &IntermediariesRefused| {
                matches!(refused.why, IntermediaryRefusal::NotCutOver(_))
            };
            assert!(ended.as_ref().is_err_and(is), "{ended:?}");
        }
        assert_eq!(stage.intermediaries().len(), 2);
    };
    let stage = Stage::before_the_cutover(2);
    refused(&stage);
    for database in [ClientDatabase::Contentrepo, ClientDatabase::Rhino] {
        stage.say(Said::CutoverBegun(Box::new(begun(database, Direction::ToS3))));
        refused(&stage);
        stage.say(done(database, Direction::ToS3));
        if database == ClientDatabase::Contentrepo {
            refused(&stage);
        }
    }
    assert_eq!(
        stage.try_delete(&stage.ports(), Mode::DryRun, false).expect("open").deletable.files,
        2
    );
    stage.say(Said::CutoverBegun(Box::new(begun(ClientDatabase::Rhino, Direction::ToMogile))));
    refused(&stage);
    stage.say(done(ClientDatabase::Rhino, Direction::ToMogile));
    refused(&stage);
}

#[test]
fn what_is_not_proven_today_keeps_its_intermediary() {
    let stage = Stage::new(9);
    let world = &stage.world;
    let fid = |number: usize| WorldFid(stage.files[number].fid.0);
    let rename = |number: usize, key: &str| {
        let row = world.port.mogile.row(fid(number)).expect("a row");
        let dkey = Some(key.to_owned());
        world.port.mogile.plant(stand_ins::world::mogile::FileRow { dkey, ..row });
    };
    // 0: a verification found it missing. 1: another content by now. 2: an ignored bucket. 3: an upload.
    let doubt = FailureRecord {
        fid: stage.files[0].fid,
        action: Some(JobAction::Verify),
        dkey: String::new(),
        reason: "missing".to_owned(),
        detail: String::new(),
        attempt: 1,
        failed_at: Timestamp(0),
        doubted: false,
        messages: BTreeMap::new(),
    };
    let note = FailureNote { message: "m".to_owned(), record: doubt, what: Noted::Failed };
    world.run(world.port.ports().failures.note(&[note])).expect("noted");
    let other = domain::Sha1::of(b"another content");
    rename(1, &format!("{other}-repo"));
    rename(2, &format!("{}-trash", stage.files[2].dkey.sha1));
    rename(3, "f81d4fae-7dec-11d0-a765-000000000001.tmp");
    // 4: no row. 5: the final object is gone. 6: another object is there. 7: the copy is another's.
    world.port.mogile.drop_row(fid(4)).expect("a row");
    stage.remove(&stage.files[5].address().key);
    stage.remove(&stage.files[6].address().key);
    let (key, claimed) = (stage.files[6].address().key, b"other bytes".to_vec());
    world.port.s3.plant_lying(BUCKET, key.as_str(), content(6, LENGTH), claimed).expect("planted");
    world.plant(&stage.intermediary(7), b"short");
    let deletion = stage.delete();
    let expected = BTreeMap::from([
        ("unproven", 2),
        ("no-file", 2),
        ("no-row", 1),
        ("no-final-object", 2),
        ("other-length", 1),
    ]);
    assert_eq!((kept(&deletion), deletion.deleted.files), (expected, 1), "{deletion:?}");
    let left = stage.files[..8].iter().map(|file| file.fid).collect();
    assert_eq!(stage.intermediaries(), left);
}

#[test]
fn nothing_but_keys_of_intermediaries_is_touched() {
    let stage = Stage::new(1);
    let fid = stage.files[0].fid;
    let path = fid.path();
    let alike = [
        format!("{path}.bak"),
        format!("//{path}"),
        path.replace(".fid", ""),
        path.replace(".fid", ".FID"),
        "0/000/000/0000000002.fid2".to_owned(),
        "0/000/001/0000000001.fid".to_owned(),
        "0/000/000/1.fid".to_owned(),
        "/".to_owned(),
        "9/".to_owned(),
        "intermediaries/0/000/000/0000000001.fid".to_owned(),
    ];
    for key in &alike {
        stage.world.plant(key, &content(0, LENGTH));
    }
    let before = stage.keys();
    let deletion = stage.delete();
    assert_eq!((deletion.deleted.files, deletion.other_keys), (1, 9), "{deletion:?}");
    let gone: Vec<_> = before.difference(&stage.keys()).cloned().collect();
    assert_eq!(gone, [path]);
}

/// Only what S3 itself has the SHA-1 of, twice.
#[test]
fn an_orphan_goes_only_by_its_own_sha1() {
    let stage = Stage::new(4);
    let world = &stage.world;
    for file in &stage.files {
        world.port.mogile.drop_row(WorldFid(file.fid.0)).expect("a row");
    }
    // The index must have a row, or the domain is taken for another one.
    world.store(&content(77, LENGTH));
    let with_sha1 = |number: usize, bytes: Vec<u8>| {
        let expected_sha1 = Some(*domain::Sha1::of(&bytes).as_bytes());
        let put = PutRequest { expected_sha1, ..PutRequest::new(Bytes::of(bytes)) };
        world.port.s3.put(BUCKET, stage.intermediary(number).as_str(), put).expect("put");
    };
    // 0 and 1 have one; of 1 the final object is gone. 2 and 3 have none.
    with_sha1(0, content(0, LENGTH));
    with_sha1(1, content(1, LENGTH));
    stage.remove(&stage.files[1].address().key);
    let usual = stage.delete();
    assert_eq!((kept(&usual), usual.entries), (BTreeMap::from([("no-row", 4)]), 0));
    let deletion = stage.try_delete(&stage.ports(), really(), true).expect("not refused");
    let expected = BTreeMap::from([("no-row", 2), ("no-final-object", 1)]);
    assert_eq!((kept(&deletion), deletion.deleted.files), (expected, 1), "{deletion:?}");
    assert!(!stage.intermediaries().contains(&stage.files[0].fid));
}
