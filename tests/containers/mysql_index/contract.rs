use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::mysql::MysqlIndex;
use domain::ports::{IndexError, SourceIndex, UnreadableRow};
use domain::{Fid, Rejection, RowClass};
use sqlx::Executor;
use tests::containers::{FileTable, MysqlServer, create_and_plant, engine_answers};
use tests::contract::key_ranges;
use tests::contract::source_index::{Tells, holds};
use tests::planted::{self, DOMAIN};

#[tokio::test]
async fn the_contract_is_kept_on_every_schema() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for table in FileTable::ALL {
        let long = table.has_long_fids();
        let rows = if long { planted::rows_with_long_fids() } else { planted::rows() };
        let mut root = server.create_database(table.name()).await?;
        create_and_plant(&mut root, table, &rows).await?;
        let calls = Arc::new(Calls::default());
        let index = MysqlIndex::new(server.url(table.name())?, DOMAIN.to_owned(), calls.clone());
        holds(&index, &rows, Tells { empty_keys: true, count: true, class_names: false }).await;
        key_ranges::holds(&index, &rows).await;

        let calls = calls.all();
        // Once for its number, and once for the names.
        assert_eq!(calls[&(System::Mysql, "domain")].ok, 2, "{table:?}");
        assert_eq!(calls[&(System::Mysql, "count")].ok, 1, "{table:?}");
        assert_eq!(calls[&(System::Mysql, "class")].ok, 1, "{table:?}");
        assert!(calls[&(System::Mysql, "page")].ok > 2_000, "{table:?}");
        assert!(calls.values().all(|outcomes| outcomes.failed == 0), "{table:?}: {calls:?}");
    }
    Ok(())
}

/// A Danish collation takes `aa` for one letter behind `z`: there ranges of hex digits overlap.
#[tokio::test]
async fn no_collation_loses_a_row_between_two_ranges() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("collations").await?;
    let rows = planted::rows_with_long_fids();
    create_and_plant(&mut root, FileTable::Schema17, &rows).await?;
    for collation in [
        "utf8mb4_bin",
        "utf8mb4_general_ci",
        "utf8mb4_unicode_ci",
        "utf8mb4_danish_ci",
        "utf8mb4_spanish2_ci",
        "latin1_bin",
        "latin1_german2_ci",
        "latin1_danish_ci",
    ] {
        let charset = collation.split('_').next().unwrap_or_default();
        let alter = format!(
            "ALTER TABLE file MODIFY dkey VARCHAR(255) CHARACTER SET {charset} COLLATE {collation}"
        );
        root.execute(sqlx::AssertSqlSafe(alter)).await?;
        let url = server.url("collations")?;
        let index = MysqlIndex::new(url, DOMAIN.to_owned(), Arc::default());
        key_ranges::covers(&index, &rows).await;
    }
    Ok(())
}

#[tokio::test]
async fn keys_that_are_no_text_are_rejected_not_stumbled_over() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::BinaryKeys, &[]).await?;
    let insert = "INSERT INTO file VALUES (7, 1, X'66FF006F', 1, 0, 2), (8, 1, X'FFFE', 1, 0, 2)";
    root.execute(insert).await?;
    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), Arc::default());
    let page = index.page(Fid(0), 10).await?;
    let keys: Vec<_> = page.rows.iter().map(|row| row.classify(&planted::buckets())).collect();
    let odd = |key: &str| RowClass::Rejected(Rejection::NotContentAddressed(key.to_owned()));
    assert_eq!(keys, [odd("f\u{fffd}\0o"), odd("\u{fffd}\u{fffd}")]);
    Ok(())
}

#[tokio::test]
async fn a_value_that_cannot_be_spoils_its_own_row_only() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Signed, &[]).await?;
    let insert = "INSERT INTO file VALUES (7, 1, 'a', -1, 0, 2), (8, -1, 'b', 3, 0, 2), \
                  (9, 2, 'c', -1, 0, 2), (10, 1, 'd', 3, 0, 2)";
    root.execute(insert).await?;
    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), Arc::default());
    let page = index.page(Fid(0), 10).await?;
    let unreadable = |fid, why: &str| UnreadableRow { fid: Fid(fid), why: why.to_owned() };
    let both = [unreadable(7, "its `length` is -1"), unreadable(8, "its `dmid` is -1")];
    assert_eq!(page.unreadable, both);
    let read: Vec<_> = page.rows.iter().map(|row| row.fid).collect();
    assert_eq!((read, page.other_domains, page.next), (vec![Fid(10)], 1, Some(Fid(10))));
    for fid in [7, 8] {
        let error = index.row(Fid(fid)).await.expect_err("it cannot be read");
        assert!(matches!(error, IndexError::UnreadableRow { .. }), "{error:?}");
    }
    assert_eq!(index.row(Fid(9)).await?, None);
    assert!(index.row(Fid(10)).await?.is_some());
    Ok(())
}
