//! An outage is not a million failures.

use std::sync::Mutex;
use std::time::Duration;

use domain::engine::{JobEnd, OutageObserver, Stop, WorkObserver, never, work_queue};
use domain::ports::Clock;
use domain::{Delivery, Reason};
use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream::{self, BoxStream};
use stand_ins::port::{Call, PortFault};

use super::stage::Stage;

/// Notes when the worker holds, and when it goes on.
#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

impl WorkObserver for Notes {
    fn settled(&self, _delivery: &Delivery, _end: &JobEnd) {}
}

impl OutageObserver for Notes {
    fn holding(&self, _why: &Reason) {
        self.0.lock().expect("one thread").push("holding");
    }
    fn going_on(&self) {
        self.0.lock().expect("one thread").push("going on");
    }
}

#[test]
fn storage_nodes_down_for_a_while_make_the_queue_wait_and_nothing_die() {
    for (call, seed) in [(Call::Open, 1), (Call::Replicas, 2), (Call::Put, 3), (Call::Record, 4)] {
        let stage = Stage::paced(seed);
        stage.files(5_000, None);
        assert_eq!(stage.enqueue().sent.files, 5_000);
        let notes = Notes::default();
        let ports = stage.world.port.work_ports();
        let work = work_queue(&ports, &stage.plan, true, &notes, never().boxed());
        let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
        let outage = async {
            clock.sleep(Duration::from_secs(20)).await;
            faults.strike(call, "", PortFault::RequestLost, u32::MAX);
            clock.sleep(Duration::from_mins(90)).await;
            let struck = faults.take_counts()[&call];
            faults.clear();
            struck
        };
        let (summary, _) = stage.world.run(join(work, outage));
        assert!(summary.ends.failed.is_empty(), "{call:?} {summary:?}");
        assert_eq!((stage.dead(), stage.in_queue()), (0, 0));
        assert!(stage.failures().is_empty(), "{call:?}");
        stage.everything_is_there();
        let notes = notes.0.into_inner().expect("one thread");
        assert_eq!(notes, ["holding", "going on"], "{call:?}");
    }
}

#[test]
fn while_everything_fails_one_file_at_a_time_is_tried() {
    let stage = Stage::paced(9);
    stage.files(200, None);
    stage.enqueue();
    stage.world.calls();
    let ports = stage.world.port.work_ports();
    let work = work_queue(&ports, &stage.plan, true, &domain::engine::Unobserved, never().boxed());
    let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
    let outage = async {
        clock.sleep(Duration::from_millis(500)).await;
        let before = faults.take_counts();
        assert!(before[&Call::Put] > 0, "the trackers have been reached: {before:?}");
        faults.strike(Call::Replicas, "", PortFault::RequestLost, u32::MAX);
        clock.sleep(Duration::from_hours(1)).await;
        let counts = faults.take_counts();
        faults.clear();
        counts
    };
    let (summary, counts) = stage.world.run(join(work, outage));
    assert!(summary.ends.failed.is_empty(), "{summary:?}");
    // Those under way, and then one in about half a minute; five tries each time.
    assert!(counts[&Call::Replicas] < 5 * (8 + 140), "{counts:?}");
    assert!(counts[&Call::Receive] <= 4, "nothing more is asked for: {counts:?}");
    stage.everything_is_there();
}

#[test]
fn one_file_whose_node_is_away_goes_back_while_others_succeed() {
    let stage = Stage::instant();
    let files = stage.files(30, None);
    let key = files[3].dkey.to_string();
    stage.world.port.faults.strike(Call::Replicas, &key, PortFault::RequestLost, 15);
    let sent = stage.enqueue();
    assert_eq!(sent.sent.files, 30);
    let summary = stage.work();
    assert_eq!(summary.ends.by_mogile.files, 30, "{summary:?}");
    assert_eq!(stage.dead(), 0);
    stage.everything_is_there();
}

