//! [`domain::ports::KeyChanges`] on a real server.

use std::sync::Arc;

use adapters::mysql::MysqlKeyChanges;
use domain::Fid;
use domain::ports::{ChangeError, KeyChange, KeyChanges};
use sqlx::{AssertSqlSafe, Executor};
use tests::containers::{FileTable, MysqlServer, create_and_plant, engine_answers};
use tests::contract::key_changes::{another, key_changes_hold, keys, rows};
use tests::planted::DOMAIN;

#[tokio::test]
async fn the_contract_is_kept_on_every_schema() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for table in FileTable::ALL {
        let name = format!("keys_{}", table.name());
        let mut root = server.create_database(&name).await?;
        create_and_plant(&mut root, table, &rows()).await?;
        let changes = MysqlKeyChanges::new(server.url(&name)?, DOMAIN.to_owned(), Arc::default());
        key_changes_hold(&changes, &mut root, table != FileTable::BinaryKeys).await;
    }
    Ok(())
}

/// With which a change would do something else, or could not be taken back.
#[tokio::test]
async fn a_table_of_which_more_would_change_is_refused() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &rows()).await?;
    let before = keys(&mut root).await;
    let changes = MysqlKeyChanges::new(server.url("mogile")?, DOMAIN.to_owned(), Arc::default());
    let row = &rows()[0];
    let from = row.dkey.clone().expect("a key");
    let change = KeyChange { fid: Fid(row.fid), to: another(&from), from };
    let user = MysqlServer::USER;
    for (make, words, undo) in [
        (
            "CREATE TRIGGER watch BEFORE UPDATE ON file FOR EACH ROW SET NEW.length = 0".to_owned(),
            "watch",
            "DROP TRIGGER watch".to_owned(),
        ),
        (
            "ALTER TABLE file ENGINE=MyISAM".to_owned(),
            "the engine MyISAM",
            "ALTER TABLE file ENGINE=InnoDB".to_owned(),
        ),
        (
            format!("REVOKE UPDATE ON mogile.* FROM '{user}'@'%'"),
            "grant SELECT, UPDATE, TRIGGER on the table `file`",
            format!("GRANT UPDATE ON mogile.* TO '{user}'@'%'"),
        ),
    ] {
        root.execute(AssertSqlSafe(make)).await?;
        let hindrance = changes.hindrance().await?.unwrap_or_default();
        assert!(hindrance.contains(words), "no `{words}` in: {hindrance}");
        let error = changes.change_key(&change).await.expect_err(words);
        assert!(matches!(error, ChangeError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "no `{words}` in: {error}");
        assert!(!format!("{error:?}").contains(MysqlServer::PASSWORD), "a secret");
        assert_eq!(keys(&mut root).await, before, "{words}");
        root.execute(AssertSqlSafe(undo)).await?;
    }
    Ok(())
}
