//! [`domain::ports::ContentRepoDatabase`] and [`domain::ports::RhinoDatabase`] on a real server.

use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::mysql::{MysqlContentRepo, MysqlRhino, MysqlServers};
use domain::ports::{
    AccountRights, ContentRepoDatabase, DatabaseError, DatabaseServers, RhinoDatabase, RowId,
    SurveyedDatabase,
};
use domain::retry::{Classed, ErrorClass};
use sqlx::Executor;
use tests::containers::client_tables::{
    TEXTS, create_content_repo, create_rhino, new_content_repo, new_rhino, plant_content_repo,
    plant_rhino,
};
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_databases::{
    content_repo_holds, empty_content_repo_holds, empty_rhino_holds, rhino_holds,
};
use tests::contract::client_schemas::{content_repo_is_whole, rhino_is_whole};
use tests::contract::locks::locks_hold;
use tests::planted_clients::{ContentRepoRows, article_files};

#[tokio::test]
async fn the_contracts_are_kept_with_every_character_set() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for (number, text) in TEXTS.into_iter().enumerate() {
        let calls = Arc::new(Calls::default());
        let name = format!("repo{number}");
        let mut root = new_content_repo(&server, &name, text).await?;
        content_repo_is_whole(&mut root, text.collation).await;
        let database = MysqlContentRepo::new(server.url(&name)?, calls.clone());
        empty_content_repo_holds(&database).await;
        let rows = ContentRepoRows::new();
        plant_content_repo(&mut root, &rows).await?;
        content_repo_holds(&database, &rows).await;

        let name = format!("rhino{number}");
        let mut root = new_rhino(&server, &name, text).await?;
        rhino_is_whole(&mut root).await;
        let database = MysqlRhino::new(server.url(&name)?, calls.clone());
        empty_rhino_holds(&database).await;
        plant_rhino(&mut root, &article_files()).await?;
        rhino_holds(&database).await;
        let calls = calls.all();
        assert!(calls.values().all(|outcomes| outcomes.failed == 0), "{text:?}: {calls:?}");
        assert!(calls[&(System::Mysql, "objects")].ok > 100, "{calls:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refusal_says_what_to_do() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("other").await?;
    let url = || server.url("other");
    let is_refused = |error: &DatabaseError, words: &str| {
        assert_eq!(error.class(), ErrorClass::GiveUp, "{error}");
        assert!(error.to_string().contains(words), "no `{words}` in: {error}");
        assert!(!format!("{error:?}").contains(MysqlServer::PASSWORD), "a secret: {error:?}");
    };
    let repo = MysqlContentRepo::new(url()?, Arc::default());
    let rhino = MysqlRhino::new(url()?, Arc::default());
    is_refused(&repo.buckets().await.unwrap_err(), "is this contentrepo's database?");
    is_refused(&rhino.files(RowId::START, 1).await.unwrap_err(), "is this rhino's database?");

    create_content_repo(&mut root).await?;
    create_rhino(&mut root).await?;
    let user = MysqlServer::USER;
    for sql in [
        format!("REVOKE ALL PRIVILEGES ON other.* FROM '{user}'@'%'"),
        format!("GRANT SELECT ON other.buckets TO '{user}'@'%'"),
    ] {
        root.execute(sqlx::AssertSqlSafe(sql)).await?;
    }
    let repo = MysqlContentRepo::new(url()?, Arc::default());
    let rhino = MysqlRhino::new(url()?, Arc::default());
    repo.buckets().await?;
    let words = "grant SELECT on the tables `buckets` and `objects`";
    is_refused(&repo.extent().await.unwrap_err(), words);
    is_refused(&rhino.last().await.unwrap_err(), "grant SELECT on the table `articleFile`");
    Ok(())
}

#[tokio::test]
async fn a_survey_says_what_the_server_and_the_account_are() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let user = MysqlServer::USER;
    let mut root = new_content_repo(&server, "my_repo", TEXTS[0]).await?;
    server.create_database("another").await?;
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut root).await?;
    let survey = async || {
        MysqlContentRepo::new(server.url("my_repo")?, Arc::default())
            .survey()
            .await
            .map_err(anyhow::Error::from)
    };
    let found = survey().await?;
    assert!(found.at.ends_with("/my_repo"), "{found:?}");
    assert_eq!(found.version, version);
    let servers = MysqlServers::new([None, Some(server.url("my_repo")?), None], &Arc::default());
    let id: String =
        sqlx::query_scalar("SELECT CAST(@@server_id AS CHAR)").fetch_one(&mut root).await?;
    let ids = servers.ids().await?;
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0].server_id.as_deref(), Some(id.as_str()), "{ids:?}");
    assert_eq!(ids[0].server_uuid.is_some(), !version.contains("MariaDB"), "{ids:?}");
    assert_eq!(servers.have_binlogs().await?.len(), 1);
    let collation = |table: &str, column: &str| found.columns[table][column].collation.as_deref();
    assert_eq!(collation("buckets", "bucketName"), Some("latin1_swedish_ci"));
    assert_eq!(collation("objects", "id"), None);
    let all = AccountRights::Writes(vec!["ALL PRIVILEGES".to_owned()]);
    assert_eq!((found.rights, found.lacking), (all, Some(Vec::new())));
    let writes = |rights: &[&str]| {
        AccountRights::Writes(rights.iter().map(|&right| right.to_owned()).collect())
    };
    for (sql, rights, lacking) in [
        (format!("REVOKE ALL PRIVILEGES ON my_repo.* FROM '{user}'@'%'"), None, ""),
        (
            format!("GRANT SELECT ON `my\\_repo`.* TO '{user}'@'%'"),
            Some(AccountRights::ReadOnly),
            "UPDATE, TRIGGER",
        ),
        (
            format!("GRANT UPDATE (bucketName) ON my_repo.buckets TO '{user}'@'%'"),
            Some(writes(&["UPDATE"])),
            "UPDATE, TRIGGER",
        ),
        // The name of a database is a pattern, and the server takes the most specific one alone.
        (
            format!("GRANT UPDATE, TRIGGER ON `my_r%`.* TO '{user}'@'%'"),
            Some(writes(&["UPDATE", "TRIGGER"])),
            "UPDATE, TRIGGER",
        ),
        (
            format!("GRANT UPDATE, TRIGGER ON `my\\_repo`.* TO '{user}'@'%'"),
            Some(writes(&["UPDATE", "TRIGGER"])),
            "",
        ),
    ] {
        root.execute(sqlx::AssertSqlSafe(sql)).await?;
        if let Some(rights) = rights {
            let found = survey().await?;
            assert_eq!(found.rights, rights);
            assert_eq!(found.lacking.map(|all| all.join(", ")).as_deref(), Some(lacking));
            assert!(found.columns["objects"].contains_key("uuid"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_lock_goes_with_its_session() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    locks_hold(server.root("").await?, &mut server.root("").await?).await;
    Ok(())
}

/// contentrepo's and rhino's own columns hold none of this; those that somebody has altered may.
#[tokio::test]
async fn the_largest_ids_and_what_is_null_are_read_from_altered_tables() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = new_rhino(&server, "rhino", TEXTS[0]).await?;
    for sql in [
        "ALTER TABLE articleFile MODIFY fileId BIGINT UNSIGNED NOT NULL, \
         MODIFY bucketName VARCHAR(255) NULL, MODIFY crepoKey VARCHAR(255) NULL, \
         MODIFY crepoUuid VARCHAR(36) NULL, MODIFY fileSize BIGINT NULL",
        "INSERT INTO articleFile (fileId, ingestionId, bucketName, ingestedFileName) VALUES \
         (0, 1, NULL, ''), (1, 2, '', ''), (18446744073709551614, 3, NULL, ''), \
         (18446744073709551615, 4, NULL, '')",
    ] {
        root.execute(sql).await?;
    }
    let database = MysqlRhino::new(server.url("rhino")?, Arc::default());
    for limit in [1, 3, 9] {
        let (mut read, mut after) = (Vec::new(), RowId::START);
        loop {
            let page = database.files(after, limit).await?;
            let Some(last) = page.last() else { break };
            assert!(last.id > after && last.key.is_none() && last.size.is_none(), "{last:?}");
            after = last.id;
            read.extend(page.into_iter().map(|file| file.id.0));
        }
        let largest = i128::from(u64::MAX);
        assert_eq!(read, [0, 1, largest - 1, largest], "{limit} at once");
    }
    let buckets = database.rows_by_bucket().await?;
    assert_eq!(buckets.into_iter().collect::<Vec<_>>(), [(None, 3), (Some(String::new()), 1)]);
    assert_eq!(database.last().await?, Some(RowId(u64::MAX.into())));
    Ok(())
}
