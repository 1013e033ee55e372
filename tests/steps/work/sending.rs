//! What enqueue says when the queue does not take everything.

use domain::migrate::Selection;
use domain::queue::EnqueuePlan;
use domain::{Fid, Stopped};
use stand_ins::port::{Call, PortFault};

use super::stage::{Stage, enqueue_plan, tally};

#[test]
fn what_the_queue_did_not_take_is_sent_again() {
    for (fault, most) in [
        (PortFault::HalfFails, 60),
        (PortFault::Busy, 90),
        (PortFault::RequestLost, 60),
        (PortFault::AnswerLost, 100),
    ] {
        let stage = Stage::instant();
        stage.files(60, None);
        stage.world.port.faults.strike(Call::Send, "", fault, 4);
        let sent = stage.enqueue();
        assert_eq!((sent.sent, sent.failures()), (tally(60), 0), "{fault:?} {sent:?}");
        let queued = stage.in_queue();
        assert!((60..=most).contains(&queued), "{fault:?}: {queued} messages");
        assert!(stage.work().is_clean());
        stage.everything_is_there();
    }
}

#[test]
fn jobs_that_are_never_taken_are_counted_and_named() {
    let stage = Stage::instant();
    let files = stage.files(25, None);
    let key = files[4].fid.to_string();
    stage.world.port.faults.strike(Call::Send, &key, PortFault::HalfFails, u32::MAX);
    let sent = stage.enqueue();
    assert!(sent.failures() > 0 && sent.stopped.is_none(), "{sent:?}");
    assert_eq!(sent.sent.files + sent.failures(), 25);
    assert!(!sent.is_clean());
    assert_eq!(stage.in_queue() as u64, sent.sent.files);
}

#[test]
fn a_queue_that_takes_nothing_stops_it_and_it_says_where_to_go_on() {
    let stage = Stage::instant();
    stage.files(1_500, None);
    stage.world.port.faults.strike(Call::Send, " 1201", PortFault::RequestLost, u32::MAX);
    stage.world.port.faults.strike(Call::Send, "1201 ", PortFault::RequestLost, u32::MAX);
    let sent = stage.enqueue();
    assert!(matches!(sent.stopped, Some(Stopped::Trouble(_))), "{sent:?}");
    assert_eq!(sent.resume_from, Some(Fid(1_001)), "{sent:?}");
    assert!(sent.not_begun > 0 && sent.sent.files >= 1_000);

    stage.world.port.faults.clear();
    let selection = Selection { from: sent.resume_from.expect("told"), ..Selection::default() };
    let rest = stage.enqueue_by(&EnqueuePlan { selection, ..enqueue_plan() });
    assert_eq!((rest.sent.files, rest.stopped), (500, None));
    let queued = stage.in_queue() as u64;
    assert!((1_500..=1_000 + 2 * 500).contains(&queued), "{queued}");
}

#[test]
fn large_files_are_withheld_and_named() {
    let stage = Stage::instant();
    let files = stage.files(5, None);
    let large = stage.world.store(&vec![7; 5_000]);
    let plan = EnqueuePlan { most_bytes: 4_999, ..enqueue_plan() };
    let sent = stage.enqueue_by(&plan);
    assert_eq!((sent.sent.files, sent.large.files), (5, 1));
    assert_eq!(sent.large_fids.iter().collect::<Vec<_>>(), [large.fid.0]);
    assert!(!sent.is_clean());
    assert_eq!(files.len(), stage.in_queue());
}

#[test]
fn what_is_in_the_queue_already_is_told() {
    let stage = Stage::instant();
    stage.files(7, None);
    assert_eq!(stage.enqueue().queue_before, 0);
    assert_eq!(stage.enqueue().queue_before, 7);
}

#[test]
fn a_stop_before_the_first_job_sends_none() {
    let stage = Stage::instant();
    stage.files(30, None);
    let stop = futures_util::stream::iter([domain::engine::Stop::Drain]);
    let sent = stage.enqueue_until(&enqueue_plan(), Box::pin(stop));
    assert_eq!((&sent.stopped, sent.sent.files), (&Some(Stopped::Interrupted), 0), "{sent:?}");
    assert_eq!(stage.in_queue(), 0);
}
