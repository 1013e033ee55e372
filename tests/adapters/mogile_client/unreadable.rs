//! Rows that a tracker cannot list: passed around and named, and told from an outage.

use std::sync::Arc;
use std::time::Duration;

use adapters::mogile::{Timeouts, TrackerIndex};
use domain::Fid;
use domain::ports::{IndexError, RowPage, SourceIndex};
use domain::retry::{Classed, ErrorClass};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::{self, ClassId, FileRow};
use tokio::time::Instant;

use super::client::{DOMAIN, nobody, timeouts, trackers_within};
use super::scripted::{Scripted, err};
use super::stage::Stage;

/// Long enough to be seen, short enough for tests.
const PROOF: Duration = Duration::from_millis(60);

const LIMIT: usize = 500;

fn impatient() -> Timeouts {
    Timeouts { unreadable_proof: PROOF, tracker_answer: Duration::from_secs(5), ..timeouts() }
}

fn index(stage: &Stage) -> TrackerIndex {
    TrackerIndex::new(Arc::new(trackers_within(&[stage.tracker], impatient())), DOMAIN.to_owned())
}

impl Stage {
    /// Rows with these fids, of a class that is registered or not.
    fn rows(&self, fids: impl IntoIterator<Item = u64>, classid: u8) {
        for fid in fids {
            self.mogile.plant(FileRow {
                fid: mogile::Fid(fid),
                dmid: mogile::Dmid(1),
                dkey: Some(format!("k{fid}")),
                length: Some(1),
                classid: ClassId(classid),
                devids: Vec::new(),
            });
        }
    }

    fn good(&self, fids: impl IntoIterator<Item = u64>) {
        self.rows(fids, 0);
    }

    fn bad(&self, fids: impl IntoIterator<Item = u64>) {
        self.rows(fids, 9);
    }

    fn asked(&self) -> u64 {
        let counts = self.faults.counts();
        let of = |name: &str| counts.get(&(Service::Tracker, name.to_owned())).copied();
        of("list_fids").unwrap_or(0) + of("file_debug").unwrap_or(0)
    }
}

/// The fids of all pages: those that can be read, and those that cannot.
async fn read_all(index: &TrackerIndex) -> Result<(Vec<u64>, Vec<u64>), IndexError> {
    let (mut readable, mut unreadable, mut after) = (Vec::new(), Vec::new(), Fid(0));
    loop {
        let RowPage { rows, unreadable: not, next, .. } = index.page(after, LIMIT).await?;
        readable.extend(rows.iter().map(|row| row.fid.0));
        unreadable.extend(not.iter().map(|row| row.fid.0));
        let Some(next) = next else { return Ok((readable, unreadable)) };
        assert!(next > after, "page behind {after} ends at {next}");
        after = next;
    }
}

#[tokio::test]
async fn every_row_around_one_that_cannot_be_listed_is_read_and_that_one_is_named() {
    for bad in [1, 2, 250, 499, 500, 501, 1_337, 2_000] {
        let stage = Stage::start().await;
        stage.good((1..=2_000).filter(|fid| *fid != bad));
        stage.bad([bad]);
        let begun = Instant::now();
        let (readable, unreadable) = read_all(&index(&stage)).await.expect("the tracker is well");
        assert!(readable.into_iter().eq((1..=2_000).filter(|fid| *fid != bad)), "around {bad}");
        assert_eq!(unreadable, [bad]);
        assert!(begun.elapsed() >= PROOF, "fid {bad} was rejected without a second look");
        assert!(stage.asked() < 60, "{} requests for fid {bad}", stage.asked());
    }
}

#[tokio::test]
async fn rows_that_cannot_be_listed_are_found_among_others_and_in_gaps() {
    for (good, bad) in [
        (vec![], vec![7]),
        (vec![5, 9], vec![6, 7, 8]),
        (vec![3, 7, 11], vec![1, 5, 9, 13]),
        (vec![10, 13, 40, 41], vec![11, 12, 17, 39, 42]),
        ((1..=999).step_by(2).collect(), (2..=1_000).step_by(2).collect()),
        (vec![1, 2_000], vec![100, 1_000, 3_000, 10_000]),
    ] {
        let stage = Stage::start().await;
        stage.good(good.iter().copied());
        stage.bad(bad.iter().copied());
        let found = read_all(&index(&stage)).await.expect("the tracker is well");
        assert_eq!(found, (good, bad));
    }
}

