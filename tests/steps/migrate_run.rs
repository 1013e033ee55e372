//! Whole runs on the port face: what they ask, what they count, what they leave in the ledger.

mod ledger;
mod selection;
mod simulation;
mod stops;
mod sync;
mod types;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{BUCKET, World, content};
use domain::engine::{OutageObserver, Quiet, RunObserver, RunPlan, migrate_run, never};
use domain::migrate::{Among, Page, RoutePolicy, Selection};
use domain::ports::{Clock, Ledger, Segment};
use domain::{
    BucketMap, ByteCount, ETag, Failure, Fid, Finding, IntermediaryForm, LedgerItem, LedgerRecord,
    ObjectKey, Outcomes, Proof, Reason, RowCounts, SourceFile, Summary, Tally,
};
use stand_ins::port::{Call, PortFault, PortLedger};
use stand_ins::world::mogile::{self, Content, FileRow};

/// All that are pending, by the usual routes, one after the other.
fn plan() -> RunPlan {
    RunPlan { concurrency: 1, ..crate::common::plan() }
}

fn run(world: &World, plan: &RunPlan) -> Summary {
    let summary = world.run(migrate_run(&world.port.ports(), plan, never(), &Quiet));
    assert!(summary.adds_up(), "{summary:?}");
    summary
}

/// So many files of [`LENGTH`] bytes, and their raw copies of this form if they have any.
fn files(world: &World, count: u64, raw: Option<IntermediaryForm>) -> Vec<SourceFile> {
    let salts = world.port.mogile.row_count() as u64..;
    let stored = salts.take(usize::try_from(count).expect("small")).map(|salt| {
        let bytes = content(salt, LENGTH);
        let file = world.store(&bytes);
        if let Some(form) = raw {
            world.plant(&ObjectKey::intermediary(file.fid, form), &bytes);
        }
        file
    });
    stored.collect()
}

const LENGTH: usize = 100;

fn tally(files: u64) -> Tally {
    Tally { files, bytes: files * LENGTH as u64 }
}

fn rows(rows: u64) -> RowCounts {
    RowCounts { rows, ..RowCounts::default() }
}

/// Whatever came of them, the index counted as many.
fn read(files: u64) -> Summary {
    Summary { intake: rows(files), counted_before: Some(files), ..Summary::default() }
}

/// Why it stopped, in words.
fn stopped(summary: &Summary) -> Option<String> {
    summary.stopped.as_ref().map(ToString::to_string)
}

fn failed(summary: &Summary) -> BTreeMap<&'static str, u64> {
    summary.ends.failed.iter().map(|(&reason, sample)| (reason, sample.files)).collect()
}

/// What the ledger has, read past the faults.
fn records(world: &World) -> BTreeMap<Fid, LedgerRecord> {
    let port = &world.port;
    let judge = PortLedger::new(port.database.clone(), port.table.clone(), Arc::default());
    let mut records = BTreeMap::new();
    let whole = Segment { number: 0, of: 1 };
    let mut keep = |item: LedgerItem| {
        let Ok(record) = item else { return };
        records.insert(record.fid, record);
    };
    world.run(judge.scan(whole, &mut keep)).expect("without faults it answers");
    records
}

#[test]
fn a_clean_run_asks_no_more_than_it_must_and_the_next_one_nothing_of_s3() {
    let world = World::instant();
    let mut all = files(&world, 30, Some(IntermediaryForm::Plain));
    all.extend(files(&world, 10, Some(IntermediaryForm::LeadingSlash)));
    all.extend(files(&world, 20, None));

    let summary = run(&world, &plan());
    // Three listings: are there keys with a leading slash, and a folder of each form. One after the
    // other, each file is recorded before the next but one.
    let asked = "page 2, count 1, domains 1, replicas 20, open 20, put 20, copy 40, list 3, record 60, \
                 scan 4, scanfailures 1";
    assert_eq!(world.calls(), asked);
    let ends = Outcomes { by_copy: tally(40), by_mogile: tally(20), ..Outcomes::default() };
    let expected = Summary { ends, ..read(60) };
    assert_eq!(summary, expected);
    assert!(summary.is_clean());
    for (salt, file) in all.iter().enumerate() {
        let there = world.at(&file.address().key).expect("it was migrated");
        assert_eq!(there, content(salt as u64, LENGTH));
    }
    let proofs = records(&world).into_values().filter_map(|record| record.proof);
    assert_eq!(proofs.count(), 60);

    let again = run(&world, &plan());
    // Rows of a few proven files show whether the map still takes them there.
    let asked = "page 2, row 16, count 1, domains 1, scan 4, scanfailures 1";
    assert_eq!(world.calls(), asked);
    let intake = RowCounts { proven_before: tally(60), ..rows(60) };
    assert_eq!(again, Summary { intake, ..read(60) });
}

