//! The contract of [`domain::ports::KeyChanges`], kept by its adapter over the wire face of the world,
//! and what becomes of a change when something fails at any of its statements.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::Calls;
use adapters::mysql::{ChangeTimes, MysqlKeyChanges};
use domain::Fid;
use domain::ports::{ChangeError, KeyChange, KeyChanged, KeyChanges};
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use stand_ins::fault::{Fault, Faults, Rule, Service};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::MogileFs;
use tests::contract::key_changes::{another, key_changes_hold, keys, rows};
use tests::planted::{self, DOMAIN};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// For each call, so that one that is never answered ends soon.
const TIME: Duration = Duration::from_millis(300);

/// The world's end with MogileFS's tables, and the `information_schema` of its databases.
struct World {
    address: SocketAddr,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mogile = Arc::new(MogileFs::default());
        planted::plant(&mogile, &rows());
        let databases = Databases::new(Collation::Latin1SwedishCi).expect("a folder");
        let server = MysqlServer::new(mogile, "writer", "s3cret");
        let server = Arc::new(server.with_databases(Arc::new(databases)));
        let faults = Arc::new(Faults::default());
        let task = tokio::spawn(mysql::serve(listener, server, faults.clone()));
        Self { address, faults, task }
    }

    fn url(&self) -> String {
        format!("mysql://writer:s3cret@{}/{}", self.address, mysql::DATABASE)
    }

    fn changes(&self, domain: &str) -> MysqlKeyChanges {
        self.counted(domain, Arc::default())
    }

    fn counted(&self, domain: &str, calls: Arc<Calls>) -> MysqlKeyChanges {
        let url = self.url().parse().expect("a URL");
        MysqlKeyChanges::new(url, domain.to_owned(), calls)
    }

    async fn writer(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url()).await.expect("a session")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn the_contract_is_kept() {
    let world = World::new().await;
    let calls = Arc::new(Calls::default());
    let changes = world.counted(DOMAIN, calls.clone());
    key_changes_hold(&changes, &mut world.writer().await, true).await;
    let calls = calls.all();
    assert!(calls.len() > 10, "not every call is counted: {calls:?}");
}

#[tokio::test]
async fn a_domain_that_is_not_there_is_refused_by_name() {
    let world = World::new().await;
    for domain in ["nobody", &DOMAIN.to_uppercase()] {
        let rows = rows();
        let from = rows[0].dkey.clone().expect("a key");
        let change = KeyChange { fid: Fid(rows[0].fid), to: another(&from), from };
        let error = world.changes(domain).change_key(&change).await.expect_err("refused");
        assert!(matches!(error, ChangeError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("no MogileFS domain `{domain}`")), "{error}");
    }
}

/// Who holds it may change the key yet.
#[tokio::test]
async fn a_key_is_settled_when_nobody_holds_the_lock_of_operators() {
    let world = World::new().await;
    let (changes, row) = (world.changes(DOMAIN), &rows()[0]);
    let mut holder = world.writer().await;
    let take = format!("SELECT GET_LOCK('mogile2s3:{}', 0)", mysql::DATABASE);
    sqlx::query(sqlx::AssertSqlSafe(take)).fetch_all(&mut holder).await.expect("taken");
    let error = changes.settled_key_of(Fid(row.fid)).await.expect_err("locked");
    assert!(matches!(error, ChangeError::Locked { .. }), "{error:?}");
    assert_eq!(changes.key_of(Fid(row.fid)).await.expect("an answer"), row.dkey);
    holder.close().await.expect("closed");
    // The server notices that a moment later.
    for _ in 0..100 {
        match changes.settled_key_of(Fid(row.fid)).await {
            Err(ChangeError::Locked { .. }) => tokio::time::sleep(TIME / 10).await,
            settled => return assert_eq!(settled.expect("an answer"), row.dkey),
        }
    }
    panic!("the lock stays");
}

/// What goes wrong with a statement.
fn faults() -> Vec<Fault> {
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    vec![
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Hang,
        Fault::CorruptBody,
        refuse(1205, "Lock wait timeout exceeded; try restarting transaction"),
        refuse(1213, "Deadlock found when trying to get lock"),
        refuse(1290, "The MySQL server is running with the --read-only option"),
    ]
}

#[tokio::test]
async fn a_key_is_changed_or_not_whatever_statement_fails() {
    let mut uncertain = 0;
    for fault in faults() {
        for skip in 0.. {
            let world = World::new().await;
            let mut writer = world.writer().await;
            let before = keys(&mut writer).await;
            let rows = rows();
            let from = rows[0].dkey.clone().expect("a key");
            let change = KeyChange { fid: Fid(rows[0].fid), to: another(&from), from };
            let rule = Rule::always(Service::Mysql, fault.clone());
            world.faults.add(Rule { skip, times: 1, ..rule });
            let times = ChangeTimes { request: TIME, change: TIME, ..ChangeTimes::default() };
            let outcome = world.changes(DOMAIN).with_times(times).change_key(&change).await;
            let was_struck = world.faults.unspent().is_empty();
            world.faults.clear();
            let now = keys(&mut writer).await;
            let is_after = now[&rows[0].fid].as_ref() == Some(&change.to);
            let at = format!("{fault:?} after {skip}: {outcome:?}");
            assert!(is_after || now == before, "{at}");
            match &outcome {
                Ok(done) => assert!(is_after && *done == KeyChanged::Done, "{at}"),
                Err(ChangeError::Uncertain { .. }) => uncertain += 1,
                Err(_) => assert!(!is_after, "{at}"),
            }
            if !was_struck {
                assert!(outcome.is_ok() && skip > 8, "{at}");
                break;
            }
        }
    }
    assert!(uncertain >= 3, "a lost answer to COMMIT is uncertain: {uncertain}");
}
