//! Everything may happen twice, at once or late, or half.

use std::pin::pin;
use std::time::Duration;

use domain::IntermediaryForm;
use domain::engine::{Unobserved, never, work_queue};
use domain::ports::Clock;
use futures_util::StreamExt;
use futures_util::future::{Either, join, select};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stand_ins::port::{Call, PortFault};

use super::stage::Stage;

#[test]
fn every_message_twice_at_once_and_late_comes_to_the_same_end() {
    for seed in 0..8 {
        let stage = Stage::paced(seed);
        stage.files(20, Some(IntermediaryForm::Plain));
        stage.files(20, None);
        stage.enqueue();
        let work = &stage.world.port.work;
        for message in work.sqs.messages(&work.queue).expect("it is there") {
            work.sqs.deliver_twice(&work.queue, &message.id).expect("it is there");
            let late = Duration::from_secs(seed * 7);
            work.sqs.return_after_delete(&work.queue, &message.id, late).expect("it is there");
        }
        let summary = stage.work();
        assert!(summary.ends.failed.is_empty(), "{seed}: {summary:?}");
        assert!(summary.deliveries > 40, "{seed}: {summary:?}");
        stage.everything_is_there();
        assert_eq!((stage.in_queue(), stage.dead(), stage.records().len()), (0, 0, 40));
    }
}

#[test]
fn a_worker_killed_at_any_moment_loses_nothing() {
    let mut killed_between = 0;
    for seed in 0..60 {
        let stage = Stage::paced(seed);
        stage.files(20, Some(IntermediaryForm::Plain));
        stage.files(20, None);
        stage.enqueue();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..3 {
            let after = Duration::from_millis(random.random_range(0..900));
            kill_after(&stage, after);
            let unacknowledged = stage.in_queue();
            let recorded = stage.records().len();
            killed_between += usize::from(recorded + unacknowledged > 40);
            assert!(recorded + unacknowledged >= 40, "{seed}: a job was acknowledged too early");
        }
        let summary = stage.work();
        assert!(summary.ends.failed.is_empty(), "{seed}: {summary:?}");
        stage.everything_is_there();
        assert_eq!((stage.in_queue(), stage.dead()), (0, 0), "{seed}");
    }
    assert!(killed_between > 0, "no kill came between the ledger and the acknowledgement");
}

fn kill_after(stage: &Stage, time: Duration) {
    let ports = stage.world.port.work_ports();
    let work = pin!(work_queue(&ports, &stage.plan, true, &Unobserved, never().boxed()));
    let clock = &stage.world.port.clock;
    let over = clock.sleep(time);
    let first = stage.world.run(select(work, over));
    assert!(matches!(first, Either::Right(_) | Either::Left(_)));
}

#[test]
fn an_acknowledgement_that_is_lost_costs_a_look() {
    for fault in [PortFault::RequestLost, PortFault::AnswerLost, PortFault::HalfFails] {
        let stage = Stage::instant();
        stage.files(20, None);
        stage.enqueue();
        stage.world.port.faults.strike(Call::Acknowledge, "", fault, 5);
        let summary = stage.work();
        assert!(summary.ends.failed.is_empty(), "{fault:?} {summary:?}");
        stage.everything_is_there();
        assert_eq!((stage.in_queue(), stage.records().len()), (0, 20), "{fault:?}");
    }
}

#[test]
fn two_workers_share_a_queue() {
    for seed in 0..5 {
        let stage = Stage::paced(seed);
        stage.files(60, None);
        stage.enqueue();
        let ports = stage.world.port.work_ports();
        let worker = || work_queue(&ports, &stage.plan, true, &Unobserved, never().boxed());
        let (one, other) = stage.world.run(join(worker(), worker()));
        assert!(one.is_clean() && other.is_clean(), "{one:?} {other:?}");
        assert!(one.deliveries > 0 && other.deliveries > 0);
        assert_eq!(one.ends.by_mogile.files + other.ends.by_mogile.files, 60);
        stage.everything_is_there();
    }
}

#[test]
fn random_faults_everywhere_end_with_everything_there() {
    let calls = [
        Call::Put,
        Call::Copy,
        Call::Head,
        Call::Replicas,
        Call::Open,
        Call::Record,
        Call::Receive,
        Call::Acknowledge,
        Call::SetVisibility,
        Call::NoteFailures,
        Call::ClearFailures,
        Call::Send,
    ];
    let faults = [PortFault::RequestLost, PortFault::AnswerLost, PortFault::Busy];
    for seed in 0..40 {
        let stage = Stage::paced(seed);
        stage.files(25, Some(IntermediaryForm::Plain));
        stage.files(25, None);
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x77);
        for _ in 0..12 {
            let call = calls[random.random_range(0..calls.len())];
            let fault = faults[random.random_range(0..faults.len())];
            stage.world.port.faults.strike(call, "", fault, random.random_range(1..6));
        }
        assert_eq!(stage.enqueue().sent.files, 50, "{seed}");
        let kill = Duration::from_millis(random.random_range(0..2_000));
        kill_after(&stage, kill);
        let summary = stage.work();
        stage.everything_is_there();
        assert_eq!((stage.in_queue(), stage.dead()), (0, 0), "{seed}: {summary:?}");
    }
}
