//! Acceptances that a proof ends, whatever becomes of the object.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::accept::{AcceptMode, AcceptPorts, Accepting, RefusalKind, accept_files};
use domain::ports::{Ledger, LedgerError, Segment};
use domain::verify::Depth;
use domain::{Fid, LedgerItem, LedgerRecord, Stopped};
use stand_ins::world::bucket::Condition;

use super::later::{migrate, three, verify};
use super::stage::{FID, Stage, sha1};
use crate::common::{BUCKET, content};

/// The replica came back, a run has proven the file, and then all of it is lost for good.
#[test]
fn a_file_that_was_proven_and_lost_again_is_not_accepted_by_itself() {
    let stage = three();
    stage.put_replica(stage.devices()[0], content(FID, 10));
    assert_eq!(migrate(&stage).ends.by_mogile.files, 2);
    stage.lose(stage.devices());
    let key = sha1().to_string();
    stage.world.port.s3.delete(BUCKET, &key, &Condition::None).expect("it is there");
    stage.doubt();
    let summary = migrate(&stage);
    assert_eq!((summary.ends.failures(), summary.ends.accepted.files), (1, 0), "{summary:?}");
    let summary = verify(&stage, Depth::All);
    assert_eq!((summary.failures(), summary.accepted.files), (1, 0), "{summary:?}");
    // An operator decides again.
    assert_eq!(stage.accept(&[FID]).entries, [2]);
    assert_eq!(migrate(&stage).ends.accepted.files, 1);
    let summary = verify(&stage, Depth::All);
    assert_eq!((summary.failures(), summary.accepted.files), (0, 1), "{summary:?}");
}

/// A ledger into which a run writes this record before it is read for the second time, or that does not
/// answer then.
struct Meanwhile {
    inner: Arc<dyn Ledger>,
    written: Option<LedgerRecord>,
    reads: AtomicU32,
}

#[async_trait]
impl Ledger for Meanwhile {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        self.inner.record(records).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 1 {
            let Some(record) = self.written.clone() else {
                return Err(LedgerError::NoTable { table: "ledger".to_owned() });
            };
            self.inner.record(&[record]).await?;
        }
        self.inner.read(fids).await
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        self.inner.scan(segment, each).await
    }
}

/// Accepts the file while its record is written, or the ledger goes away.
fn accept_by(stage: &Stage, written: Option<LedgerRecord>) -> Accepting {
    let ports = stage.ports();
    let ledger = Meanwhile { inner: ports.ledger.clone(), written, reads: AtomicU32::new(0) };
    let ports = AcceptPorts { ledger: Arc::new(ledger), ..ports };
    let plan = stage.plan(&[FID], false, AcceptMode::Accept { by: "ann".to_owned() });
    stage.world.run(accept_files(&ports, &plan)).expect("a journal")
}

#[test]
fn a_file_that_is_proven_while_its_replicas_are_tried_is_not_accepted() {
    let stage = Stage::lost();
    let accepting = accept_by(&stage, Some(Stage::proof()));
    let refused: Vec<_> = accepting.refused.iter().map(|refused| refused.kind).collect();
    assert_eq!(refused, [RefusalKind::Proven], "{accepting:?}");
    assert!(accepting.adds_up() && accepting.entries.is_empty() && accepting.files.is_empty());
    assert!(stage.decisions().accepted.is_empty());
}

/// The proof comes between the last look and the entry: the journal has it, and it holds for nothing.
#[test]
fn an_acceptance_that_a_proof_has_overtaken_is_over() {
    let stage = Stage::lost();
    stage.accept(&[FID]);
    stage.prove();
    let accepted = stage.accepted();
    let one = accepted.find(Fid(FID)).expect("in the journal");
    assert!(one.is_proven_since && one.is_over());
    // Accepted anew it is refused, for the ledger proves it.
    let accepting = stage.accept(&[FID]);
    assert!(accepting.accepted_before.is_empty(), "{accepting:?}");
    assert_eq!(accepting.refused[0].kind, RefusalKind::Proven);
}

#[test]
fn without_the_last_look_at_the_ledger_nothing_is_written() {
    let stage = Stage::lost();
    let accepting = accept_by(&stage, None);
    assert!(matches!(accepting.stopped, Some(Stopped::Trouble(_))), "{accepting:?}");
    assert!(accepting.adds_up() && accepting.entries.is_empty());
    assert!(stage.decisions().accepted.is_empty());
}
