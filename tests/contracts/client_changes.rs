//! The contracts of [`domain::ports::ContentRepoChanges`] and [`domain::ports::RhinoChanges`], kept by
//! their adapters over the wire face of the world, and what becomes of a change when something fails at
//! any of its statements. `containers/client_changes` has real servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::Calls;
use adapters::mysql::{ChangeTimes, DatabaseUrl, MysqlContentRepoChanges, MysqlRhinoChanges};
use domain::ports::{
    BucketRename, ChangeError, ContentRepoChanges, IndexChange, IndexDefinition, Renaming,
    RhinoChanges, RhinoSession, RowId,
};
use domain::retry::{Classed, ErrorClass};
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use stand_ins::fault::{Fault, Faults, Rule, Service};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::MogileFs;
use tests::containers::client_tables::plant_rhino;
use tests::contract::client_changes::{
    ALL, INDEX, buckets, content_repo_changes_hold, files, name_changes, plant_buckets,
    rhino_changes_hold,
};
use tests::planted_clients::article_files;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

mod index;

/// For each call, so that one that is never answered ends soon.
const TIME: Duration = Duration::from_millis(300);

fn short_times() -> ChangeTimes {
    ChangeTimes { request: TIME, change: TIME, index: TIME, ..ChangeTimes::default() }
}

/// Production's times, but for a shorter one between two looks for our session.
fn watched_each(watch: Duration) -> ChangeTimes {
    ChangeTimes { watch, ..ChangeTimes::default() }
}

/// The world's end with its databases.
struct World {
    address: SocketAddr,
    faults: Arc<Faults>,
    task: JoinHandle<()>,
}

