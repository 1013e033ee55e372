//! The three feeds of the engine through the same troubles: a run over the index, a worker on the
//! queue, and a batch. What a file comes to does not depend on how it came.

mod stops;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::engine::{
    Quiet, RunPlan, Stop, Unobserved, migrate_run, never, work_batch, work_queue,
};
use domain::migrate::Selection;
use domain::ports::Clock;
use domain::{
    BucketMap, Delivery, IntermediaryForm, Outcomes, ReasonKind, SourceFile, Stopped, limits,
};
use futures_util::future::join;
use futures_util::{StreamExt, stream};
use stand_ins::port::{Call, PortFault};

use super::stage::{Stage, body};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feed {
    Index,
    Queue,
    Batch,
}

const FEEDS: [Feed; 3] = [Feed::Index, Feed::Queue, Feed::Batch];

/// What came of the files, whatever they were fed by.
#[derive(Debug, Default, PartialEq, Eq)]
struct Came {
    proven: u64,
    /// Of them those that were found at their final keys.
    found: u64,
    failed: BTreeMap<&'static str, u64>,
    /// Not begun, or abandoned, since the engine stopped.
    left: u64,
    /// The kind of trouble that ended it.
    stopped: Option<ReasonKind>,
}

impl Came {
    fn of(ends: &Outcomes, left: u64, stopped: Option<&Stopped>) -> Self {
        let mut failed: BTreeMap<_, _> =
            ends.failed.iter().map(|(reason, sample)| (*reason, sample.files)).collect();
        let not_started = failed.remove(ReasonKind::NotStarted.name()).unwrap_or_default();
        let proven = [ends.by_copy, ends.by_mogile, ends.already_there];
        Self {
            proven: proven.iter().map(|tally| tally.files).sum(),
            found: ends.already_there.files,
            failed,
            left: left + not_started,
            stopped: stopped.and_then(|why| match why {
                Stopped::Trouble(reason) => Some(reason.kind),
                Stopped::Failures(_) | Stopped::Interrupted | Stopped::Misconfigured(_) => None,
            }),
        }
    }

    fn unfinished(&self) -> u64 {
        self.left + self.failed.values().sum::<u64>()
    }
}

/// How long the feeds wait for a system that was reached before.
const WAIT: Duration = Duration::from_mins(20);

/// A batch has as much time, and what the last tries of that take.
const BATCH_TIME: Duration = Duration::from_mins(22);

/// A worker has no end of its own while jobs come back: it is told to stop before they do.
const SOON: [(Duration, Stop); 1] = [(Duration::from_secs(40), Stop::Drain)];

/// Files that are fed at once, a job for each in the queue.
fn stage(seed: u64, by_copy: u64, by_mogile: u64) -> (Stage, Vec<SourceFile>) {
    let mut stage = Stage::paced(seed);
    stage.plan.wait = Some(WAIT);
    let mut files = stage.files(by_copy, Some(IntermediaryForm::Plain));
    files.extend(stage.files(by_mogile, None));
    for file in &files {
        stage.send_raw(&body(file), Some("migrate"));
    }
    (stage, files)
}

pub fn run_plan(stage: &Stage) -> RunPlan {
    RunPlan {
        types: None,
        guard: None,
        buckets: stage.plan.buckets.clone(),
        route: stage.plan.route,
        selection: Selection::default(),
        concurrency: stage.plan.concurrency,
        max_failures: None,
        wait: WAIT,
        keep_going: false,
        moved_from: <_>::default(),
        single_request_bytes: stage.plan.single_request_bytes,
    }
}

impl Feed {
    /// Feeds all that is not done. A batch takes every job that is visible, and is acknowledged
    /// afterwards by the one who received it.
    async fn feed(self, stage: &Stage, stops: &[(Duration, Stop)]) -> Came {
        let ports = stage.world.port.work_ports();
        let clock = stage.world.port.clock.as_ref();
        let told = stream::iter(stops.to_vec()).then(|(time, stop)| async move {
            clock.sleep(time).await;
            stop
        });
        let told = told.chain(never()).boxed();
        match self {
            Self::Index => {
                let plan = run_plan(stage);
                let summary = migrate_run(&ports.files, &plan, told, &Quiet).await;
                assert!(summary.adds_up(), "{summary:?}");
                let left = summary.not_begun + summary.abandoned;
                Came::of(&summary.ends, left, summary.stopped.as_ref())
            }
            Self::Queue => {
                let summary = work_queue(&ports, &stage.plan, true, &Unobserved, told).await;
                assert!(summary.adds_up(), "{summary:?}");
                Came::of(&summary.ends, 0, summary.stopped.as_ref())
            }
            Self::Batch => {
                let deliveries = receive_all(stage).await;
                let receipts: BTreeMap<_, _> = deliveries
                    .iter()
                    .map(|one| (one.message.clone(), one.receipt.clone()))
                    .collect();
                // It is told to stop by its time alone.
                let time = match stops.iter().map(|(time, _)| *time).sum() {
                    Duration::ZERO => BATCH_TIME,
                    time => time + limits::BATCH_RESERVE,
                };
                let finish_by = clock.now().after(time);
                let report =
                    work_batch(&ports, &stage.plan, deliveries, finish_by, &Unobserved).await;
                assert!(report.summary.adds_up(), "{report:?}");
                assert!(clock.now() <= finish_by, "it ends in time");
                let done: Vec<_> = receipts
                    .iter()
                    .filter(|(message, _)| !report.again.contains(message))
                    .map(|(_, receipt)| receipt.clone())
                    .collect();
                for receipts in done.chunks(10) {
                    ports.queue.delete(receipts).await.expect("the queue is there");
                }
                Came::of(&report.summary.ends, 0, None)
            }
        }
    }

