//! What uses up deliveries: a job's own failures, and workers that it ends. An outage does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::doctor::examine_queues;
use domain::engine::{
    JobEnd, OutageObserver, Unobserved, WorkObserver, never, work_batch, work_queue,
};
use domain::ports::{Clock, JobQueue, Replica, SourceFiles, WorkPorts};
use domain::queue::list_dead_letters;
use domain::{
    Delivery, Dkey, FailureRecord, Fid, Health, Reason, SourceError, SourceFile, Timestamp, limits,
};
use futures_util::StreamExt;
use futures_util::future::{Either, join, join_all, select};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::queue::arn_of;
use tokio::sync::Notify;

use super::stage::Stage;

/// How long a function may take.
const TIME: Duration = Duration::from_mins(2);

/// Batches that are worked on side by side.
const LANES: usize = 4;

impl Stage {
    /// Works as Lambda does: batches of ten, each in a process of its own that `killed` may end,
    /// until the queue has nothing more. Returns how many processes were ended.
    async fn function(&self, ports: &WorkPorts, killed: Option<&Notify>) -> usize {
        let lane = || async {
            let (clock, mut kills) = (&self.world.port.clock, 0);
            while self.in_queue() > 0 {
                let wait = Duration::from_secs(10);
                let Ok(deliveries) = ports.queue.receive(10, wait, None).await else { continue };
                if deliveries.is_empty() {
                    clock.sleep(wait).await;
                    continue;
                }
                let receipts: Vec<_> = deliveries
                    .iter()
                    .map(|one| (one.message.clone(), one.receipt.clone()))
                    .collect();
                let millis = u64::try_from(TIME.as_millis()).expect("short");
                let finish_by = Timestamp(clock.now().0 + millis);
                let work = work_batch(ports, &self.plan, deliveries, finish_by, &Unobserved);
                let end = async {
                    match killed {
                        Some(killed) => killed.notified().await,
                        None => std::future::pending().await,
                    }
                };
                match select(Box::pin(work), Box::pin(end)).await {
                    Either::Left((report, _)) => {
                        let done = receipts.iter().filter(|(id, _)| !report.again.contains(id));
                        let done: Vec<_> = done.map(|(_, receipt)| receipt.clone()).collect();
                        ports.queue.delete(&done).await.expect("a queue that answers");
                    }
                    Either::Right(_) => kills += 1,
                }
            }
            kills
        };
        let lanes = if killed.is_some() { 1 } else { LANES };
        join_all((0..lanes).map(|_| lane())).await.into_iter().sum()
    }

    /// Ports where this file ends whoever reads it, and what is notified then.
    fn with_deadly(&self, file: &SourceFile) -> (WorkPorts, Arc<Notify>) {
        let mut ports = self.world.port.work_ports();
        let killed = Arc::new(Notify::new());
        let (files, dkey) = (Arc::clone(&ports.files.files), file.dkey.clone());
        ports.files.files = Arc::new(Deadly { files, dkey, killed: Arc::clone(&killed) });
        (ports, killed)
    }

    /// The most deliveries that a message in the queue has had.
    fn most_deliveries(&self) -> u32 {
        let work = &self.world.port.work;
        let messages = work.sqs.messages(&work.queue).expect("it is there");
        messages.iter().map(|message| message.receive_count).max().unwrap_or_default()
    }

    /// Those of the files that have a failure and no job in the queue.
    fn forgotten_failures(&self, files: &[SourceFile]) -> Vec<Fid> {
        let work = &self.world.port.work;
        let messages = work.sqs.messages(&work.queue).expect("it is there");
        let is_queued = |file: &SourceFile| {
            let tail = format!("\"{}\"}}", file.dkey);
            messages.iter().any(|message| message.body.ends_with(&tail))
        };
        let failures = self.failures();
        let files = files.iter().filter(|file| failures.contains_key(&file.fid));
        files.filter(|file| !is_queued(file)).map(|file| file.fid).collect()
    }

    fn spoil(&self, file: &SourceFile) {
        for device in self.world.holders(file) {
            self.world.spoil(file, device, b"wrong");
        }
    }

    fn dead_letters_of(&self, reason: &str) -> Vec<Fid> {
        let list = self.world.run(list_dead_letters(&self.world.port.watch_ports()));
        assert_eq!(list.stopped, None);
        list.reasons.get(reason).map(|of| of.first_fids.clone()).unwrap_or_default()
    }
}

