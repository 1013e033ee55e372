//! What `plan` says is there already, against what `migrate` then asks for.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::doctor::{Arrived, Contents, WriteSizes, census};
use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::migrate::RoutePolicy;
use domain::ports::{Ledger, LedgerError, Segment};
use domain::{
    BucketMap, ETag, FailureNote, FailureRecord, Fid, JobAction, LedgerItem, LedgerRecord, Noted,
    Proof, Reason, S3Bucket, Sha1, SourceFile, Tally, Timestamp, limits,
};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::bucket::Condition;
use stand_ins::world::mogile::{self, FileRow};

use crate::common::{BUCKET, World, content, plan};

const SIZES: WriteSizes = WriteSizes {
    single_request_bytes: limits::SINGLE_REQUEST_BYTES,
    part_bytes: limits::SINGLE_REQUEST_BYTES,
    most_job_bytes: limits::SINGLE_REQUEST_BYTES,
    route: RoutePolicy::Auto,
};

fn map() -> BucketMap {
    BucketMap::parse("repo:new-repo", "trash").expect("good settings")
}

fn gathered(world: &World) -> Result<Contents, Reason> {
    let ports = world.port.ports();
    let tables = Some((ports.ledger.as_ref(), ports.failures.as_ref()));
    let clock = ports.clock.as_ref();
    world.run(Contents::gather(ports.objects.as_ref(), tables, clock, &map(), &|_| ()))
}

fn arrived(world: &World, contents: &Contents) -> Arrived {
    let ports = world.port.ports();
    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let census = world.run(census(index, clock, &map(), SIZES, Some(contents)));
    assert_eq!(census.stopped, None);
    census.arrived.expect("the buckets were listed")
}

fn planned(world: &World) -> Arrived {
    arrived(world, &gathered(world).expect("all can be read"))
}

fn migrate(world: &World) -> BTreeMap<Call, u64> {
    world.port.faults.take_counts();
    let moved_from = [S3Bucket::new("old-corpus").expect("a name")].into();
    let plan = RunPlan { moved_from, ..plan() };
    let summary = world.run(migrate_run(&world.port.ports(), &plan, never(), &Quiet));
    assert!(summary.is_clean(), "{summary:?}");
    world.port.faults.take_counts()
}

/// Files that are stored, and neither synced nor migrated.
fn stored(world: &World, salts: std::ops::Range<u64>) -> Vec<SourceFile> {
    salts.map(|salt| world.store(&content(salt, 100))).collect()
}

fn record(world: &World, file: &SourceFile, sha1: Sha1, bucket: &str, proof: Option<Proof>) {
    let record = proof_of(file, sha1, bucket, proof);
    world.run(world.port.ports().ledger.record(&[record])).expect("written");
}

fn proof_of(file: &SourceFile, sha1: Sha1, bucket: &str, proof: Option<Proof>) -> LedgerRecord {
    LedgerRecord {
        fid: file.fid,
        sha1,
        etag: ETag("e".to_owned()),
        bucket: S3Bucket::new(bucket).expect("a name"),
        proof,
        route: None,
        length: None,
        migrated_at: None,
    }
}

/// As a verification leaves it that has found nothing at the final key.
fn doubt(world: &World, file: &SourceFile) {
    let record = FailureRecord {
        fid: file.fid,
        action: Some(JobAction::Verify),
        dkey: file.dkey.to_string(),
        reason: "missing".to_owned(),
        detail: String::new(),
        attempt: 1,
        failed_at: Timestamp(0),
        doubted: true,
        messages: BTreeMap::new(),
    };
    let note = FailureNote { message: "m".to_owned(), record, what: Noted::Failed };
    world.run(world.port.ports().failures.note(&[note])).expect("written");
}

/// Whether the requests of a run are those that were planned for what is left.
fn is_what_was_planned(arrived: &Arrived, calls: &BTreeMap<Call, u64>) {
    let left = &arrived.requests_left;
    let called = |call| calls.get(&call).copied().unwrap_or_default();
    assert_eq!(left.writes, called(Call::Put) + called(Call::Copy), "{left:?} {calls:?}");
    assert_eq!(left.heads(), called(Call::Head), "{left:?} {calls:?}");
    assert_eq!(left.to_be_read.files, called(Call::Read), "{left:?} {calls:?}");
}

