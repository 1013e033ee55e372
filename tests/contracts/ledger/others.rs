//! The tables beside the ledger.

use std::sync::Arc;

use adapters::aws::Timeouts;
use adapters::calls::{Calls, System};
use adapters::dynamodb::{DynamoFailureLog, DynamoVerificationLog};
use domain::ports::{FailureLog, VerificationLog};
use domain::{FailureRecord, Fid, Verification};
use stand_ins::embedded::{EmbeddedWorld, FAILURES, VERIFICATIONS};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::port::{PortFailures, PortFaults, PortVerifications, VirtualClock};
use stand_ins::world::dynamodb::{create_failures_table, create_verifications_table, new_database};
use tests::contract::ends::{WorldTable, dynamodb_of};
use tests::contract::failure_log::{failure, note, scanned};
use tests::contract::verification_log::passed;
use tests::contract::{failure_log, verification_log};
use tokio::time::Duration;

use super::faults::{told_honestly, whole_requests};

#[test]
fn the_port_face_keeps_the_contract_of_failures() {
    let database = new_database().expect("a database in memory");
    create_failures_table(&database, FAILURES).expect("a new database");
    let log = |table: &str| {
        PortFailures::new(database.clone(), table.to_owned(), Arc::new(PortFaults::instant()))
    };
    let checked = async {
        failure_log::holds(&log(FAILURES), &WorldTable::new(database.clone(), FAILURES)).await;
        failure_log::missing_table_is_told(&log("nobody-made-it")).await;
    };
    VirtualClock::default().run(checked).expect("nothing to wait for");
}

#[test]
fn the_port_face_keeps_the_contract_of_verifications() {
    let database = new_database().expect("a database in memory");
    create_verifications_table(&database, VERIFICATIONS).expect("a new database");
    let log = |table: &str| {
        PortVerifications::new(database.clone(), table.to_owned(), Arc::new(PortFaults::instant()))
    };
    let checked = async {
        verification_log::holds(&log(VERIFICATIONS)).await;
        verification_log::missing_table_is_told(&log("nobody-made-it")).await;
    };
    VirtualClock::default().run(checked).expect("nothing to wait for");
}

#[tokio::test]
async fn the_adapters_keep_the_contracts() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let (config, calls) = (dynamodb_of(&world).await, Arc::new(Calls::default()));
    let failures = |table: &str| DynamoFailureLog::new(&config, table.to_owned(), calls.clone());
    let table = WorldTable::new(world.database.clone(), FAILURES);
    failure_log::holds(&failures(FAILURES), &table).await;
    let passes = |table: &str| DynamoVerificationLog::new(&config, table.to_owned(), calls.clone());
    verification_log::holds(&passes(VERIFICATIONS)).await;
    let all = calls.all();
    assert!(all.values().all(|outcomes| outcomes.failed == 0), "{all:?}");
    // More than one page for the many, and one for each of the others.
    assert!(all[&(System::DynamoDb, "Query")].ok > 14, "{all:?}");
    failure_log::missing_table_is_told(&failures("nobody-made-it")).await;
    verification_log::missing_table_is_told(&passes("nobody-made-it")).await;
}

struct Stage {
    world: EmbeddedWorld,
    failures: DynamoFailureLog,
    verifications: DynamoVerificationLog,
}

impl Stage {
    async fn set() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let (config, calls) = (dynamodb_of(&world).await, Arc::new(Calls::default()));
        // Long enough for any answer, short enough to wait for one that never comes.
        let timeouts = Timeouts { request: Duration::from_secs(2) };
        let failures = DynamoFailureLog::new(&config, FAILURES.to_owned(), calls.clone());
        let verifications = DynamoVerificationLog::new(&config, VERIFICATIONS.to_owned(), calls);
        Self {
            world,
            failures: failures.with_timeouts(timeouts),
            verifications: verifications.with_timeouts(timeouts),
        }
    }

    /// Strikes so many requests of an operation, after the first ones.
    fn strike(&self, operation: &str, skip: u32, times: u32, fault: Fault) {
        self.world.faults.clear();
        let rule = Rule::once(Service::DynamoDb, operation, "", fault);
        self.world.faults.add(Rule { skip, times, ..rule });
    }
}

fn failures() -> Vec<FailureRecord> {
    (1..=60).map(failure).collect()
}

fn fids() -> Vec<Fid> {
    (1..=60).map(Fid).collect()
}

#[tokio::test]
async fn a_fault_while_failures_are_cleared_is_told_and_clearing_again_ends_it() {
    for fault in whole_requests() {
        let stage = Stage::set().await;
        note(&stage.failures, &failures()).await.expect("noted");
        stage.strike("BatchWriteItem", 1, 1, fault.clone());
        told_honestly(&fault, stage.failures.clear(&fids()).await);
        stage.failures.clear(&fids()).await.expect("cleared");
        assert!(scanned(&stage.failures).await.is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn unprocessed_entries_are_cleared_in_the_end() {
    for processed in [24, 1] {
        let stage = Stage::set().await;
        note(&stage.failures, &failures()).await.expect("noted");
        stage.strike("BatchWriteItem", 1, 2, Fault::Unprocessed { processed });
        stage.failures.clear(&fids()).await.expect("cleared");
        assert!(scanned(&stage.failures).await.is_empty(), "{processed} processed");
    }
}

#[tokio::test]
async fn a_run_is_told_whole_or_not_at_all() {
    let stage = Stage::set().await;
    let all: Vec<Verification> = (1..=60).map(|fid| passed("one", fid)).collect();
    stage.verifications.record(&all).await.expect("recorded");
    for fault in whole_requests() {
        stage.strike("Query", 0, 1, fault.clone());
        let mut fids = std::collections::BTreeSet::new();
        let mut each = |file: domain::VerifiedFile| {
            fids.insert(file.fid.0);
        };
        stage.verifications.verified("one", &mut each).await.expect("the second time");
        assert_eq!(fids, (1..=60).collect(), "{fault:?}");
    }
    let fault = Fault::Refuse { status: 400, code: "ThrottlingException".to_owned() };
    stage.strike("Query", 0, Rule::ALWAYS, fault.clone());
    told_honestly(&fault, stage.verifications.verified("one", &mut |_| ()).await);
}
