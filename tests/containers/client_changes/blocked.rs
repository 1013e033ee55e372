//! Sessions of others that hold what is to be changed, or end ours.

use std::time::{Duration, Instant};

use adapters::mysql::MysqlContentRepoChanges;
use domain::ports::{
    BucketRename, ChangeError, ContentRepoChanges, IndexChange, IndexDefinition, Renaming,
    RhinoChanges, RowId,
};
use domain::retry::{Classed, ErrorClass};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tests::containers::client_tables::{TEXTS, new_content_repo};
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_changes::{ALL, INDEX, buckets, files, name_changes, plant_buckets};

use super::{LOCK_WAIT, rhino, times};

async fn number_of(session: &mut MySqlConnection) -> anyhow::Result<u64> {
    Ok(session.fetch_one("SELECT CONNECTION_ID() AS id").await?.try_get("id")?)
}

/// Whether the error is of a table that this session holds.
fn names(error: &ChangeError, session: u64, are_certain: bool) {
    let ChangeError::Blocked { holders, why, .. } = error else { panic!("{error:?}") };
    assert_eq!(holders.are_certain, are_certain, "{error}");
    assert!(holders.sessions.iter().any(|holder| holder.id == session), "no {session}: {error}");
    assert!(why.contains("1205"), "{error}");
    assert_eq!(error.class(), ErrorClass::Retry);
}

#[tokio::test]
async fn a_session_that_holds_the_table_is_named_within_the_time_limit() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, changes) = rhino(&server).await?;
    let before = files(&mut root).await;
    let mut holder = server.root("rhino").await?;
    let number = number_of(&mut holder).await?;
    let mut session = changes.lock().await?;

    // The account sees only its own sessions at first, then all of them, then all locks, which
    // MariaDB does not record.
    let are_recorded = !changes.facts().await?.version.contains("MariaDB");
    holder.execute("START TRANSACTION").await?;
    holder.execute("SELECT fileId FROM articleFile LIMIT 1").await?;
    let user = MysqlServer::USER;
    let begun = Instant::now();
    let error = session.drop_index().await.expect_err("it is held");
    let ChangeError::Blocked { holders, .. } = &error else { panic!("{error:?}") };
    assert!(holders.sessions.is_empty() && error.to_string().contains("PROCESS"), "{error}");
    assert!(begun.elapsed() < LOCK_WAIT + Duration::from_secs(10), "{:?}", begun.elapsed());
    for (grant, are_certain) in [
        (format!("GRANT PROCESS ON *.* TO '{user}'@'%'"), false),
        (format!("GRANT SELECT ON performance_schema.* TO '{user}'@'%'"), are_recorded),
    ] {
        root.execute(AssertSqlSafe(grant)).await?;
        names(&session.drop_index().await.expect_err("it is held"), number, are_certain);
    }
    let holders = changes.holders().await?;
    assert!(holders.sessions.iter().any(|holder| holder.id == number), "{holders}");
    // Others read on, and nothing has changed.
    assert_eq!(files(&mut root).await, before);
    holder.execute("ROLLBACK").await?;
    assert_eq!(session.drop_index().await?, IndexChange::Made);

    // A row that another session has changed.
    holder.execute("START TRANSACTION").await?;
    holder.execute("UPDATE articleFile SET fileSize = 1 WHERE fileId = 4").await?;
    let names_changed =
        name_changes(&[("corpus", "c"), ("Corpus", "d"), ("corpus ", "e"), ("", "f")]);
    match session.rename_buckets(ALL, &names_changed, &[]).await {
        Err(error) => names(&error, number, are_recorded),
        Ok(renamed) => panic!("renamed {renamed:?} beside the row's lock"),
    }
    assert_eq!(files(&mut root).await, before, "a part is renamed");
    holder.execute("ROLLBACK").await?;
    session.rename_buckets(ALL, &names_changed, &[]).await?;
    let buckets = session.rows_by_bucket(ALL).await?;
    let buckets: Vec<_> = buckets.into_keys().flatten().collect();
    assert_eq!(buckets, ["c", "d", "e", "f", "mogilefs-prod-repo"]);
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_killed_has_lost_its_lock_and_changes_nothing() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, changes) = rhino(&server).await?;
    let before = files(&mut root).await;
    let mut session = changes.lock().await?;
    let Err(ChangeError::Locked { holder, .. }) = changes.lock().await.map(drop) else {
        panic!("two hold the lock");
    };
    root.execute(AssertSqlSafe(format!("KILL {}", holder.id))).await?;
    let names = name_changes(&[("corpus", "c")]);
    let error = session.rename_buckets(ALL, &names, &[]).await.expect_err("it is killed");
    assert!(matches!(error, ChangeError::Unavailable { .. }), "{error:?}");
    let lost = |error: ChangeError| {
        assert!(matches!(error, ChangeError::SessionLost { .. }), "{error:?}");
    };
    // Another operator may go on meanwhile.
    let _other = changes.lock().await?;
    lost(session.rename_buckets(ALL, &names, &[]).await.expect_err("it has no lock"));
    lost(session.drop_index().await.expect_err("it has no lock"));
    lost(session.add_index(&IndexDefinition(INDEX.to_owned())).await.expect_err("no lock"));
    assert_eq!(files(&mut root).await, before);
    Ok(())
}

#[tokio::test]
async fn contentrepo_waits_for_nobody_and_no_server_that_is_read_only() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = new_content_repo(&server, "repo", TEXTS[0]).await?;
    let before = plant_buckets(&mut root).await;
    let rename = |from: &str, to: &str| BucketRename {
        id: RowId(6),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    let changes = MysqlContentRepoChanges::new(server.url("repo")?, std::sync::Arc::default());
    let changes = changes.with_times(times());

    let mut holder = server.root("repo").await?;
    let number = number_of(&mut holder).await?;
    let user = MysqlServer::USER;
    for grant in ["PROCESS ON *.*", "SELECT ON performance_schema.*"] {
        root.execute(AssertSqlSafe(format!("GRANT {grant} TO '{user}'@'%'"))).await?;
    }
    holder.execute("START TRANSACTION").await?;
    holder.execute("SELECT bucketId FROM buckets WHERE bucketId = 6 FOR UPDATE").await?;
    let version: String =
        root.fetch_one("SELECT VERSION() AS version").await?.try_get("version")?;
    let are_recorded = !version.contains("MariaDB");
    let error = changes.rename_buckets(&[rename("x", "y")]).await.expect_err("held");
    names(&error, number, are_recorded);
    holder.execute("ROLLBACK").await?;
    holder.close().await?;

    // An administrator's account may write to a replica, too.
    let right = if are_recorded { "SUPER" } else { "READ_ONLY ADMIN" };
    root.execute(AssertSqlSafe(format!("GRANT {right} ON *.* TO '{user}'@'%'"))).await?;
    root.execute("SET GLOBAL read_only = ON").await?;
    let error = changes.rename_buckets(&[rename("x", "y")]).await.expect_err("read-only");
    assert!(matches!(error, ChangeError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("replica"), "{error}");
    root.execute("SET GLOBAL read_only = OFF").await?;

    // A name that the column cannot hold is not cut.
    let error = changes.rename_buckets(&[rename("x", &"y".repeat(256))]).await.expect_err("long");
    assert!(matches!(error, ChangeError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("cannot hold"), "{error}");
    assert_eq!(buckets(&mut root).await, before);
    assert_eq!(changes.rename_buckets(&[rename("x", "y")]).await?, Renaming::Done);
    Ok(())
}
