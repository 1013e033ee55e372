//! The clients' databases on the stand-in's socket, by the library that the adapters use: prepared
//! statements, transactions, numbers and texts.

use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor, Row};
use stand_ins::embedded::EmbeddedWorld;
use stand_ins::fault::{Fault, Rule, Service};

async fn connect(world: &EmbeddedWorld, variable: &str) -> MySqlConnection {
    MySqlConnection::connect(&world.environment()[variable]).await.expect("a session")
}

async fn buckets(session: &mut MySqlConnection) -> Vec<(i64, String)> {
    let sql = "SELECT bucketId, bucketName FROM buckets WHERE bucketId > ? ORDER BY bucketId";
    let rows = sqlx::query(sql).bind(0_u64).fetch_all(session).await.expect("rows");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn transactions_are_whole_or_not_there() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let mut session = connect(&world, "CONTENTREPO_DATABASE_URL").await;
    let mut other = connect(&world, "CONTENTREPO_DATABASE_URL").await;
    let insert = "INSERT INTO buckets (bucketName) VALUES (?)";
    let done = sqlx::query(insert).bind("one").execute(&mut session).await.expect("inserted");
    assert_eq!((done.rows_affected(), done.last_insert_id()), (1, 1));

    let update = "UPDATE buckets SET bucketName = ?, timestamp = timestamp WHERE bucketId = ?";
    for (commits, name) in [(false, "one"), (true, "two")] {
        let mut transaction = session.begin().await.expect("begun");
        let query = sqlx::query(update).bind("two").bind(1_u64);
        assert_eq!(query.execute(&mut *transaction).await.expect("found").rows_affected(), 1);
        if commits {
            transaction.commit().await.expect("committed");
        } else {
            transaction.rollback().await.expect("rolled back");
        }
        assert_eq!(buckets(&mut other).await, [(1, name.to_owned())], "{commits}");
    }
    // Rows that were found count, changed or not.
    let again = sqlx::query(update).bind("two").bind(1_u64).execute(&mut session).await;
    assert_eq!(again.expect("found").rows_affected(), 1);

    // A session that goes away in its transaction.
    session.execute("BEGIN").await.expect("begun");
    sqlx::query(insert).bind("three").execute(&mut session).await.expect("inserted");
    drop(session);
    assert_eq!(buckets(&mut other).await, [(1, "two".to_owned())]);
}

#[tokio::test]
async fn errors_have_their_numbers() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let mut session = connect(&world, "RHINO_DATABASE_URL").await;
    let update = "UPDATE articleFile SET bucketName = ? WHERE fileId BETWEEN ? AND ?";
    for number in [1205, 1213, 1290, 1317] {
        let fault = Fault::Refuse { status: number, code: "by the script".to_owned() };
        world.faults.add(Rule::once(Service::Mysql, "UPDATE articleFile", "", fault));
        let query = sqlx::query(update).bind("a").bind(1_u64).bind(5_000_u64);
        let error = query.execute(&mut session).await.expect_err("it is struck");
        let error = error.into_database_error().expect("the server's own");
        let error = error.downcast::<sqlx::mysql::MySqlDatabaseError>();
        assert_eq!(error.number(), number);
    }
    let query = sqlx::query(update).bind("a").bind(1_u64).bind(5_000_u64);
    assert_eq!(query.execute(&mut session).await.expect("no row").rows_affected(), 0);
    let created = sqlx::query("SHOW CREATE TABLE articleFile").fetch_one(&mut session).await;
    let text: String = created.expect("a row").get(1);
    assert!(text.contains("KEY `bucketName_index` (`bucketName`)"), "{text}");
}
