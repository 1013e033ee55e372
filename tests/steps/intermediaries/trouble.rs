//! What befalls the requests, and others who write into the journal meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::Stopped;
use domain::cutover::{
    IntermediaryPlan, IntermediaryPorts, IntermediaryRefusal, delete_intermediaries,
};
use domain::journal::{ClientDatabase, Content as Said, Direction};
use domain::runbook::{JournalTrouble, JournalWriter};
use futures_util::FutureExt;
use stand_ins::port::{Call, PortFault};

use super::killed::Watched;
use super::{Stage, begun, buckets, plan, really};

#[test]
fn lost_requests_and_answers_lose_nothing() {
    for fault in [PortFault::RequestLost, PortFault::AnswerLost, PortFault::Busy] {
        for call in [Call::Delete, Call::Head, Call::List, Call::Page, Call::Append] {
            let stage = Stage::new(4);
            stage.world.port.faults.strike(call, "", fault, 1);
            let deletion = stage.delete();
            assert_eq!(deletion.deleted.files, 4, "{fault:?} {call:?}: {deletion:?}");
            assert!(stage.world.port.faults.are_spent(), "{fault:?} {call:?}");
            stage.require_final_objects();
        }
    }
}

#[test]
fn an_outage_ends_it_and_the_next_run_goes_on() {
    for (fault, call) in [
        (PortFault::RequestLost, Call::Delete),
        (PortFault::AnswerLost, Call::Delete),
        (PortFault::RequestLost, Call::Head),
        (PortFault::Busy, Call::Delete),
    ] {
        let stage = Stage::new(7);
        stage.world.port.faults.strike(call, "", fault, 999);
        let deletion = stage.delete();
        assert!(matches!(deletion.stopped, Some(Stopped::Trouble(_))), "{deletion:?}");
        assert_eq!(deletion.deleted.files, 0, "{fault:?} {call:?}");
        let is_unsure = call == Call::Delete && fault != PortFault::Busy;
        assert_eq!(deletion.kept.contains_key("unsure"), is_unsure, "{deletion:?}");
        stage.world.port.faults.clear();
        let left = stage.intermediaries().len() as u64;
        assert_eq!(stage.delete().deleted.files, left);
        assert_eq!(stage.intermediaries(), BTreeSet::new());
        stage.require_final_objects();
    }
}

#[test]
fn nothing_is_deleted_without_its_entry() {
    let stage = Stage::new(4);
    stage.world.port.faults.strike(Call::Append, "", PortFault::RequestLost, 999);
    let refused = stage.try_delete(&stage.ports(), really(), false).expect_err("no entry");
    assert!(matches!(refused.why, IntermediaryRefusal::Journal(_)), "{refused:?}");
    assert_eq!((refused.deleted, stage.intermediaries().len()), (0, 4));
}

/// Somebody who begins a way back writes an entry: the deletion ends before its next batch.
#[test]
fn another_operator_ends_it_before_the_next_batch() {
    let stage = Stage::new(8);
    let ports = stage.ports();
    let (objects, journal, clock) = (ports.objects, stage.journal(), stage.clock());
    let objects = Arc::new(Watched::new(objects, move |number| {
        let (journal, clock) = (Arc::clone(&journal), Arc::clone(&clock));
        Box::pin(async move {
            if number == 1 {
                let bob = JournalWriter::open(journal, clock, ("bob".to_owned(), 6)).await;
                let way = begun(ClientDatabase::Rhino, Direction::ToMogile);
                let entry = Said::CutoverBegun(Box::new(way));
                bob.expect("intact").append(entry).await.expect("written");
            }
        })
    }));
    let ports = IntermediaryPorts { objects, ..stage.ports() };
    let refused = stage.try_delete(&ports, really(), false).expect_err("taken over");
    let is = matches!(&refused.why, IntermediaryRefusal::Journal(JournalTrouble::TakenOver(_)));
    assert!(is, "{refused:?}");
    assert_eq!((refused.deleted, stage.intermediaries().len()), (3, 5));
    stage.require_final_objects();
}

#[test]
fn a_stop_is_clean_and_the_rest_stays() {
    let stage = Stage::new(4);
    let buckets = buckets();
    let stop = async {}.boxed().shared();
    let plan = IntermediaryPlan { stop, ..plan(&buckets, really(), false) };
    let deletion = stage.world.run(delete_intermediaries(&stage.ports(), &plan)).expect("ended");
    assert_eq!((&deletion.stopped, deletion.deleted.files), (&Some(Stopped::Interrupted), 0));
    assert_eq!(stage.intermediaries().len(), 4);
}
