//! [`domain::ports::MogileDatabase`] on a real server.

use std::sync::Arc;

use adapters::mysql::MysqlIndex;
use sqlx::{Executor, Row};
use tests::containers::{FileTable, HOST, MysqlServer, TEMPFILE, create_and_plant, engine_answers};
use tests::contract::mogile_database::{
    mogile_database_holds, mogile_is_described, two_uploads_are_seen,
};
use tests::planted::{self, DOMAIN};

#[tokio::test]
async fn the_contract_is_kept_on_every_schema() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for table in FileTable::ALL {
        let name = format!("survey_{}", table.name());
        let mut root = server.create_database(&name).await?;
        let own = root.fetch_one("SELECT @@collation_database").await?;
        let own: String = own.get(0);
        let rows =
            if table.has_long_fids() { planted::rows_with_long_fids() } else { planted::rows() };
        create_and_plant(&mut root, table, &rows).await?;
        root.execute(HOST).await?;
        root.execute(TEMPFILE).await?;
        let (fid, collation) = match table {
            FileTable::Schema17 => ("bigint unsigned", Some(own.as_str())),
            FileTable::IntFid => ("int unsigned", Some(own.as_str())),
            FileTable::Signed => ("bigint", Some(own.as_str())),
            FileTable::BinaryKeys => ("bigint unsigned", None),
            FileTable::Latin1Keys => ("bigint unsigned", Some("latin1_swedish_ci")),
        };
        let database = MysqlIndex::new(server.url(&name)?, DOMAIN.to_owned(), Arc::default());
        let highest = rows.iter().map(|row| row.fid).max();
        mogile_database_holds(&database, highest, fid, collation).await;
        if table == FileTable::Schema17 {
            mogile_is_described(&mut root, &own).await;
        }
        root.execute("DELETE FROM file").await?;
        mogile_database_holds(&database, None, fid, collation).await;
        let two = "INSERT INTO tempfile VALUES (12, 1, 0, 1, 'k', '1,2'), (7, 1, 0, 2, NULL, '')";
        root.execute(two).await?;
        two_uploads_are_seen(&database).await;
    }
    Ok(())
}
