//! Poison, what is said of it, and sending it again.

use std::collections::BTreeMap;

use domain::queue::{Choice, EnqueuePlan, list_dead_letters, look_around, redrive};
use domain::{JobAction, Stopped};
use roaring::RoaringTreemap;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{number, put, text};
use stand_ins::world::mogile::Content;

use super::stage::{LENGTH, Stage, body, enqueue_plan};
use crate::common::BUCKET;

impl Stage {
    fn listed(&self) -> BTreeMap<String, (u64, Vec<u64>)> {
        let ports = self.world.port.watch_ports();
        let list = self.world.run(list_dead_letters(&ports));
        assert_eq!((list.stopped, list.more), (None, false));
        let fids = |fids: &[domain::Fid]| fids.iter().map(|fid| fid.0).collect();
        let reasons = list.reasons.into_iter();
        reasons.map(|(why, of)| (why, (of.files, fids(&of.first_fids)))).collect()
    }

    fn redrive(&self, choice: &Choice) -> domain::queue::Redriven {
        let ports = self.world.port.watch_ports();
        let redriven = self.world.run(redrive(&ports, choice));
        assert_eq!((&redriven.stopped, redriven.more), (&None, false));
        redriven
    }
}

#[test]
fn a_poison_file_fails_alone_is_named_and_is_finished_when_it_is_mended() {
    let stage = Stage::instant();
    let files = stage.files(20, None);
    let poison = &files[7];
    let good = crate::common::content(7, LENGTH);
    for device in stage.world.holders(poison) {
        stage.world.spoil(poison, device, b"wrong");
    }
    stage.enqueue();
    let begun = stage.world.port.clock.system_time();
    let summary = stage.work();
    assert_eq!((summary.ends.by_mogile.files, summary.ends.failures()), (19, 5), "{summary:?}");
    let minutes = stage.world.port.clock.system_time().duration_since(begun).expect("later");
    assert!(minutes.as_secs() < 35 * 60, "{minutes:?}");
    assert_eq!((stage.dead(), stage.in_queue()), (1, 0));
    let expected = BTreeMap::from([("wrong-content".to_owned(), (1, vec![poison.fid.0]))]);
    assert_eq!(stage.listed(), expected);
    assert_eq!(stage.listed(), expected, "looking changes nothing");
    let record = &stage.failures()[&poison.fid];
    assert_eq!((record.attempt, record.dkey.clone()), (5, poison.dkey.to_string()));

    let fid = stand_ins::world::mogile::Fid(poison.fid.0);
    for device in stage.world.holders(poison) {
        stage.world.port.mogile.set_replica(fid, device, Content::from(good.clone()));
    }
    assert_eq!(stage.redrive(&Choice::Reason("wrong-object".into())).left, 1);
    assert_eq!(stage.redrive(&Choice::Reason("wrong-content".into())).sent, 1);
    assert!(stage.work().is_clean());
    assert_eq!((stage.dead(), stage.in_queue()), (0, 0));
    assert!(stage.failures().is_empty(), "a success clears what was said");
    stage.everything_is_there();
}

