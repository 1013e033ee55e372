use std::sync::Arc;

use adapters::aws::Timeouts;
use adapters::calls::Calls;
use adapters::dynamodb::DynamoLedger;
use domain::ports::{Ledger, LedgerError, Segment};
use domain::retry::{Classed, ErrorClass};
use domain::{Fid, LedgerRecord};
use stand_ins::embedded::{EmbeddedWorld, LEDGER};
use stand_ins::fault::{Fault, Rule, Service};
use tests::contract::ends::dynamodb_of;
use tests::contract::ledger::{ours, scanned};
use tokio::time::Duration;

/// Records for three batches.
fn records() -> Vec<LedgerRecord> {
    (1..=60).map(ours).collect()
}

struct Stage {
    world: EmbeddedWorld,
    ledger: DynamoLedger,
}

impl Stage {
    async fn set() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let config = dynamodb_of(&world).await;
        let ledger = DynamoLedger::new(&config, LEDGER.to_owned(), Arc::new(Calls::default()));
        // Long enough for any answer, short enough to wait for one that never comes.
        let ledger = ledger.with_timeouts(Timeouts { request: Duration::from_secs(2) });
        Self { world, ledger }
    }

    /// Strikes so many requests of an operation, after the first.
    fn strike(&self, operation: &str, times: u32, fault: Fault) {
        self.world.faults.clear();
        let rule = Rule::once(Service::DynamoDb, operation, "", fault);
        self.world.faults.add(Rule { skip: 1, times, ..rule });
    }
}

/// What an honest ledger says of a lasting trouble that may pass.
pub fn told_honestly<T: std::fmt::Debug>(fault: &Fault, answer: Result<T, LedgerError>) {
    let error = answer.expect_err("an honest error");
    assert!(matches!(error, LedgerError::Unavailable { .. }), "{fault:?}: {error:?}");
    assert_eq!(error.class(), ErrorClass::Retry, "{fault:?}: {error}");
}

/// Faults of a whole request, each of which leaves it open whether it was carried out.
pub fn whole_requests() -> [Fault; 8] {
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    [
        refuse(400, "ProvisionedThroughputExceededException"),
        refuse(400, "ThrottlingException"),
        refuse(500, "InternalServerError"),
        refuse(503, "ServiceUnavailable"),
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Hang,
        Fault::TruncateBody(1),
    ]
}

#[tokio::test]
async fn unprocessed_items_are_written_in_the_end() {
    for processed in [24, 1, 0] {
        let stage = Stage::set().await;
        stage.strike("BatchWriteItem", 2, Fault::Unprocessed { processed });
        let answer = stage.ledger.record(&records()).await;
        if processed == 0 {
            // Then the whole batch is refused: to be sent again by whoever has the records.
            told_honestly(&Fault::Unprocessed { processed }, answer);
            stage.world.faults.clear();
            stage.ledger.record(&records()).await.expect("recorded");
        } else {
            answer.unwrap_or_else(|error| panic!("{processed} processed: {error}"));
        }
        let held: Vec<_> = scanned(&stage.ledger, 1).await.into_values().collect();
        assert_eq!(held, records(), "{processed} processed");
    }
}

#[tokio::test]
async fn items_that_stay_unprocessed_are_told() {
    let stage = Stage::set().await;
    let fault = Fault::Unprocessed { processed: 1 };
    stage.strike("BatchWriteItem", Rule::ALWAYS, fault.clone());
    told_honestly(&fault, stage.ledger.record(&records()).await);
}

#[tokio::test]
async fn unprocessed_keys_are_read_in_the_end() {
    let stage = Stage::set().await;
    stage.ledger.record(&records()).await.expect("recorded");
    let fids: Vec<_> = (1..=160).map(Fid).collect();
    for processed in [20, 1] {
        stage.strike("BatchGetItem", 2, Fault::Unprocessed { processed });
        let mut read = stage.ledger.read(&fids).await.expect("all there is");
        read.sort_by_key(|record| record.fid);
        assert_eq!(read, records(), "{processed} processed");
    }
}

#[tokio::test]
async fn no_fault_of_a_write_is_taken_for_success() {
    for fault in whole_requests() {
        let stage = Stage::set().await;
        stage.strike("BatchWriteItem", 1, fault.clone());
        told_honestly(&fault, stage.ledger.record(&records()).await);
        // Writing all of them again makes it whole, whatever was written before.
        stage.ledger.record(&records()).await.expect("recorded");
        let held: Vec<_> = scanned(&stage.ledger, 2).await.into_values().collect();
        assert_eq!(held, records(), "{fault:?}");
    }
}

#[tokio::test]
async fn no_fault_of_a_read_makes_records_disappear() {
    let stage = Stage::set().await;
    stage.ledger.record(&records()).await.expect("recorded");
    let fids: Vec<_> = (1..=160).map(Fid).collect();
    for fault in whole_requests() {
        stage.strike("BatchGetItem", 1, fault.clone());
        told_honestly(&fault, stage.ledger.read(&fids).await);
        assert_eq!(stage.ledger.read(&fids).await.expect("an answer").len(), 60, "{fault:?}");
    }
}

#[tokio::test]
async fn a_scan_survives_faults_that_pass_and_tells_those_that_stay() {
    let stage = Stage::set().await;
    stage.ledger.record(&records()).await.expect("recorded");
    let segment = Segment { number: 0, of: 1 };
    for fault in whole_requests() {
        let rule = Rule::once(Service::DynamoDb, "Scan", "", fault.clone());
        stage.world.faults.clear();
        stage.world.faults.add(rule);
        assert_eq!(scanned(&stage.ledger, 1).await.len(), 60, "{fault:?}");
    }
    let fault = Fault::Refuse { status: 400, code: "ThrottlingException".to_owned() };
    stage.world.faults.add(Rule::always(Service::DynamoDb, fault.clone()));
    told_honestly(&fault, stage.ledger.scan(segment, &mut |_| ()).await);
}
