use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::dynamodb::DynamoLedger;
use stand_ins::embedded::{EmbeddedWorld, LEDGER};
use stand_ins::port::{PortFaults, PortLedger, VirtualClock};
use stand_ins::world::dynamodb::{create_ledger_table, new_database};
use tests::contract::ends::{WorldTable, dynamodb_of};
use tests::contract::ledger::{holds, missing_table_is_told};

#[test]
fn the_port_face_keeps_the_contract() {
    let database = new_database().expect("a database in memory");
    create_ledger_table(&database, LEDGER).expect("a new database");
    let ledger = |table: &str| {
        PortLedger::new(database.clone(), table.to_owned(), Arc::new(PortFaults::instant()))
    };
    let table = WorldTable::new(database.clone(), LEDGER);
    let checked = async {
        holds(&ledger(LEDGER), &table).await;
        missing_table_is_told(&ledger("nobody-made-it")).await;
    };
    VirtualClock::default().run(checked).expect("nothing to wait for");
}

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let (config, calls) = (dynamodb_of(&world).await, Arc::new(Calls::default()));
    let ledger = |table: &str| DynamoLedger::new(&config, table.to_owned(), calls.clone());
    holds(&ledger(LEDGER), &WorldTable::new(world.database.clone(), LEDGER)).await;
    let all = calls.all();
    assert!(all.values().all(|outcomes| outcomes.failed == 0), "{all:?}");
    // 6,000 by 25, and the few before.
    let writes = all[&(System::DynamoDb, "BatchWriteItem")].ok;
    assert!((241..260).contains(&writes), "{writes} writes");
    missing_table_is_told(&ledger("nobody-made-it")).await;
}