#[test]
fn all_again_proves_what_is_there_without_writing_it() {
    let world = World::instant();
    files(&world, 5, Some(IntermediaryForm::Plain));
    files(&world, 3, None);
    run(&world, &plan());
    world.calls();
    let selection = Selection { among: Among::Again, ..Selection::default() };
    let summary = run(&world, &RunPlan { selection, ..plan() });
    let ends = Outcomes { already_there: tally(8), ..Outcomes::default() };
    let expected = Summary { ends, ..read(8) };
    assert_eq!(summary, expected);
    // Each is looked at first, so nothing is copied or sent for it.
    let asked =
        "page 2, row 8, count 1, domains 1, head 8, list 2, record 8, scan 4, scanfailures 1";
    assert_eq!(world.calls(), asked);
}

#[test]
fn every_row_has_its_class() {
    let world = World::instant();
    let mogile = &world.port.mogile;
    let file = files(&world, 1, None).remove(0);
    let row = mogile.row(mogile::Fid(file.fid.0)).expect("it is there");
    let sha1 = file.dkey.sha1;
    let keys = [
        Some("0c8c1c9e-5b5d-4e5c-8a55-000000000001.tmp".to_owned()),
        Some(format!("{sha1}-trash")),
        Some(format!("{sha1}-unknown")),
        Some("README".to_owned()),
        None,
    ];
    for (dkey, fid) in keys.into_iter().zip(100..) {
        mogile.plant(FileRow { fid: mogile::Fid(fid), dkey, ..row.clone() });
    }
    let no_length = Some(format!("{}-repo", domain::ContentHasher::of(b"other").sha1));
    let fid = mogile::Fid(200);
    mogile.plant(FileRow { fid, dkey: no_length, length: None, ..row.clone() });
    let other = mogile.add_domain("other");
    mogile.store(other, &file.dkey.to_string(), &Content::from("x"), &world.devices);

    let summary = run(&world, &plan());
    let intake = &summary.intake;
    let rejected: Vec<_> =
        intake.rejected.iter().map(|(&why, sample)| (why, sample.files)).collect();
    let each = ["no-key", "no-length", "not-content-addressed", "unmapped-bucket"];
    assert_eq!(rejected, each.map(|why| (why, 1)));
    assert_eq!((intake.temporary, intake.ignored, intake.other_domains), (1, 1, 1));
    assert_eq!((summary.ends.by_mogile, summary.intake.rows), (tally(1), 7));
    assert!(!summary.is_clean(), "rejected rows are left to look into");
}

#[test]
fn the_route_is_the_operators() {
    for (route, by_copy, by_mogile, reasons, asked) in [
        (RoutePolicy::Auto, 4, 3, &[][..], "replicas 3, open 3, put 3, copy 4, list 2, record 7"),
        (RoutePolicy::Copy, 4, 0, &[("no-intermediary", 3)], "copy 4, head 3, list 2, record 4"),
        (RoutePolicy::Mogile, 0, 7, &[], "replicas 7, open 7, put 7, record 7"),
    ] {
        let world = World::instant();
        files(&world, 4, Some(IntermediaryForm::Plain));
        files(&world, 3, None);
        let summary = run(&world, &RunPlan { route, ..plan() });
        assert_eq!(
            (summary.ends.by_copy, summary.ends.by_mogile),
            (tally(by_copy), tally(by_mogile))
        );
        assert_eq!(failed(&summary), reasons.iter().copied().collect(), "{route:?}");
        let asked = format!("page 2, count 1, domains 1, {asked}, scan 4, scanfailures 1");
        assert_eq!(world.calls(), asked, "{route:?}");
    }
}