#[tokio::test]
async fn a_run_of_ten_thousand_takes_two_requests_a_row_and_one_pause() {
    let stage = Stage::start().await;
    stage.good([1, 2, 10_003, 10_004]);
    stage.bad(3..=10_002);
    let begun = Instant::now();
    let (readable, unreadable) = read_all(&index(&stage)).await.expect("the tracker is well");
    assert_eq!(readable, [1, 2, 10_003, 10_004]);
    assert!(unreadable.into_iter().eq(3..=10_002));
    assert!(stage.asked() <= 20_100, "{} requests", stage.asked());
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_gap_of_billions_before_a_bad_row_takes_few_requests_and_is_named() {
    let (stage, far) = (Stage::start().await, 12_345_678_901);
    stage.good([1, far + 1]);
    stage.bad([far]);
    let index = index(&stage);
    let page = index.page(Fid(1), LIMIT).await.expect("the tracker is well");
    assert_eq!(page.unreadable.iter().map(|row| row.fid.0).collect::<Vec<_>>(), [far]);
    let why = &page.unreadable[0].why;
    assert!(why.contains("between fid 1 and fid 12345678901"), "{why}");
    assert!(why.contains("MOGILE_DATABASE_URL"), "{why}");
    assert_eq!(page.rows.iter().map(|row| row.fid.0).collect::<Vec<_>>(), [far + 1]);
    assert!(stage.asked() < 120, "{} requests", stage.asked());
}

#[tokio::test]
async fn an_outage_rejects_no_row_however_long_it_lasts() {
    let down = Scripted::tracker(|_, request| err(request, "failure Operation+failed")).await;
    let trackers = trackers_within(&[down.address, nobody().await], impatient());
    let index = TrackerIndex::new(Arc::new(trackers), DOMAIN.to_owned());
    for _ in 0..3 {
        let error = index.page(Fid(0), LIMIT).await.expect_err("nobody answers");
        assert_eq!(error.class(), ErrorClass::Retry, "{error}");
        let error = index.row(Fid(1)).await.expect_err("nobody answers");
        assert_eq!(error.class(), ErrorClass::Retry, "{error}");
    }
    assert!(down.requests() < 20, "{} requests", down.requests());
}

#[tokio::test]
async fn an_outage_that_begins_or_ends_during_the_search_rejects_no_row() {
    for times in 1..40 {
        for skipped in [0, 1, 3, 12] {
            let stage = Stage::start().await;
            stage.good(1..=20);
            let index = index(&stage);
            let fault = Fault::Refuse { status: 0, code: "failure".to_owned() };
            let rule = Rule { times, ..Rule::once(Service::Tracker, "list_fids", "", fault) };
            // The first page fails in any case; then the tracker is well for some requests.
            let first = Rule { times: 1, ..rule.clone() };
            stage.faults.add(first);
            let read = async {
                tokio::time::sleep(Duration::from_micros(300 * skipped)).await;
                stage.faults.add(rule);
            };
            let (page, ()) = tokio::join!(index.page(Fid(0), LIMIT), read);
            match page {
                Ok(page) => assert!(page.unreadable.is_empty(), "{times} {skipped}: {page:?}"),
                Err(error) => assert_eq!(error.class(), ErrorClass::Retry, "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn one_tracker_that_is_out_of_order_does_not_hide_the_row_that_another_names() {
    let stage = Stage::start().await;
    stage.good([1, 3]);
    stage.bad([2]);
    let down = Scripted::tracker(|_, request| err(request, "failure Operation+failed")).await;
    let trackers = trackers_within(&[down.address, stage.tracker], impatient());
    let index = TrackerIndex::new(Arc::new(trackers), DOMAIN.to_owned());
    assert_eq!(read_all(&index).await.expect("one is well"), (vec![1, 3], vec![2]));
}

#[tokio::test]
async fn a_single_row_is_absent_unreadable_or_there_whatever_lies_behind_it() {
    let stage = Stage::start().await;
    stage.good([1, 9]);
    stage.bad([5, 6]);
    let index = index(&stage);
    for absent in [2, 4, 7, 8] {
        assert_eq!(index.row(Fid(absent)).await.expect("an answer"), None, "fid {absent}");
    }
    for there in [1, 9] {
        assert!(index.row(Fid(there)).await.expect("an answer").is_some(), "fid {there}");
    }
    for bad in [5, 6] {
        let error = index.row(Fid(bad)).await.expect_err("no tracker can give it");
        assert!(matches!(error, IndexError::UnreadableRow { fid, .. } if fid.0 == bad), "{error}");
        let begun = Instant::now();
        assert!(index.row(Fid(bad)).await.is_err());
        assert!(begun.elapsed() < PROOF, "the second time there is nothing to prove");
    }
}

#[test]
fn production_looks_twice_ten_seconds_apart() {
    assert!(Timeouts::default().unreadable_proof >= Duration::from_secs(10));
}