#[test]
fn ten_hours_of_an_outage_make_no_dead_letter_and_poison_one_of_its_own_tries() {
    for calls in [
        &[Call::Replicas][..],
        &[Call::Put],
        // The tables that would say why are away too.
        &[Call::Record, Call::NoteFailures, Call::ReadFailures],
    ] {
        let stage = Stage::paced(11);
        let files = stage.files(60, None);
        let poison = &files[17];
        stage.spoil(poison);
        stage.enqueue();
        let ports = stage.world.port.work_ports();
        let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
        for call in calls {
            faults.strike(*call, "", PortFault::RequestLost, u32::MAX);
        }
        let outage = async {
            clock.sleep(Duration::from_hours(10)).await;
            assert_eq!((stage.dead(), stage.in_queue()), (0, 60), "{calls:?}");
            let deliveries = stage.most_deliveries();
            assert!((50..100).contains(&deliveries), "{calls:?}: {deliveries}");
            faults.clear();
            clock.sleep(Duration::from_mins(15)).await;
            stage.records().len()
        };
        let (_, recorded) = stage.world.run(join(stage.function(&ports, None), outage));
        assert_eq!(recorded, 59, "{calls:?}: all are done a quarter of an hour later");
        assert_eq!((stage.dead(), stage.in_queue()), (1, 0), "{calls:?}");
        assert_eq!(stage.dead_letters_of("wrong-content"), [poison.fid], "{calls:?}");
        let record = &stage.failures()[&poison.fid];
        let tries: Vec<_> = record.messages.values().map(|tries| tries.own).collect();
        assert_eq!(tries, [5], "{calls:?}");
    }
}

/// The storage of MogileFS, with one file that ends whoever reads it.
struct Deadly {
    files: Arc<dyn SourceFiles>,
    dkey: Dkey,
    killed: Arc<Notify>,
}

#[async_trait]
impl SourceFiles for Deadly {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        if file.dkey == self.dkey {
            self.killed.notify_one();
            return std::future::pending().await;
        }
        self.files.replicas(file).await
    }

    async fn replicas_anew(
        &self,
        fid: Fid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.files.replicas_anew(fid, key).await
    }

    async fn fid_of(&self, key: &str) -> Result<Option<Fid>, SourceError> {
        self.files.fid_of(key).await
    }

    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        self.files.devices_of(key).await
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        self.files.open(replica).await
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        self.files.delete(key).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        self.files.rename(from, to).await
    }
}

#[test]
fn a_job_that_ends_its_worker_is_a_dead_letter_in_the_end_and_takes_no_other_along() {
    let stage = Stage::instant();
    let files = stage.files(40, None);
    let deadly = &files[23];
    stage.enqueue();
    let (ports, killed) = stage.with_deadly(deadly);
    let kills = stage.world.run(stage.function(&ports, Some(&killed)));
    assert!((4..=6).contains(&kills), "{kills} workers ended");
    assert_eq!((stage.dead(), stage.in_queue(), stage.records().len()), (1, 0, 39));
    assert_eq!(stage.dead_letters_of("killed"), [deadly.fid]);
    // Of its neighbours nothing is said any more.
    let failures = stage.failures();
    assert_eq!(failures.keys().collect::<Vec<_>>(), [&deadly.fid], "{failures:?}");
    assert_eq!(failures[&deadly.fid].reason, "killed");
}

/// Counts the jobs that are at their end.
#[derive(Default)]
struct Ended(AtomicUsize);

