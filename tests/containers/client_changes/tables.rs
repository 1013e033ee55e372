//! Tables and accounts with which a change would do something else, or could not be taken back.

use adapters::mysql::MysqlContentRepoChanges;
use domain::ports::{
    BucketRename, ChangeError, ContentRepoChanges, IndexChange, IndexDefinition, Renaming,
    RhinoChanges, RowId,
};
use domain::retry::{Classed, ErrorClass};
use sqlx::{AssertSqlSafe, Executor};
use tests::containers::client_tables::{TEXTS, new_content_repo};
use tests::containers::{MysqlServer, engine_answers};
use tests::contract::client_changes::{ALL, buckets, files, name_changes, plant_buckets};

use super::rhino;

fn is_refused(error: &ChangeError, words: &str) {
    assert_eq!(error.class(), ErrorClass::GiveUp, "{error}");
    assert!(error.to_string().contains(words), "no `{words}` in: {error}");
    assert!(!format!("{error:?}").contains(MysqlServer::PASSWORD), "a secret");
}

#[tokio::test]
async fn triggers_and_missing_grants_are_refused() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, changes) = rhino(&server).await?;
    root.execute(
        "CREATE TRIGGER watch BEFORE UPDATE ON articleFile FOR EACH ROW SET NEW.fileSize = 0",
    )
    .await?;
    let facts = changes.facts().await?;
    assert_eq!(facts.triggers, Some(vec!["watch".to_owned()]));
    let refused = async |words: &str| {
        let Err(error) = changes.lock().await else { panic!("not refused: {words}") };
        is_refused(&error, words);
    };
    refused("watch").await;
    let user = MysqlServer::USER;
    for sql in [
        format!("REVOKE ALL PRIVILEGES ON rhino.* FROM '{user}'@'%'"),
        format!("GRANT SELECT ON rhino.* TO '{user}'@'%'"),
    ] {
        root.execute(AssertSqlSafe(sql)).await?;
    }
    refused("grant it TRIGGER").await;
    root.execute("DROP TRIGGER watch").await?;
    root.execute(AssertSqlSafe(format!("GRANT TRIGGER ON rhino.* TO '{user}'@'%'"))).await?;
    // A column that is not seen might change by itself.
    for sql in [
        format!("REVOKE SELECT ON rhino.* FROM '{user}'@'%'"),
        format!("GRANT SELECT (fileId, bucketName) ON rhino.articleFile TO '{user}'@'%'"),
    ] {
        root.execute(AssertSqlSafe(sql)).await?;
    }
    refused("SELECT on the whole table").await;
    root.execute(AssertSqlSafe(format!("GRANT SELECT ON rhino.* TO '{user}'@'%'"))).await?;
    let mut session = changes.lock().await?;
    let names = name_changes(&[("corpus", "c")]);
    for error in [
        session.rename_buckets(ALL, &names, &[]).await.expect_err("no UPDATE"),
        session.drop_index().await.expect_err("no ALTER"),
    ] {
        assert!(matches!(error, ChangeError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("grant SELECT, UPDATE, ALTER"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn contentrepo_is_changed_where_that_is_all_and_can_be_taken_back() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = new_content_repo(&server, "repo", TEXTS[0]).await?;
    let before = plant_buckets(&mut root).await;
    let changes = MysqlContentRepoChanges::new(server.url("repo")?, std::sync::Arc::default());
    let rename = |id, from: &str, to: &str| BucketRename {
        id: RowId(id),
        from: from.to_owned(),
        to: to.to_owned(),
    };
    // The second of them cannot be made.
    let renames = [rename(6, "x", "y"), rename(5, "other", "z")];
    let user = MysqlServer::USER;
    for (make, words, undo) in [
        (
            "CREATE TRIGGER watch BEFORE UPDATE ON buckets FOR EACH ROW SET NEW.creationDate = NOW()"
                .to_owned(),
            "watch",
            "DROP TRIGGER watch".to_owned(),
        ),
        (
            format!("REVOKE TRIGGER ON repo.* FROM '{user}'@'%'"),
            "grant it TRIGGER",
            format!("GRANT TRIGGER ON repo.* TO '{user}'@'%'"),
        ),
        (
            // The other tables refer to it.
            "DROP TABLE collectionObject, collections, objects; ALTER TABLE buckets ENGINE=MyISAM"
                .to_owned(),
            "the engine MyISAM",
            "ALTER TABLE buckets ENGINE=InnoDB".to_owned(),
        ),
    ] {
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut root).await?;
        let error = changes.rename_buckets(&renames).await.expect_err(words);
        is_refused(&error, words);
        assert_eq!(buckets(&mut root).await, before, "{words}");
        sqlx::raw_sql(AssertSqlSafe(undo)).execute(&mut root).await?;
    }
    assert_eq!(changes.rename_buckets(&renames[..1]).await?, Renaming::Done);
    Ok(())
}

#[tokio::test]
async fn an_index_is_dropped_only_where_it_can_be_made_again() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, changes) = rhino(&server).await?;
    // This one no server makes beside other statements.
    root.execute(
        "ALTER TABLE articleFile DROP KEY bucketName_index, \
         ADD FULLTEXT KEY bucketName_index (bucketName)",
    )
    .await?;
    let before = changes.facts().await?;
    let index = before.index.clone().expect("an index");
    let mut session = changes.lock().await?;
    assert_eq!(session.drop_index().await?, IndexChange::Made);
    assert_eq!(changes.facts().await?.index, None);
    assert_eq!(session.add_index(&index).await?, IndexChange::Made);
    assert_eq!(changes.facts().await?, before);

    root.execute(
        "ALTER TABLE articleFile DROP KEY bucketName_index, \
         ADD KEY bucketName_index (bucketName) COMMENT 'a\\\\b'",
    )
    .await?;
    let facts = changes.facts().await?;
    let Some(IndexDefinition(found)) = &facts.index else { panic!("{facts:?}") };
    assert!(found.contains("COMMENT"), "{found}");
    is_refused(&session.drop_index().await.expect_err("refused"), "could not be made again");
    assert_eq!(changes.facts().await?, facts);
    Ok(())
}

#[tokio::test]
async fn what_a_server_does_behind_a_commit_ends_no_session() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let (mut root, changes) = rhino(&server).await?;
    let before = files(&mut root).await;
    // By default it ends the session.
    root.execute("SET GLOBAL completion_type = 'RELEASE'").await?;
    let mut session = changes.lock().await?;
    let forth = name_changes(&[("corpus", "c")]);
    let renamed = session.rename_buckets(ALL, &forth, &[]).await?;
    let back = name_changes(&[("c", "corpus")]);
    assert_eq!(session.rename_buckets(ALL, &back, &[]).await?, renamed);
    assert_eq!(files(&mut root).await, before);
    Ok(())
}