impl World {
    async fn new(collation: Collation) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let databases = Arc::new(Databases::new(collation).expect("a folder"));
        let server = MysqlServer::new(Arc::new(MogileFs::default()), "writer", "s3cret");
        let server = Arc::new(server.with_databases(databases));
        let faults = Arc::new(Faults::default());
        let task = tokio::spawn(mysql::serve(listener, server, faults.clone()));
        Self { address, faults, task }
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://writer:s3cret@{}/{database}", self.address)
    }

    fn parsed(&self, database: &str) -> DatabaseUrl {
        self.url(database).parse().expect("a URL")
    }

    async fn writer(&self, database: &str) -> MySqlConnection {
        MySqlConnection::connect(&self.url(database)).await.expect("a session")
    }

    fn content_repo(&self) -> MysqlContentRepoChanges {
        MysqlContentRepoChanges::new(self.parsed("contentrepo"), Arc::default())
    }

    fn rhino(&self) -> MysqlRhinoChanges {
        MysqlRhinoChanges::new(self.parsed("rhino"), Arc::default())
    }

    /// Strikes the request behind so many, whatever it is.
    fn strike(&self, skip: u32, fault: Fault) {
        let rule = Rule::always(Service::Mysql, fault);
        self.faults.add(Rule { skip, times: 1, ..rule });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn the_contracts_are_kept_with_every_collation() {
    for collation in [Collation::Latin1SwedishCi, Collation::Utf8GeneralCi, Collation::Utf8Bin] {
        let world = World::new(collation).await;
        let calls = Arc::new(Calls::default());
        let url = world.parsed("contentrepo");
        let changes = MysqlContentRepoChanges::new(url, calls.clone());
        let mut writer = world.writer("contentrepo").await;
        let is_blind = collation != Collation::Utf8Bin;
        content_repo_changes_hold(&changes, &mut writer, is_blind).await;

        let changes = MysqlRhinoChanges::new(world.parsed("rhino"), calls.clone());
        let mut writer = world.writer("rhino").await;
        plant_rhino(&mut writer, &article_files()).await.expect("planted");
        rhino_changes_hold(&changes, &mut writer).await;
        let calls = calls.all();
        assert!(calls.len() > 10, "not every call is counted: {calls:?}");
    }
}

/// What goes wrong with a statement.
fn faults() -> Vec<Fault> {
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    vec![
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Hang,
        Fault::TruncateBody(3),
        Fault::CorruptBody,
        refuse(1205, "Lock wait timeout exceeded; try restarting transaction"),
        refuse(1213, "Deadlock found when trying to get lock"),
        refuse(1317, "Query execution was interrupted"),
        refuse(1290, "The MySQL server is running with the --read-only option"),
    ]
}

/// Whether an outcome tells the truth: done is done, and nothing is half done.
fn check<T>(at: &str, outcome: &Result<T, ChangeError>, is_before: bool, is_after: bool) {
    assert!(is_before || is_after, "{at}: half done");
    match outcome {
        Ok(_) => assert!(is_after, "{at}: said to be done"),
        Err(ChangeError::Uncertain { .. }) => {}
        Err(error) => assert!(is_before, "{at}: done in spite of {error:?}"),
    }
}

#[tokio::test]
async fn buckets_are_renamed_whole_or_not_whatever_statement_fails() {
    let world = World::new(Collation::Utf8GeneralCi).await;
    let mut writer = world.writer("contentrepo").await;
    let (mut uncertain, mut kinds) = (0, std::collections::BTreeSet::new());
    for fault in faults() {
        for skip in 0.. {
            let before = plant_buckets(&mut writer).await;
            let rename = |at: usize, to: &str| BucketRename {
                id: before[at].id,
                from: before[at].name.clone(),
                to: to.to_owned(),
            };
            let renames = [rename(0, "one"), rename(1, "two")];
            world.strike(skip, fault.clone());
            let changes = world.content_repo().with_times(short_times());
            let outcome = changes.rename_buckets(&renames).await;
            let was_struck = world.faults.unspent().is_empty();
            world.faults.clear();
            settled(&mut writer).await;
            let now = buckets(&mut writer).await;
            let is_after = now[0].name == "one" && now[1].name == "two";
            check(&format!("{fault:?} after {skip}"), &outcome, now == before, is_after);
            uncertain += u32::from(matches!(outcome, Err(ChangeError::Uncertain { .. })));
            kinds.extend(outcome.as_ref().err().map(|error| error.class() == ErrorClass::Retry));
            if !was_struck {
                assert_eq!(outcome.expect("no fault"), Renaming::Done);
                assert!(skip > 10, "{skip} statements");
                break;
            }
        }
    }
    assert!(uncertain >= 4, "a lost answer to COMMIT is uncertain: {uncertain}");
    assert_eq!(kinds.len(), 2, "some may be tried again, some not");
}

/// Waits until no session that is ending holds what it has not committed: its server learns of it a
/// moment later.
async fn settled(writer: &mut MySqlConnection) {
    use sqlx::Executor;
    for _ in 0..200 {
        let rows = writer.fetch_all("SHOW PROCESSLIST").await.expect("rows");
        if rows.len() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a session does not end");
}

#[tokio::test]
async fn files_are_renamed_whole_or_not_whatever_statement_fails() {
    let world = World::new(Collation::Utf8GeneralCi).await;
    let mut writer = world.writer("rhino").await;
    plant_rhino(&mut writer, &article_files()).await.expect("planted");
    let before = files(&mut writer).await;
    let forth = name_changes(&[("corpus", "c"), ("Corpus", "d")]);
    let back = name_changes(&[("c", "corpus"), ("d", "Corpus")]);
    let after = renamed(&world, &mut writer, &forth).await;
    renamed(&world, &mut writer, &back).await;
    let mut uncertain = 0;
    // The other faults end a statement in the same way, and are tried above.
    for fault in faults().into_iter().step_by(2) {
        for skip in 0.. {
            let changes = world.rhino().with_times(short_times());
            let mut session = changes.lock().await.expect("the lock");
            world.strike(skip, fault.clone());
            let outcome = session.rename_buckets(ALL, &forth, &[]).await;
            let was_struck = world.faults.unspent().is_empty();
            world.faults.clear();
            let broke = !matches!(&outcome, Err(ChangeError::Blocked { .. }) | Ok(_))
                && matches!(fault, Fault::RequestLost | Fault::AnswerLost | Fault::Hang);
            if broke {
                // Even where the change was made: its session is not trusted any more.
                let error = session.rename_buckets(ALL, &forth, &[]).await.expect_err("ended");
                assert!(matches!(error, ChangeError::SessionLost { .. }), "{error:?}");
            }
            drop(session);
            settled(&mut writer).await;
            let now = files(&mut writer).await;
            check(&format!("{fault:?} after {skip}"), &outcome, now == before, now == after);
            uncertain += u32::from(matches!(outcome, Err(ChangeError::Uncertain { .. })));
            // The caller does the same again, and comes to the same end.
            assert_eq!(renamed(&world, &mut writer, &forth).await, after);
            renamed(&world, &mut writer, &back).await;
            if !was_struck {
                assert!(outcome.is_ok() && skip > 5, "{skip} statements: {outcome:?}");
                break;
            }
        }
    }
    assert!(uncertain >= 3, "a lost answer to COMMIT is uncertain: {uncertain}");
}

/// The rows after a change that nothing hinders.
async fn renamed(
    world: &World,
    writer: &mut MySqlConnection,
    names: &domain::name_changes::NameChanges,
) -> std::collections::BTreeMap<i64, (String, String)> {
    let mut session = world.rhino().lock().await.expect("the lock");
    session.rename_buckets(ALL, names, &[]).await.expect("renamed");
    drop(session);
    settled(writer).await;
    files(writer).await
}

#[tokio::test]
async fn an_error_at_the_commit_is_uncertain_unless_it_is_known() {
    let world = World::new(Collation::Utf8Bin).await;
    let mut writer = world.writer("rhino").await;
    plant_rhino(&mut writer, &article_files()).await.expect("planted");
    let before = files(&mut writer).await;
    let names = name_changes(&[("corpus", "c")]);
    for (number, is_known) in [(1205, true), (1213, true), (1317, false), (1180, false)] {
        let fault = Fault::Refuse { status: number, code: "no".to_owned() };
        world.faults.add(Rule::once(Service::Mysql, "COMMIT", "", fault));
        let mut session = world.rhino().lock().await.expect("the lock");
        let error = session.rename_buckets(ALL, &names, &[]).await.expect_err("not committed");
        let is_uncertain = matches!(error, ChangeError::Uncertain { .. });
        assert_eq!(is_uncertain, !is_known, "{number}: {error:?}");
        assert_eq!(error.class(), ErrorClass::Retry);
        drop(session);
        settled(&mut writer).await;
        assert_eq!(files(&mut writer).await, before, "{number}");
    }
}

#[tokio::test]
async fn errors_never_show_the_password() {
    let world = World::new(Collation::Utf8Bin).await;
    for (number, skip) in [(1045, 0), (1142, 3), (1064, 5)] {
        world.strike(skip, Fault::Refuse { status: number, code: "no".to_owned() });
        let renames = [BucketRename { id: RowId(1), from: "a".to_owned(), to: "b".to_owned() }];
        let error = world.content_repo().rename_buckets(&renames).await.expect_err("refused");
        assert!(matches!(error, ChangeError::Refused { .. }), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(&number.to_string()) && !shown.contains("s3cret"), "{shown}");
    }
}
