//! Batches that somebody else received: what must come again, and that they end in time.

use std::time::Duration;

use domain::engine::{BatchReport, Unobserved, work_batch};
use domain::ports::Clock;
use domain::{BucketMap, Delivery, IntermediaryForm, SourceFile, Timestamp};
use stand_ins::port::{Call, PortFault};

use super::stage::{Stage, body};

impl Stage {
    fn receive(&self) -> Vec<Delivery> {
        let ports = self.world.port.work_ports();
        let wait = Duration::from_secs(1);
        self.world.run(ports.queue.receive(10, wait, None)).expect("it answers")
    }

    fn batch(&self, deliveries: Vec<Delivery>, time: Duration) -> BatchReport {
        let ports = self.world.port.work_ports();
        let millis = u64::try_from(time.as_millis()).expect("short");
        let finish_by = Timestamp(self.world.port.clock.now().0 + millis);
        let work = work_batch(&ports, &self.plan, deliveries, finish_by, &Unobserved);
        let report = self.world.run(work);
        assert!(report.summary.adds_up(), "{report:?}");
        assert!(self.world.port.clock.now() <= finish_by, "it ends in time");
        report
    }
}

const MINUTES: Duration = Duration::from_mins(2);
const HOUR: Duration = Duration::from_hours(1);

#[test]
fn one_bad_record_of_ten_is_the_one_that_comes_again() {
    let stage = Stage::instant();
    let files = stage.files(9, None);
    for file in &files {
        stage.send_raw(&body(file), Some("migrate"));
    }
    stage.send_raw(&body(&files[0]), Some("delete"));
    let deliveries = stage.receive();
    assert_eq!(deliveries.len(), 10);
    let bad = deliveries.iter().find(|one| one.job.is_err()).expect("one").message.clone();
    let report = stage.batch(deliveries, MINUTES);
    assert_eq!((report.again, report.summary.ends.by_mogile.files), (vec![bad], 9));
    assert_eq!(stage.in_queue(), 10, "nothing is acknowledged here");
    let names: Vec<_> = stage.failures().into_values().map(|failure| failure.reason).collect();
    assert_eq!(names, ["bad-message"]);
}

#[test]
fn jobs_of_another_domain_come_again() {
    let mut stage = Stage::instant();
    stage.files(3, None);
    stage.enqueue();
    stage.plan.domain = "other_domain".to_owned();
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!((report.again.len(), report.summary.ends.gone), (3, 0));
    let told = &report.summary.ends.failed["bad-job"];
    assert!(told.example.contains("`other_domain`"), "{told:?}");
}

#[test]
fn jobs_for_another_bucket_come_again() {
    let mut stage = Stage::instant();
    stage.files(3, None);
    stage.enqueue();
    for (map, ignored, ours) in [
        ("repo:other-repo", "", "takes them to `other-repo`"),
        ("another:new-repo", "", "leaves `repo` out"),
        ("another:new-repo", "repo", "leaves `repo` out"),
    ] {
        stage.plan.buckets = BucketMap::parse(map, ignored).expect("good settings");
        let report = stage.batch(stage.receive(), MINUTES);
        assert_eq!((report.again.len(), report.summary.ignored), (3, 0), "{map}");
        let told = &report.summary.ends.failed["bad-job"];
        assert!(told.example.contains("`new-repo`") && told.example.contains(ours), "{told:?}");
        stage.world.run(stage.world.port.clock.sleep(HOUR));
    }
}

#[test]
fn all_bad_all_twice_and_none() {
    let stage = Stage::instant();
    assert_eq!(stage.batch(Vec::new(), MINUTES), BatchReport::default());

    for number in 0..10 {
        stage.send_raw(&format!("{number}"), Some("migrate"));
    }
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!((report.again.len(), report.summary.ends.failures()), (10, 10));

    let stage = Stage::instant();
    let file = stage.files(1, None).remove(0);
    for _ in 0..10 {
        stage.send_raw(&body(&file), Some("migrate"));
    }
    stage.world.calls();
    let report = stage.batch(stage.receive(), MINUTES);
    assert!(report.again.is_empty(), "{report:?}");
    assert_eq!((report.summary.merged, report.summary.ends.by_mogile.files), (9, 1));
    assert!(stage.world.calls().contains("put 1,"));

    // The same fid twice, and it fails: both come again.
    for device in stage.world.holders(&file) {
        stage.world.spoil(&file, device, b"wrong");
    }
    stage.world.port.s3.delete("new-repo", &file.dkey.sha1.to_string(), &<_>::default()).unwrap();
    stage.send_raw(&body(&file), Some("migrate"));
    stage.send_raw(&body(&file), Some("migrate"));
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!(report.again.len() as u64, report.summary.ends.failures(), "{report:?}");
    assert_eq!(report.again.len(), 2);
}

