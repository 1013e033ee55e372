//! What every server promises of the locks of `GET_LOCK`.

use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor};

const NAME: &str = "mogile2s3:contract";

/// The answer about the lock; [`None`] is NULL.
async fn asked(session: &mut MySqlConnection, call: &str) -> Option<i64> {
    let sql = AssertSqlSafe(format!("SELECT {call}"));
    let answer = sqlx::query_scalar(sql).bind(NAME).fetch_one(session).await;
    answer.unwrap_or_else(|error| panic!("{call}: {error}"))
}

const TAKE: &str = "GET_LOCK(?, 0)";
const GIVE: &str = "RELEASE_LOCK(?)";
const FREE: &str = "IS_FREE_LOCK(?)";

/// Checks every promise with two sessions of one server; the first ends.
///
/// # Panics
/// When a promise is not kept.
pub async fn locks_hold(mut first: MySqlConnection, other: &mut MySqlConnection) {
    assert_eq!(asked(&mut first, GIVE).await, None, "nobody holds it");
    assert_eq!(asked(&mut first, TAKE).await, Some(1));
    assert_eq!(asked(other, TAKE).await, Some(0), "it is another's");
    assert_eq!(asked(other, GIVE).await, Some(0), "it is another's");
    assert_eq!(asked(other, FREE).await, Some(0));
    for end in ["COMMIT", "ROLLBACK"] {
        first.execute("BEGIN").await.expect("begun");
        first.execute(end).await.expect("ended");
        assert_eq!(asked(other, FREE).await, Some(0), "after {end}");
    }
    assert_eq!(asked(&mut first, GIVE).await, Some(1));
    assert_eq!(asked(other, TAKE).await, Some(1));
    assert_eq!(asked(other, GIVE).await, Some(1));

    assert_eq!(asked(&mut first, TAKE).await, Some(1));
    drop(first);
    // The server learns of it a moment later.
    for _ in 0..500 {
        if asked(other, FREE).await == Some(1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the lock outlives its session");
}
