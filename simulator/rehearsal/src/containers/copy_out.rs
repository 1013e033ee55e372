//! Copies an embedded world into the servers: the files by the tracker's own protocol, in the order of their fids,
//! and the rows of both applications as they are.

use anyhow::Context;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::databases::{Database, Table};
use stand_ins::world::mogile::Fid;

use super::servers::{self, Servers};

/// Rows of one INSERT.
const ROWS_AT_ONCE: usize = 200;

/// S3's type of an object without one.
pub const NO_TYPE: &str = "binary/octet-stream";

/// Copies all of it.
pub async fn copy_out(world: &EmbeddedWorld, servers: &Servers) -> anyhow::Result<()> {
    let files = async { copy_files(world, servers).await.context("storing the files in MogileFS") };
    let raw = async { copy_objects(world, servers).await.context("laying raw copies into S3") };
    let rows = async {
        for database in Database::ALL {
            let mut session = servers::root_in(servers.mysql.port, database.name()).await?;
            copy_rows(world, &mut session, database)
                .await
                .with_context(|| format!("filling the database `{}`", database.name()))?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(files, raw, rows)?;
    Ok(())
}

async fn copy_files(world: &EmbeddedWorld, servers: &Servers) -> anyhow::Result<()> {
    for row in world.mogile.rows_after(Fid(0), usize::MAX) {
        let domain = world.mogile.domain_name(row.dmid).context("a row of no domain")?;
        let replica = row.devids.iter().find_map(|it| world.mogile.replica(row.fid, *it));
        let bytes = replica.context("a row without a replica")?.read()?;
        let key = row.dkey.context("a row without a key")?;
        servers.mogile.store(&domain, &key, Some(row.fid.0), &bytes).await?;
    }
    Ok(())
}

async fn copy_objects(world: &EmbeddedWorld, servers: &Servers) -> anyhow::Result<()> {
    for (_, bucket) in BUCKETS {
        servers.s3.create_bucket().bucket(bucket).send().await.context("making a bucket")?;
        for (key, object) in world.s3.objects(bucket)? {
            let bytes = object.content.bytes().clone();
            // The type that S3 gives where none was said; the SDK would say another one.
            let kind = object.attributes.content_type.as_deref().unwrap_or(NO_TYPE);
            let put = servers.s3.put_object().bucket(bucket).key(key).content_type(kind);
            put.body(bytes.into()).send().await?;
        }
    }
    Ok(())
}

async fn copy_rows(
    world: &EmbeddedWorld,
    session: &mut MySqlConnection,
    database: Database,
) -> anyhow::Result<()> {
    // Literals of SQLite's are MySQL's under this mode; ids and times stay as they are.
    session.execute("SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO'").await?;
    session.execute("SET time_zone = '+00:00', foreign_key_checks = 0").await?;
    for Table { name, columns, .. } in database.tables() {
        let names: Vec<_> = columns.iter().map(|column| column.name).collect();
        let quoted: Vec<_> = names.iter().map(|name| format!("quote(\"{name}\")")).collect();
        let select = format!("SELECT {} FROM \"{name}\" ORDER BY rowid", quoted.join(", "));
        let rows = world.databases.texts(database, &select)?;
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let values: Vec<_> = rows.iter().map(|row| format!("({})", row.join(", "))).collect();
            let (names, values) = (names.join(", "), values.join(", "));
            let insert = format!("INSERT INTO {name} ({names}) VALUES {values}");
            session.execute(AssertSqlSafe(insert)).await?;
        }
    }
    Ok(())
}