#[test]
fn an_intermediary_that_one_request_cannot_take_is_not_copied() {
    let world = World::instant();
    files(&world, 4, Some(IntermediaryForm::Plain));
    let summary = run(&world, &RunPlan { single_request_bytes: 0, ..plan() });
    assert_eq!((summary.ends.by_copy, summary.ends.by_mogile), (tally(0), tally(4)));
}

#[test]
fn a_copied_files_record_has_the_length_of_what_was_copied() {
    for form in IntermediaryForm::ALL {
        let world = World::instant();
        let file = files(&world, 2, Some(form)).remove(0);
        let row = world.port.mogile.row(mogile::Fid(file.fid.0)).expect("it is there");
        world.port.mogile.plant(FileRow { length: Some(7), ..row });

        let summary = run(&world, &plan());
        assert_eq!((summary.ends.by_copy.files, summary.ends.by_mogile), (2, tally(0)), "{form:?}");
        let lengths = records(&world).into_values().map(|record| record.length);
        assert!(lengths.eq([Some(ByteCount(LENGTH as u64)); 2]), "{form:?}");
        let found = &summary.ends.findings["index-length"];
        assert_eq!(found.first_fids, [file.fid], "{form:?}: {}", found.example);
    }
}

#[test]
fn a_former_tools_record_is_proven_again() {
    let world = World::instant();
    let all = files(&world, 3, Some(IntermediaryForm::Plain));
    let claims = all.iter().map(|file| LedgerRecord {
        fid: file.fid,
        sha1: file.dkey.sha1,
        etag: ETag("0123".to_owned()),
        bucket: file.bucket.clone(),
        proof: None,
        route: None,
        length: None,
        migrated_at: None,
    });
    let claims: Vec<_> = claims.collect();
    world.run(world.port.ports().ledger.record(&claims)).expect("no faults");
    // Of what it claims one is true, one is another content, one is not there at all.
    world.plant(&all[0].address().key, &content(0, LENGTH));
    world.plant(&all[1].address().key, &content(99, LENGTH));

    let summary = run(&world, &plan());
    assert_eq!((summary.ends.already_there, summary.ends.by_mogile), (tally(1), tally(1)));
    assert_eq!(summary.ends.by_copy, tally(1));
    let proofs: Vec<_> = records(&world).into_values().map(|record| record.proof).collect();
    assert_eq!(proofs, [Some(Proof::Download), Some(Proof::Put), Some(Proof::Copy)]);
    for (salt, file) in all.iter().enumerate() {
        assert_eq!(world.at(&file.address().key), Some(content(salt as u64, LENGTH).into()));
    }
}

#[test]
fn trackers_that_were_never_reached_end_the_run_within_two_minutes() {
    for concurrency in [1, 8] {
        let world = World::instant();
        files(&world, 150, None);
        world.port.faults.strike(Call::Replicas, "", PortFault::RequestLost, u32::MAX);
        let begun = world.port.clock.now();
        let summary = run(&world, &RunPlan { concurrency, ..plan() });
        let took = begun.until(world.port.clock.now());
        assert!(took <= Duration::from_mins(2), "{took:?}");
        let failures = summary.ends.failures();
        assert!((1..=50).contains(&failures), "only what was tried has failed: {summary:?}");
        assert_eq!((summary.intake.rows, summary.not_begun), (150, 150 - failures));
        assert!(stopped(&summary).is_some_and(|why| why.starts_with("source-unreachable")));

        world.port.faults.clear();
        let summary = run(&world, &plan());
        assert_eq!(summary.ends.by_mogile, tally(150), "nothing was lost by it");
    }
}