#[test]
fn messages_that_are_no_jobs_fail_alone_and_migrate_nothing() {
    let stage = Stage::instant();
    let files = stage.files(3, None);
    let of_first = body(&files[0]);
    for action in [Some("Verify"), Some("delete"), None] {
        stage.send_raw(&of_first, action);
    }
    stage.send_raw("no json", Some("migrate"));
    stage.send_raw(r#"{"fid": 9, "length": 5}"#, Some("migrate"));
    stage.send_raw(&body(&files[1]), Some("migrate"));
    let summary = stage.work();
    assert_eq!((summary.ends.by_mogile.files, stage.dead()), (1, 5), "{summary:?}");
    assert_eq!(stage.records().len(), 1);
    assert_eq!(stage.listed()["unreadable"].0, 5);
    let left = stage.redrive(&Choice::All);
    assert_eq!((left.sent, left.unreadable.files, stage.dead()), (0, 5, 5));
}

#[test]
fn dead_letters_without_a_word_were_killed_and_those_done_since_are_told() {
    let stage = Stage::instant();
    let files = stage.files(3, None);
    stage.enqueue();
    // Received five times, and never a word: as when a worker is killed each time. This queue makes
    // dead letters itself, as those that were set up for s3migrate do.
    let work = &stage.world.port.work;
    let policy = serde_json::json!({
        "deadLetterTargetArn": stand_ins::world::queue::arn_of(&work.dead_letters),
        "maxReceiveCount": 5,
    });
    let policy = [("RedrivePolicy".to_owned(), policy.to_string())].into();
    work.sqs.set_attributes(&work.queue, &policy).expect("attributes that SQS takes");
    for _ in 0..5 {
        let ports = stage.world.port.work_ports();
        let wait = std::time::Duration::from_secs(1);
        let got = stage.world.run(ports.queue.receive(10, wait, None)).expect("it answers");
        assert_eq!(got.len(), 3);
        let hidden = work.sqs.settings(&work.queue).expect("there").visibility_timeout();
        stage.world.run(domain::ports::Clock::sleep(&*stage.world.port.clock, hidden));
    }
    assert_eq!(stage.work().deliveries, 0);
    assert_eq!(stage.dead(), 3);
    let fids: Vec<_> = files.iter().map(|file| file.fid.0).collect();
    assert_eq!(stage.listed()["killed"], (3, fids.clone()));

    let one = RoaringTreemap::from_iter([fids[1]]);
    assert_eq!(stage.redrive(&Choice::Fids(one)).sent, 1);
    assert!(stage.work().is_clean());
    // The second of them is done by another way meanwhile.
    stage.enqueue();
    stage.work();
    assert_eq!(stage.listed()["done-since"].0, 2);
    let list = stage.world.run(list_dead_letters(&stage.world.port.watch_ports()));
    assert!(list.reasons["done-since"].example.contains("`new-repo`"), "{list:?}");
    // A proof of another content says nothing of this job.
    let ledger = stage.world.port.ports().ledger;
    let mut records = stage.world.run(ledger.read(&[files[0].fid])).expect("it answers");
    records[0].sha1 = domain::Sha1::of(b"another");
    stage.world.run(ledger.record(&records)).expect("it takes them");
    let listed = stage.listed();
    assert_eq!((listed["done-since"].0, listed["killed"].0), (1, 1));
    assert_eq!(stage.redrive(&Choice::All).sent, 2);
    let summary = stage.work();
    assert_eq!(summary.ends.already_there.files, 2, "{summary:?}");
}

#[test]
fn a_failure_record_that_cannot_be_read_leaves_no_letter_done() {
    let stage = Stage::instant();
    let file = &stage.files(1, None)[0];
    stage.enqueue();
    assert!(stage.work().is_clean());
    stage.send_dead(&body(file));
    assert_eq!(stage.listed()["done-since"].0, 1);
    let (table, database) = (&stage.world.port.work.failures, &stage.world.port.database);
    let item = [number("fid", file.fid.0), text("attempt", "first")];
    put(database, table, item.into()).expect("put");
    assert_eq!(stage.listed()["unreadable-failure"], (1, vec![file.fid.0]));
    let chosen = Choice::Reason("unreadable-failure".to_owned());
    assert_eq!(stage.redrive(&chosen).sent, 1);
    let progress = stage.world.run(look_around(&stage.world.port.watch_ports(), None));
    let failing = progress.expect("it answers").sight.failing;
    assert_eq!(failing["unreadable-failure"].files.files, 1);
}

#[test]
fn a_verification_whose_file_was_migrated_since_is_done_since() {
    let stage = Stage::instant();
    let files = stage.files(2, None);
    stage.enqueue();
    assert!(stage.work().is_clean());
    let key = files[0].dkey.sha1.to_string();
    stage.world.port.s3.delete(BUCKET, &key, &Condition::None).expect("it is there");
    let run = Some("first".to_owned());
    let verify = EnqueuePlan { action: JobAction::Verify, run, ..enqueue_plan() };
    stage.enqueue_by(&verify);
    stage.work();
    assert_eq!(stage.listed(), BTreeMap::from([("missing".to_owned(), (1, vec![files[0].fid.0]))]));

    // The next migration brings the object again, and clears the failure.
    stage.enqueue();
    assert!(stage.work().is_clean());
    assert_eq!(stage.listed()["done-since"], (1, vec![files[0].fid.0]));
    assert_eq!(stage.redrive(&Choice::Reason("done-since".into())).sent, 1);
    let summary = stage.work();
    assert_eq!((summary.verified.files, stage.dead()), (1, 0), "{summary:?}");
}

#[test]
fn a_redrive_that_cannot_take_away_what_it_sent_says_so() {
    let stage = Stage::instant();
    let poison = stage.files(15, None);
    stage.send_raw("no json", Some("migrate"));
    for file in &poison {
        stage.send_raw(&body(file), Some("delete"));
    }
    stage.work();
    assert_eq!(stage.dead(), 16);
    let files = stage.files(12, None);
    for file in &files {
        stage.send_dead(&body(file));
    }
    let (faults, ports) = (&stage.world.port.faults, stage.world.port.watch_ports());
    faults.strike(Call::Acknowledge, "jobs-dead", PortFault::RequestLost, u32::MAX);
    let redriven = stage.world.run(redrive(&ports, &Choice::All));
    assert!(matches!(redriven.stopped, Some(Stopped::Trouble(_))), "{redriven:?}");
    assert!(redriven.kept > 0 && redriven.sent == 0, "{redriven:?}");
    assert_eq!(stage.in_queue() as u64, redriven.kept);
    // Others may look at all of them at once.
    faults.clear();
    let list = stage.world.run(list_dead_letters(&ports));
    assert_eq!((list.letters, list.stopped), (28, None));
    assert_eq!(list.nameless.len(), 1);
    let sent = stage.world.run(redrive(&ports, &Choice::All));
    assert_eq!((sent.sent, sent.unreadable.files), (12, 16));
    assert_eq!(stage.dead(), 16);
}

#[test]
fn a_failures_table_that_is_away_hides_no_letter_from_the_next_look() {
    let stage = Stage::instant();
    for _ in 0..25 {
        stage.send_dead("no json");
    }
    let ports = stage.world.port.watch_ports();
    stage.world.port.faults.strike(Call::ReadFailures, "", PortFault::RequestLost, u32::MAX);
    let list = stage.world.run(list_dead_letters(&ports));
    assert!(matches!(list.stopped, Some(Stopped::Trouble(_))), "{list:?}");
    stage.world.port.faults.clear();
    assert_eq!(stage.world.run(list_dead_letters(&ports)).letters, 25);
}