#[test]
fn a_file_counts_as_proven_where_migrate_passes_over_it() {
    let world = World::instant();
    let files = stored(&world, 0..8);
    migrate(&world);
    let proven = |arrived: &Arrived| arrived.buckets[BUCKET].proven.files;
    assert_eq!(proven(&planned(&world)), 8);
    // A doubt; a fid that was used again, or a key that was renamed; a record of another bucket.
    doubt(&world, &files[0]);
    record(&world, &files[1], Sha1::of(b"another"), BUCKET, Some(Proof::Put));
    record(&world, &files[2], files[2].dkey.sha1, "old-corpus", Some(Proof::Put));
    let arrived = planned(&world);
    assert_eq!((proven(&arrived), arrived.proven_and_absent.files), (5, 0));
    let left = &arrived.requests_left;
    assert_eq!((left.files(), left.looked_at, left.refused), (3, 1, 2), "{left:?}");
    let of_bucket = &arrived.buckets[BUCKET];
    // All are at their final key: nothing is to be written, and three files are left.
    assert_eq!((of_bucket.at_final_key.files, of_bucket.left.files), (8, 3), "{of_bucket:?}");
    is_what_was_planned(&arrived, &migrate(&world));
    assert_eq!(proven(&planned(&world)), 8, "the doubt is gone with the new proof");

    // Only a proof of today's content makes an absent object a loss.
    for file in &files[3..5] {
        let key = file.dkey.sha1.to_string();
        world.port.s3.delete(BUCKET, &key, &Condition::None).expect("deleted");
    }
    record(&world, &files[4], Sha1::of(b"another"), BUCKET, Some(Proof::Put));
    let arrived = planned(&world);
    let lost: Vec<Fid> = vec![files[3].fid];
    assert_eq!((proven(&arrived), arrived.proven_and_absent.first_fids), (6, lost));
}

/// Whether an object is at the final key; the bucket of s3migrate's record of the file.
#[test]
fn a_claim_is_looked_at_whatever_its_bucket_and_whether_or_not_it_is_true() {
    for (is_there, bucket, [writes, looked_at, looked_for]) in [
        (true, BUCKET, [0, 1, 0]),
        (true, "old-corpus", [0, 1, 0]),
        (false, BUCKET, [1, 0, 1]),
        (false, "old-corpus", [1, 0, 1]),
    ] {
        let world = World::instant();
        let file = stored(&world, 0..1).remove(0);
        if is_there {
            world.plant(&file.dkey.sha1, &content(0, 100));
        }
        record(&world, &file, file.dkey.sha1, bucket, None);
        let arrived = planned(&world);
        let left = &arrived.requests_left;
        assert_eq!(
            [left.writes, left.looked_at, left.looked_for],
            [writes, looked_at, looked_for],
            "{is_there} {bucket}"
        );
        is_what_was_planned(&arrived, &migrate(&world));
    }
}

#[test]
fn without_the_doubts_nothing_is_said_of_what_is_proven() {
    let world = World::instant();
    stored(&world, 0..2);
    migrate(&world);
    world.port.faults.strike(Call::ScanFailures, "", PortFault::RequestLost, u32::MAX);
    let reason = gathered(&world).expect_err("the doubts are not known");
    assert!(reason.to_string().contains("failures"), "{reason}");
}

/// A ledger during whose scan another run migrates a file.
struct Racing<'a> {
    world: &'a World,
    file: Mutex<Option<SourceFile>>,
}

#[async_trait]
impl Ledger for Racing<'_> {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        self.world.port.ports().ledger.record(records).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        self.world.port.ports().ledger.read(fids).await
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        let file = self.file.lock().expect("one at a time").take();
        if let Some(file) = file {
            self.world.plant(&file.dkey.sha1, &content(0, 100));
            self.record(&[proof_of(&file, file.dkey.sha1, BUCKET, Some(Proof::Put))]).await?;
        }
        self.world.port.ports().ledger.scan(segment, each).await
    }
}

#[test]
fn a_run_that_goes_on_meanwhile_makes_no_false_alarm() {
    let world = World::instant();
    let file = stored(&world, 0..1).remove(0);
    let ports = world.port.ports();
    let racing = Racing { world: &world, file: Mutex::new(Some(file)) };
    let tables: Option<(&dyn Ledger, _)> = Some((&racing, ports.failures.as_ref()));
    let (objects, clock) = (ports.objects.as_ref(), ports.clock.as_ref());
    let contents = world.run(Contents::gather(objects, tables, clock, &map(), &|_| ()));
    let arrived = arrived(&world, &contents.expect("all can be read"));
    assert_eq!((arrived.proven_and_absent.files, arrived.requests_left.files()), (0, 0));
}

#[test]
fn a_length_that_no_file_can_have_ruins_no_sum() {
    let world = World::instant();
    let files = stored(&world, 0..3);
    for (file, length) in files.iter().zip([u64::MAX, limits::LARGEST_FILE_BYTES + 1]) {
        let row = world.port.mogile.row(mogile::Fid(file.fid.0)).expect("a row");
        world.port.mogile.plant(FileRow { length: Some(length), ..row });
    }
    let ports = world.port.ports();
    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let contents = gathered(&world).expect("all can be read");
    let census = world.run(census(index, clock, &map(), SIZES, Some(&contents)));
    assert_eq!(census.source[BUCKET], Tally { files: 3, bytes: 100 });
    assert_eq!(census.too_long.first_fids, [files[0].fid, files[1].fid]);
    let words = format!("{}: {} bytes", files[0].dkey, u64::MAX);
    assert_eq!((census.too_long.example, census.in_parts), (words, Tally::default()));
    let needed = &census.requests_needed;
    assert_eq!((needed.writes, needed.uploads, needed.parts), (1, 0, 0));
    let arrived = &census.arrived.expect("listed").buckets[BUCKET];
    assert_eq!(arrived.absent, Tally { files: 1, bytes: 100 });
}