#[test]
fn what_cannot_be_done_in_time_is_not_begun() {
    let mut stage = Stage::paced(5);
    stage.plan.concurrency = 1;
    stage.files(10, None);
    stage.enqueue();
    stage.world.calls();
    // Seven seconds: five are kept for telling, two are what a small file may take.
    let report = stage.batch(stage.receive(), Duration::from_millis(7_300));
    let done = report.summary.ends.by_mogile.files;
    assert!((1..10).contains(&done), "{report:?}");
    assert_eq!(report.again.len() as u64, 10 - done);
    let reasons: Vec<_> = stage.failures().into_values().map(|one| one.reason).collect();
    assert_eq!(reasons, vec!["not-started"; report.again.len()]);
    assert_eq!(stage.records().len() as u64, done);
}

/// A job's message with the length that it pretends.
fn job_of_length(file: &SourceFile, megabytes: u64) -> String {
    let (length, fid, dkey) = (megabytes * 1024 * 1024, file.fid, &file.dkey);
    format!(r#"{{"length": {length}, "fid": {fid}, "dkey": "{dkey}"}}"#)
}

/// S3 tells the SHA-1 of each: 300 MiB of it would take 19 s to read, and are not read.
#[test]
fn verifications_of_large_objects_are_all_begun() {
    let stage = Stage::paced(5);
    let files = stage.files(10, None);
    stage.enqueue();
    assert!(stage.work().is_clean());
    for file in &files {
        stage.send_raw(&job_of_length(file, 300), Some("verify"));
    }
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!((report.again.len(), report.summary.verified.files), (0, 10), "{report:?}");
}

/// Four GiB are expected to take S3 66 s, however many copies it makes at the same time.
#[test]
fn copies_of_large_objects_are_all_begun() {
    let stage = Stage::paced(5);
    let files = stage.files(10, Some(IntermediaryForm::Plain));
    for file in &files {
        stage.send_raw(&job_of_length(file, 4 << 10), Some("migrate"));
    }
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!((report.again.len(), report.summary.ends.by_copy.files), (0, 10), "{report:?}");
}

/// Content of 300 MiB is expected to flow 19 s, ten times of it more than three minutes. It flows
/// faster here, so that those which wait have their time too. What never has the time is not begun.
#[test]
fn content_that_does_not_fit_beside_the_others_waits_for_them() {
    for (megabytes, again) in [(300, 0), (2_000, 10)] {
        let stage = Stage::paced(5);
        for file in stage.files(10, None) {
            stage.send_raw(&job_of_length(&file, megabytes), Some("migrate"));
        }
        let report = stage.batch(stage.receive(), MINUTES);
        assert_eq!(report.again.len(), again, "{report:?}");
        assert_eq!(report.summary.ends.by_mogile.files, 10 - again as u64, "{report:?}");
    }
}

#[test]
fn what_hangs_is_abandoned_and_its_neighbours_are_recorded() {
    let stage = Stage::instant();
    let files = stage.files(10, None);
    stage.enqueue();
    // Its storage node cannot be reached, for ever: it is held, and then given back in time.
    let key = files[2].dkey.to_string();
    stage.world.port.faults.strike(Call::Replicas, &key, PortFault::RequestLost, u32::MAX);
    let report = stage.batch(stage.receive(), Duration::from_secs(20));
    assert_eq!((report.again.len(), report.summary.ends.by_mogile.files), (1, 9), "{report:?}");
    assert_eq!(stage.records().len(), 9);
    let reasons: Vec<_> = stage.failures().into_values().map(|one| one.reason).collect();
    assert_eq!(reasons, ["source-unreachable"]);
}

#[test]
fn an_outage_is_waited_out_inside_as_long_as_there_is_time() {
    let stage = Stage::instant();
    stage.files(10, None);
    stage.enqueue();
    // Ten files fail; the next tries succeed.
    stage.world.port.faults.strike(Call::Replicas, "", PortFault::RequestLost, 50);
    let report = stage.batch(stage.receive(), MINUTES);
    assert!(report.again.is_empty(), "{report:?}");
    stage.everything_is_there();
}

#[test]
fn a_ledger_that_never_answers_does_not_keep_a_batch_beyond_its_time() {
    let stage = Stage::paced(6);
    stage.files(10, None);
    stage.enqueue();
    stage.world.port.faults.strike(Call::Record, "", PortFault::RequestLost, u32::MAX);
    let report = stage.batch(stage.receive(), Duration::from_secs(30));
    assert_eq!((report.again.len(), report.summary.ends.failures()), (10, 10), "{report:?}");
    stage.world.port.faults.clear();
    assert!(stage.work().ends.failed.is_empty());
    stage.everything_is_there();
}

#[test]
fn a_ledger_that_was_away_gets_what_was_proven_once() {
    let stage = Stage::instant();
    stage.files(10, None);
    stage.enqueue();
    stage.world.calls();
    // Ten failed calls: two whole tries of the one batch.
    stage.world.port.faults.strike(Call::Record, "", PortFault::RequestLost, 10);
    let report = stage.batch(stage.receive(), MINUTES);
    assert_eq!((report.again.len(), report.summary.ends.by_mogile.files), (0, 10), "{report:?}");
    let calls = stage.world.calls();
    assert!(calls.contains("put 10,") && !calls.contains("head"), "not proven again: {calls}");
    stage.everything_is_there();
}