    /// Feeds again whatever is not done, without any trouble, and judges the whole. Returns how
    /// many files were done and not recorded, and so had to be proven again.
    fn completes(self, stage: &Stage, all: u64) -> u64 {
        stage.world.port.faults.clear();
        let before = stage.records().len() as u64;
        // A job that came back is visible again after two hours at the latest.
        let clock = &stage.world.port.clock;
        let rest = async {
            clock.sleep(Duration::from_hours(3)).await;
            self.feed(stage, &[]).await
        };
        let came = stage.world.run(rest);
        assert_eq!(came.unfinished(), 0, "{self:?} {came:?}");
        stage.everything_is_there();
        assert_eq!(stage.records().len() as u64, all);
        // What was recorded and not acknowledged is only looked at.
        let written = came.proven - came.found;
        (all - before) - written
    }
}

async fn receive_all(stage: &Stage) -> Vec<Delivery> {
    let ports = stage.world.port.work_ports();
    let mut all = Vec::new();
    loop {
        let some = ports.queue.receive(10, Duration::from_secs(1), None).await;
        let some = some.expect("the queue is there");
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// Feeds while something else happens.
fn feed_while<T>(feed: Feed, stage: &Stage, other: impl Future<Output = T>) -> (Came, T) {
    stage.world.run(join(feed.feed(stage, &[]), other))
}

/// Returns when every system has been reached, and most of the work is still to do.
async fn when_under_way(stage: &Stage, first: &SourceFile) {
    let clock = &stage.world.port.clock;
    while stage.world.at(&first.address().key).is_none() {
        clock.sleep(Duration::from_millis(50)).await;
    }
    clock.sleep(Duration::from_millis(1_200)).await;
}

/// The calls by which each system is met, and what it is called where it is away.
const SYSTEMS: [(Call, ReasonKind); 4] = [
    (Call::Replicas, ReasonKind::SourceUnreachable),
    (Call::Open, ReasonKind::ReplicasUnreachable),
    (Call::Put, ReasonKind::StoreUnreachable),
    (Call::Record, ReasonKind::LedgerUnavailable),
];

#[test]
fn a_system_that_is_away_for_minutes_costs_no_file_anything() {
    for feed in FEEDS {
        for (seed, (call, _)) in (0..).zip(SYSTEMS) {
            let (stage, files) = stage(seed, 0, 200);
            let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
            let outage = async {
                when_under_way(&stage, &files[0]).await;
                faults.strike(call, "", PortFault::RequestLost, u32::MAX);
                clock.sleep(Duration::from_mins(4)).await;
                faults.clear();
            };
            let (came, ()) = feed_while(feed, &stage, outage);
            let all = Came { proven: 200, ..Came::default() };
            assert_eq!(came, all, "{feed:?} {call:?}");
            stage.everything_is_there();
            assert!(stage.failures().is_empty(), "{feed:?} {call:?}");
        }
    }
}

#[test]
fn a_system_that_was_never_reached_ends_it_within_two_minutes() {
    for feed in FEEDS {
        for (seed, (call, kind)) in (0..).zip(SYSTEMS) {
            let (stage, _) = stage(seed, 0, 100);
            stage.world.port.faults.strike(call, "", PortFault::RequestLost, u32::MAX);
            let begun = stage.world.port.clock.now();
            let came = stage.world.run(feed.feed(&stage, &[]));
            let took = begun.until(stage.world.port.clock.now());
            assert_eq!(came.proven, 0, "{feed:?} {call:?}");
            assert!(came.failed.keys().all(|reason| *reason == kind.name()), "{came:?}");
            // A batch uses its time: who gave it that decides when it is over.
            if feed != Feed::Batch {
                assert_eq!(came.stopped, Some(kind), "{feed:?} {call:?}");
                assert!(took <= Duration::from_mins(2), "{feed:?} {call:?}: {took:?}");
                assert!(came.failed.values().sum::<u64>() <= 30, "{feed:?} {call:?}: {came:?}");
            }
            feed.completes(&stage, 100);
        }
    }
}

#[test]
fn a_system_that_stays_away_is_waited_for_and_then_given_up() {
    for feed in FEEDS {
        for (seed, (call, kind)) in (0..).zip(SYSTEMS) {
            let (stage, files) = stage(seed, 0, 600);
            let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
            let outage = async {
                when_under_way(&stage, &files[0]).await;
                faults.strike(call, "", PortFault::RequestLost, u32::MAX);
                clock.now()
            };
            let (came, begun) = feed_while(feed, &stage, outage);
            let waited = begun.until(clock.now());
            assert!(came.proven > 0 && came.unfinished() > 0, "{feed:?} {call:?}: {came:?}");
            assert!(came.failed.keys().all(|reason| *reason == kind.name()), "{came:?}");
            if feed != Feed::Batch {
                assert_eq!(came.stopped, Some(kind), "{feed:?} {call:?}: {waited:?}");
                let most = WAIT + Duration::from_mins(2);
                assert!((WAIT..=most).contains(&waited), "{feed:?} {call:?}: {waited:?}");
            }
            feed.completes(&stage, 600);
        }
    }
}

#[test]
fn one_files_trouble_is_its_own() {
    for feed in FEEDS {
        let (stage, files) = stage(1, 20, 20);
        // Its nodes are away, its content is another, it is in no bucket.
        let path = format!("{:010}.fid", files[25].fid.0);
        stage.world.port.faults.strike(Call::Open, &path, PortFault::RequestLost, u32::MAX);
        for device in stage.world.holders(&files[30]) {
            stage.world.spoil(&files[30], device, b"other");
        }
        let came = stage.world.run(feed.feed(&stage, &SOON));
        let failed = BTreeMap::from([("replicas-unreachable", 1), ("wrong-content", 1)]);
        assert_eq!((came.proven, came.failed), (38, failed), "{feed:?}");
    }
}

#[test]
fn an_unknown_bucket_fails_its_own_files() {
    for feed in FEEDS {
        let (mut stage, _) = stage(2, 10, 10);
        stage.plan.buckets =
            BucketMap::parse("repo:new-repo,lost:nowhere", "trash").expect("good settings");
        for salt in 0..20 {
            let bytes = crate::common::content(salt + 900, 10);
            let key = format!("{}-lost", domain::ContentHasher::of(&bytes).sha1);
            let fid = stage.world.port.mogile.store(
                stage.world.dmid,
                &key,
                &bytes.into(),
                &stage.world.devices,
            );
            let body = format!(r#"{{"length": 10, "fid": {fid}, "dkey": "{key}"}}"#);
            stage.send_raw(&body, Some("migrate"));
        }
        let came = stage.world.run(feed.feed(&stage, &SOON));
        let failed = BTreeMap::from([("s3-no-bucket", 20)]);
        assert_eq!((came.proven, came.failed), (20, failed), "{feed:?}");
    }
}

#[test]
fn where_s3_refuses_every_file_it_ends_and_says_why() {
    for feed in [Feed::Index, Feed::Queue] {
        let (mut stage, _) = stage(3, 10, 10);
        stage.plan.buckets = BucketMap::parse("repo:nowhere", "trash").expect("good settings");
        let begun = stage.world.port.clock.now();
        let came = stage.world.run(feed.feed(&stage, &[]));
        let failed = BTreeMap::from([("s3-no-bucket", 20)]);
        assert_eq!((came.proven, came.failed), (0, failed), "{feed:?}: each is tried once");
        assert_eq!(came.stopped, Some(ReasonKind::NoBucket), "{feed:?}");
        let took = begun.until(stage.world.port.clock.now());
        assert!(took < Duration::from_secs(30), "{feed:?}: {took:?}");
    }
}

#[test]
fn stopped_while_a_system_is_away_it_names_that() {
    for feed in [Feed::Index, Feed::Queue] {
        for (seed, (call, kind)) in (0..).zip(SYSTEMS) {
            let (stage, files) = stage(seed, 0, 600);
            let faults = &stage.world.port.faults;
            let outage = async {
                when_under_way(&stage, &files[0]).await;
                faults.strike(call, "", PortFault::RequestLost, u32::MAX);
            };
            let stops = [(Duration::from_mins(2), Stop::Drain)];
            let (came, ()) = stage.world.run(join(feed.feed(&stage, &stops), outage));
            assert_eq!(came.stopped, Some(kind), "{feed:?} {call:?}: {came:?}");
            feed.completes(&stage, 600);
        }
    }
}