#[test]
fn a_queue_that_is_away_is_asked_again() {
    let stage = Stage::paced(3);
    stage.files(40, None);
    stage.enqueue();
    stage.world.port.faults.strike(Call::Receive, "", PortFault::RequestLost, 12);
    let summary = stage.work();
    assert!(summary.is_clean(), "{summary:?}");
    stage.everything_is_there();
}

pub fn after_half_an_hour(stage: &Stage) -> BoxStream<'_, Stop> {
    let clock = &stage.world.port.clock;
    let stop = async move {
        clock.sleep(Duration::from_mins(30)).await;
        Stop::Drain
    };
    stream::once(stop).chain(never()).boxed()
}

#[test]
fn an_outage_that_ends_with_nothing_left_to_do_is_over_too() {
    let stage = Stage::paced(5);
    stage.files(1, None);
    stage.enqueue();
    let ports = stage.world.port.work_ports();
    let work = work_queue(
        &ports,
        &stage.plan,
        false,
        &domain::engine::Unobserved,
        after_half_an_hour(&stage),
    );
    let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
    let purge = async {
        clock.sleep(Duration::from_secs(1)).await;
        faults.strike(Call::Replicas, "", PortFault::RequestLost, u32::MAX);
        let files = stage.files(15, None);
        for file in &files {
            stage.send_raw(&super::stage::body(file), Some("migrate"));
        }
        clock.sleep(Duration::from_mins(10)).await;
        for file in &files {
            stage.delete(file);
        }
        faults.clear();
        // Sent while the worker holds: it must ask again.
        let late = stage.world.store(b"ingested late");
        stage.send_raw(&super::stage::body(&late), Some("migrate"));
    };
    let (summary, ()) = stage.world.run(join(work, purge));
    assert_eq!((summary.ends.gone, summary.ends.by_mogile.files), (15, 2), "{summary:?}");
    assert_eq!((stage.dead(), stage.in_queue()), (0, 0));
}

/// Only whether it is gone is asked of the index.
#[test]
fn a_row_that_cannot_be_read_is_the_trouble_of_its_file_alone() {
    let stage = Stage::instant();
    let files = stage.files(10, None);
    stage.enqueue();
    stage.delete(&files[3]);
    stage.world.port.faults.strike(Call::Row, "", PortFault::RequestLost, u32::MAX);
    let clock = &stage.world.port.clock;
    let stop = async move {
        clock.sleep(Duration::from_secs(40)).await;
        Stop::Drain
    };
    let stop = stream::once(stop).chain(never()).boxed();
    let ports = stage.world.port.work_ports();
    let work = work_queue(&ports, &stage.plan, false, &domain::engine::Unobserved, stop);
    let summary = stage.world.run(work);
    let failed: Vec<_> = summary.ends.failed.keys().copied().collect();
    assert_eq!(
        (summary.ends.by_mogile.files, failed),
        (9, vec!["index-unreadable"]),
        "{summary:?}"
    );
}

#[test]
fn an_idle_worker_has_not_used_up_its_patience() {
    let mut stage = Stage::paced(8);
    stage.plan.wait = Some(Duration::from_mins(5));
    stage.files(1, None);
    stage.enqueue();
    let ports = stage.world.port.work_ports();
    let stop = after_half_an_hour(&stage);
    let work = work_queue(&ports, &stage.plan, false, &domain::engine::Unobserved, stop);
    let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
    let outage = async {
        clock.sleep(Duration::from_mins(15)).await;
        faults.strike(Call::Replicas, "", PortFault::RequestLost, u32::MAX);
        for file in stage.files(10, None) {
            stage.send_raw(&super::stage::body(&file), Some("migrate"));
        }
        clock.sleep(Duration::from_mins(2)).await;
        faults.clear();
    };
    let (summary, ()) = stage.world.run(join(work, outage));
    assert_eq!(summary.ends.by_mogile.files, 11, "{summary:?}");
    assert!(summary.ends.failed.is_empty(), "{summary:?}");
}
