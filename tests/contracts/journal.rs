//! [`domain::ports::Journal`]: the contract on both faces of the world and on LocalStack, and what the
//! adapter makes of answers that are lost.

#[cfg(feature = "containers")]
mod localstack;

use std::sync::Arc;

use adapters::aws::Timeouts;
use adapters::calls::{Calls, System};
use adapters::clock::SystemClock;
use adapters::dynamodb::DynamoJournal;
use domain::ports::{Appended, Clock, Journal, LedgerError, ServiceTime};
use stand_ins::embedded::{EmbeddedWorld, JOURNAL};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::port::{PortFaults, PortJournal, VirtualClock};
use stand_ins::world::dynamodb::{create_journal_table, new_database};
use tests::contract::ends::{WorldTable, dynamodb_of};
use tests::contract::journal::{holds, missing_table_is_told, sealed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Duration;

#[test]
fn the_port_face_keeps_the_contract() {
    let database = new_database().expect("a database in memory");
    create_journal_table(&database, JOURNAL).expect("a new database");
    let journal = |table: &str, migration: &str| {
        let faults = Arc::new(PortFaults::instant());
        PortJournal::new(database.clone(), table.to_owned(), migration.to_owned(), faults)
    };
    let checked = async {
        let table = WorldTable::new(database.clone(), JOURNAL);
        holds(&journal(JOURNAL, "ledger"), &journal(JOURNAL, "other"), &table).await;
        missing_table_is_told(&journal("nobody-made-it", "ledger")).await;
    };
    VirtualClock::default().run(checked).expect("nothing to wait for");
}

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let (config, calls) = (dynamodb_of(&world).await, Arc::new(Calls::default()));
    let journal = |table: &str, migration: &str| {
        DynamoJournal::new(&config, table.to_owned(), migration.to_owned(), calls.clone())
    };
    let table = WorldTable::new(world.database.clone(), JOURNAL);
    holds(&journal(JOURNAL, "ledger"), &journal(JOURNAL, "other"), &table).await;
    let all = calls.all();
    assert!(all.values().all(|outcomes| outcomes.failed == 0), "{all:?}");
    // More than one page for the many, and one for each of the others.
    assert!(all[&(System::DynamoDb, "Query")].ok > 10, "{all:?}");
    missing_table_is_told(&journal("nobody-made-it", "ledger")).await;
}

/// The clock of the service is that of its answers, which the world has from this machine.
#[tokio::test]
async fn the_adapter_gives_the_services_time() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let config = dynamodb_of(&world).await;
    let journal = |table: &str| {
        DynamoJournal::new(&config, table.to_owned(), "ledger".to_owned(), Arc::default())
    };
    let theirs = journal(JOURNAL).service_time().await.expect("an answer").expect("a date");
    let ours = SystemClock.now();
    let apart = ours.until(theirs).max(theirs.until(ours));
    // A date has no parts of a second.
    assert!(apart < Duration::from_secs(30), "{theirs} {ours}");
    // A refusal has a time, too.
    assert!(journal("nobody-made-it").service_time().await.expect("an answer").is_some());
}

/// AWS refuses what is signed with another time: that answer has the right one.
#[tokio::test]
async fn the_time_is_read_from_the_refusal_of_a_wrong_clock() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let refuses = async {
        let (mut stream, _) = listener.accept().await.expect("a request");
        let mut request = [0; 16 * 1024];
        let _ = stream.read(&mut request).await.expect("a request");
        let body = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException",
            "message":"Signature expired: 20251231T230000Z is now earlier than 20251231T235500Z"}"#;
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: \
             application/x-amz-json-1.0\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.expect("an answer");
    };
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let config = dynamodb_of(&world).await.to_builder();
    let config = config.endpoint_url(format!("http://{address}")).build();
    let (table, migration) = (JOURNAL.to_owned(), "ledger".to_owned());
    let journal = DynamoJournal::new(&config, table, migration, Arc::default());
    let (theirs, ()) = tokio::join!(journal.service_time(), refuses);
    assert_eq!(theirs.expect("an answer"), Some(domain::Timestamp(1_767_225_600_000)));
}

/// Whatever was lost, the entry is there once when writing it again is answered.
#[tokio::test]
async fn an_entry_whose_answer_was_lost_is_written_once() {
    let refuse = |code: &str| Fault::Refuse { status: 400, code: code.to_owned() };
    for fault in [
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Hang,
        Fault::TruncateBody(1),
        refuse("ThrottlingException"),
        refuse("TransactionConflictException"),
        Fault::Refuse { status: 500, code: "InternalServerError".to_owned() },
    ] {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let config = dynamodb_of(&world).await;
        let (table, migration) = (JOURNAL.to_owned(), "ledger".to_owned());
        let journal = DynamoJournal::new(&config, table, migration, Arc::default());
        // Long enough for any answer, short enough to wait for one that never comes.
        let journal = journal.with_timeouts(Timeouts { request: Duration::from_secs(2) });
        let rule = Rule::once(Service::DynamoDb, "TransactWriteItems", "", fault.clone());
        world.faults.add(rule);
        let entry = sealed(&journal, None, "one");
        let error = journal.append(&entry).await.expect_err("an honest error");
        assert!(matches!(error, LedgerError::Unavailable { .. }), "{fault:?}: {error:?}");
        let again = journal.append(&entry).await.expect("an answer");
        assert_eq!(again, Appended::Written, "{fault:?}");
        let mut all = Vec::new();
        journal.read(0, &mut |entry| all.push(entry)).await.expect("an answer");
        assert_eq!(all, [entry.stored()], "{fault:?}");
    }
}