/// One in three of them can be read: no outage, however many cannot.
#[test]
fn a_success_between_them_tells_bad_files_from_an_outage() {
    let world = World::instant();
    for file in files(&world, 240, None).iter().filter(|file| file.fid.0 % 3 != 0) {
        let path = format!("{:010}.fid", file.fid.0);
        world.port.faults.strike(Call::Open, &path, PortFault::RequestLost, u32::MAX);
    }
    let summary = run(&world, &RunPlan { concurrency: 8, ..plan() });
    assert_eq!((&summary.stopped, summary.ends.by_mogile), (&None, tally(80)));
    assert_eq!(failed(&summary), BTreeMap::from([("replicas-unreachable", 160)]));
}

#[test]
fn a_run_that_cannot_begin_says_why() {
    for (call, why) in [
        (Call::Scan, "ledger-unavailable"),
        (Call::ScanFailures, "ledger-unavailable"),
        (Call::Domains, "index-unreadable"),
        (Call::Page, "index-unreadable"),
    ] {
        let world = World::instant();
        files(&world, 3, None);
        world.port.faults.strike(call, "", PortFault::RequestLost, u32::MAX);
        let summary = run(&world, &plan());
        assert!(stopped(&summary).is_some_and(|said| said.starts_with(why)), "{call:?}");
    }
}

#[test]
fn where_s3_was_never_reached_the_run_says_so_and_begins_no_file() {
    let world = World::instant();
    files(&world, 3, None);
    world.port.faults.strike(Call::List, "", PortFault::RequestLost, u32::MAX);
    let summary = run(&world, &plan());
    assert!(stopped(&summary).is_some_and(|why| why.starts_with("s3-unreachable")));
    assert_eq!((summary.intake.rows, failed(&summary)), (3, [("s3-unreachable", 3)].into()));
    assert!(!world.calls().contains("replicas"));
}

/// Notes when each file was settled.
struct Times<'a> {
    clock: &'a dyn Clock,
    settled: Mutex<BTreeMap<Fid, u64>>,
}

impl OutageObserver for Times<'_> {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl RunObserver for Times<'_> {
    fn expect(&self, _rows: Option<u64>) {}
    fn read(&self, _page: &Page) {}
    fn settled(&self, file: &SourceFile, _failure: Option<&Failure>) {
        self.settled.lock().expect("one thread").insert(file.fid, self.clock.now().0);
    }
    fn noticed(&self, _file: &SourceFile, _finding: &Finding) {}
}

/// Far fewer than a request could take are proven in a second.
#[test]
fn a_slow_run_writes_its_records_every_second() {
    let world = World::paced(1);
    let all = files(&world, 4, None);
    // The trackers answer for the last one after some tries, when the others are long done.
    let slow = all[3].dkey.to_string();
    world.port.faults.strike(Call::Replicas, &slow, PortFault::RequestLost, 8);
    let times = Times { clock: &*world.port.clock, settled: Mutex::default() };
    let run_plan = RunPlan { concurrency: 64, ..plan() };
    let summary = world.run(migrate_run(&world.port.ports(), &run_plan, never(), &times));
    assert!(summary.is_clean() && summary.ends.by_mogile == tally(4), "{summary:?}");
    assert_eq!(world.port.faults.take_counts()[&Call::Record], 2);
    let settled = times.settled.into_inner().expect("one thread");
    for (fid, record) in records(&world) {
        let proven = record.migrated_at.expect("a record of ours").0;
        let waited = settled[&fid] - proven;
        // A second, and the write itself.
        assert!(waited <= 1000 + 60, "fid {fid} waited {waited} ms");
    }
}

#[test]
fn keys_of_a_bucket_that_is_away_stop_nothing_else() {
    let world = World::instant();
    files(&world, 2, None);
    let digests = domain::ContentHasher::of(b"lost");
    let key = format!("{}-lost", digests.sha1);
    world.port.mogile.store(world.dmid, &key, &Content::from("lost"), &world.devices);
    let buckets = BucketMap::parse("repo:new-repo,lost:nowhere", "").expect("good settings");
    let route = RoutePolicy::Mogile;
    let summary = run(&world, &RunPlan { buckets, route, ..plan() });
    assert_eq!(failed(&summary), BTreeMap::from([("s3-no-bucket", 1)]));
    assert_eq!(summary.ends.by_mogile, tally(2));
    assert_eq!(world.port.s3.objects(BUCKET).expect("it is there").len(), 2);
}