impl OutageObserver for Ended {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl WorkObserver for Ended {
    fn settled(&self, _delivery: &Delivery, _end: &JobEnd) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An end that was recorded and that the queue had not heard of would be lost with the worker, again
/// and again, and its job taken for one that ends its worker.
#[test]
fn what_may_end_its_worker_begins_when_all_other_ends_are_told() {
    for seed in 0..20 {
        let stage = Stage::paced(seed);
        let files = stage.files(40, None);
        stage.enqueue();
        let (ports, killed) = stage.with_deadly(&files[23]);
        let mut kills = 0;
        loop {
            let (ended, before) = (Ended::default(), stage.in_queue());
            let work = work_queue(&ports, &stage.plan, true, &ended, never().boxed());
            let end = stage.world.run(select(Box::pin(work), Box::pin(killed.notified())));
            if matches!(end, Either::Left(_)) {
                break;
            }
            kills += 1;
            // The first time nobody knows it yet, and the second time that is only noted.
            if kills > 2 {
                let told = before - stage.in_queue();
                assert_eq!(ended.0.load(Ordering::Relaxed), told, "seed {seed}, kill {kills}");
            }
        }
        assert!((4..=6).contains(&kills), "seed {seed}: {kills} workers ended");
        assert_eq!((stage.dead(), stage.in_queue(), stage.records().len()), (1, 0, 39), "{seed}");
    }
}

#[test]
fn workers_that_were_stopped_by_somebody_else_are_not_held_against_their_jobs() {
    let stage = Stage::paced(2);
    stage.files(100, None);
    stage.enqueue();
    let ports = stage.world.port.work_ports();
    let (clock, killed) = (&stage.world.port.clock, Notify::new());
    let restarts = async {
        for _ in 0..12 {
            clock.sleep(Duration::from_millis(300)).await;
            killed.notify_one();
        }
    };
    let (kills, ()) = stage.world.run(join(stage.function(&ports, Some(&killed)), restarts));
    assert!(kills > 3, "{kills}");
    assert_eq!((stage.dead(), stage.in_queue(), stage.records().len()), (0, 0, 100));
    assert!(stage.failures().is_empty());
}

/// Its record would say for ever that the file "has not succeeded since".
#[test]
fn an_ended_worker_leaves_no_failure_of_a_file_whose_job_is_done() {
    for step in 0..60 {
        let stage = Stage::paced(step);
        let files = stage.files(30, None);
        stage.enqueue();
        let (ports, clock) = (stage.world.port.work_ports(), &stage.world.port.clock);
        let mut ended = 0;
        // The second one notes of each job that it is begun. Each gets further than the one before.
        while stage.in_queue() > 0 {
            let work = work_queue(&ports, &stage.plan, true, &Unobserved, never().boxed());
            let end = clock.sleep(Duration::from_millis((200 + 17 * step) * (ended + 1)));
            stage.world.run(select(Box::pin(work), Box::pin(end)));
            stage.world.run(clock.sleep(Duration::from_mins(11)));
            ended += 1;
            assert_eq!(stage.forgotten_failures(&files), [], "step {step}, worker {ended}");
        }
        assert!(stage.failures().is_empty(), "step {step}");
    }
}

/// Redelivered, they are worked on as any other job: nothing is held against them, and no note that
/// the table refuses stands in their way.
#[test]
fn a_failures_table_that_cannot_be_used_keeps_no_redelivered_job() {
    let stage = Stage::instant();
    stage.files(5, None);
    stage.enqueue();
    let ports = stage.world.port.work_ports();
    let wait = Duration::from_secs(1);
    let got = stage.world.run(ports.queue.receive(10, wait, Some(wait))).expect("it answers");
    assert_eq!(got.len(), 5);
    stage.world.run(stage.world.port.clock.sleep(2 * wait));
    for call in [Call::ReadFailures, Call::NoteFailures] {
        stage.world.port.faults.strike(call, "", PortFault::RequestLost, u32::MAX);
    }
    let summary = stage.work();
    assert_eq!((summary.ends.by_mogile.files, summary.ends.failures()), (5, 0), "{summary:?}");
}

#[test]
fn a_dead_letter_queue_that_is_away_loses_no_job() {
    let stage = Stage::instant();
    let files = stage.files(3, None);
    stage.spoil(&files[1]);
    stage.enqueue();
    stage.world.port.faults.strike(Call::Send, "jobs-dead", PortFault::RequestLost, 7);
    let summary = stage.work();
    assert_eq!((summary.dead_letters, summary.unmoved.files), (1, 1), "{summary:?}");
    assert_eq!((stage.dead(), stage.in_queue(), stage.records().len()), (1, 0, 2));
}

#[test]
fn without_a_dead_letter_queue_a_job_stays_in_the_queue() {
    let stage = Stage::instant();
    let file = stage.files(1, None).remove(0);
    stage.spoil(&file);
    stage.enqueue();
    let ports = WorkPorts { dead_letters: None, ..stage.world.port.work_ports() };
    let clock = &stage.world.port.clock;
    let work = stage.function(&ports, None);
    let wait = clock.sleep(Duration::from_hours(2));
    stage.world.run(select(Box::pin(work), Box::pin(wait)));
    assert_eq!((stage.dead(), stage.in_queue()), (0, 1));
    let FailureRecord { messages, .. } = &stage.failures()[&file.fid];
    assert!(messages.values().all(|tries| tries.own > 10), "{messages:?}");
}

#[test]
fn doctor_tells_of_queues_that_an_outage_would_empty_or_that_keep_poison() {
    let stage = Stage::instant();
    let ports = stage.world.port.work_ports();
    let dead_letters = ports.dead_letters.clone().expect("one");
    let healths = |dead_letters: Option<&dyn JobQueue>| {
        let checks = stage.world.run(examine_queues(ports.queue.as_ref(), dead_letters));
        checks.into_iter().map(|check| check.health).collect::<Vec<_>>()
    };
    assert_eq!(healths(Some(dead_letters.as_ref())), [Health::Good, Health::Good]);
    assert_eq!(healths(None), [Health::Good, Health::Bad]);
    let work = &stage.world.port.work;
    let policy = serde_json::json!({
        "deadLetterTargetArn": arn_of(&work.dead_letters),
        "maxReceiveCount": limits::DELIVERIES - 1,
    });
    let policy = [("RedrivePolicy".to_owned(), policy.to_string())].into();
    work.sqs.set_attributes(&work.queue, &policy).expect("attributes that SQS takes");
    assert_eq!(healths(Some(dead_letters.as_ref())), [Health::Bad, Health::Good]);
}
