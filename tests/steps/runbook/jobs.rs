//! Jobs of which the journal says before they are sent.

use std::collections::BTreeMap;

use domain::ports::{JobQueue, QueueError, QueueRole};
use domain::runbook::JournalledQueue;
use domain::{ByteCount, Fid, Hints, Job, JobAction, Obstacle};
use stand_ins::port::PortQueue;
use stand_ins::world::queue::SqsWorld;

use super::refused::Refusing;
use super::*;

const QUEUE: &str = "jobs";

fn job(fid: u64) -> Job {
    let (action, dkey) = (JobAction::Migrate, format!("{fid:040x}-repo"));
    Job { action, fid: Fid(fid), dkey, length: ByteCount(1), hints: Hints::default() }
}

/// The queue, and the same behind this journal.
fn queue(stage: &Stage, journal: Arc<dyn Journal>) -> (Arc<SqsWorld>, JournalledQueue) {
    let sqs = Arc::new(SqsWorld::default());
    sqs.create_queue(QUEUE, &BTreeMap::new(), BTreeMap::new()).expect("a new queue");
    let (clock, faults) = (stage.clock.clone(), Arc::clone(&stage.faults));
    let port = PortQueue::new(sqs.clone(), QUEUE.to_owned(), QueueRole::Jobs, clock, faults);
    let content = Content::JobsBegun { queue: QUEUE.to_owned(), action: "migrate".to_owned() };
    let kept = (journal, Arc::clone(&stage.clock) as Arc<dyn Clock>);
    (sqs, JournalledQueue::new(Arc::new(port), kept, ("ann".to_owned(), 7), content))
}

fn messages(sqs: &SqsWorld) -> usize {
    sqs.messages(QUEUE).expect("a queue").len()
}

#[test]
fn no_job_is_sent_before_the_journal_says_so() {
    let stage = Stage::new();
    stage.run(async {
        let refusing = Arc::new(Refusing { journal: stage.journal(), refuses: true.into() });
        let (sqs, queue) = queue(&stage, Arc::clone(&refusing) as Arc<dyn Journal>);
        let error = queue.send(&[job(1)]).await.expect_err("the journal refuses");
        let QueueError::NotJournalled { why } = &error else { panic!("{error:?}") };
        assert_eq!((why.obstacle, messages(&sqs)), (Obstacle::Refusal, 0), "{error}");
        assert!(error.to_string().contains("no job was sent"), "{error}");
        refusing.refuses.store(false, Ordering::Relaxed);
        queue.send(&[job(1), job(2)]).await.expect("sent");
        assert_eq!((messages(&sqs), stage.entries().await.len()), (2, 1));
    });
}

#[test]
fn one_entry_is_enough_for_all_jobs_of_a_sender_also_beside_other_writers() {
    let stage = Stage::new();
    stage.run(async {
        stage.writer("bob").await.append(note("before")).await.expect("written");
        let (sqs, queue) = queue(&stage, stage.journal());
        assert_eq!(queue.depth().await.expect("an answer").all(), 0);
        assert_eq!(stage.entries().await.len(), 1, "only what sends is journalled");
        let (one, two) = ([job(1)], [job(2)]);
        let (first, second) = futures_util::future::join(queue.send(&one), queue.send(&two)).await;
        assert!(first.is_ok() && second.is_ok());
        stage.writer("bob").await.append(note("meanwhile")).await.expect("written");
        queue.send(&[job(3)]).await.expect("sent");
        let entries = stage.entries().await;
        let begun = entries.iter().filter(|entry| entry.line.contains("jobs-begun"));
        assert_eq!((messages(&sqs), entries.len(), begun.count()), (3, 3, 1), "{entries:?}");
    });
}
