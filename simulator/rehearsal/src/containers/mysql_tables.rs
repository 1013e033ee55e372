//! The tracker's tables in a MySQL database, as MogileFS has them: a delete takes the row of `file` away and
//! queues the fid, and an upload that is begun has a row of `tempfile`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx::{Executor, MySql, QueryBuilder, Row, Transaction};
use stand_ins::schemas;
use stand_ins::wire::tracker::StoredTables;
use stand_ins::world::mogile::{
    Class, ClassId, DeviceId, DeviceRow, DeviceStatus, Dmid, Fid, FileRow, HostId, Tables, Upload,
};

/// How long a command waits for a connection before it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// MogileFS's database.
pub struct MysqlTables(MySqlPool);

impl MysqlTables {
    /// Connects at the first command.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let pool = MySqlPoolOptions::new().max_connections(2).acquire_timeout(PATIENCE);
        Ok(Self(pool.connect_lazy(url).context("the URL of MogileFS's database")?))
    }
}

/// Creates the tables.
pub async fn create(session: &mut MySqlConnection) -> anyhow::Result<()> {
    for sql in schemas::MOGILEFS.iter().chain(&[schemas::HOST, schemas::TEMPFILE]) {
        session.execute(*sql).await?;
    }
    Ok(())
}

/// Registers domains, and a storage node on 127.0.0.1 with two devices. One replica of a file is enough.
pub async fn register(
    session: &mut MySqlConnection,
    domains: &[&str],
    storage_port: u16,
) -> anyhow::Result<()> {
    for (dmid, domain) in (1_u16..).zip(domains) {
        let insert = sqlx::query("INSERT INTO domain (dmid, namespace) VALUES (?, ?)");
        insert.bind(dmid).bind(domain).execute(&mut *session).await?;
        let insert = "INSERT INTO class (dmid, classid, classname, mindevcount) \
                      VALUES (?, 0, 'default', 1)";
        sqlx::query(insert).bind(dmid).execute(&mut *session).await?;
    }
    let host = "INSERT INTO host (hostid, status, http_port, hostname, hostip) \
                VALUES (1, 'alive', ?, 'store1', '127.0.0.1')";
    sqlx::query(host).bind(storage_port).execute(&mut *session).await?;
    let devices =
        "INSERT INTO device (devid, hostid, status) VALUES (1, 1, 'alive'), (2, 1, 'alive')";
    session.execute(devices).await?;
    Ok(())
}

#[async_trait]
impl StoredTables for MysqlTables {
    async fn read(&self) -> anyhow::Result<Tables> {
        // By default a transaction sees all tables as of one moment.
        let mut session = self.0.begin().await?;
        Ok(Tables {
            hosts: hosts(&mut session).await?,
            devices: devices(&mut session).await?,
            domains: domains(&mut session).await?,
            classes: classes(&mut session).await?,
            files: files(&mut session).await?,
            uploads: uploads(&mut session).await?,
            to_delete: to_delete(&mut session).await?,
        })
    }

    async fn write(&self, before: &Tables, after: &Tables) -> anyhow::Result<()> {
        if before == after {
            return Ok(());
        }
        let mut session = self.0.begin().await?;
        for fid in before.files.keys().filter(|fid| !after.files.contains_key(fid)) {
            run(&mut session, "DELETE FROM file WHERE fid = ", fid.0).await?;
        }
        for fid in before.uploads.keys().filter(|fid| !after.uploads.contains_key(fid)) {
            run(&mut session, "DELETE FROM tempfile WHERE fid = ", fid.0).await?;
        }
        for row in after.files.values().filter(|row| before.files.get(&row.fid) != Some(row)) {
            write_file(&mut session, row).await?;
        }
        for upload in after.uploads.values() {
            if !before.uploads.contains_key(&upload.fid) {
                write_upload(&mut session, upload).await?;
            }
        }
        for fid in after.to_delete.difference(&before.to_delete) {
            let sql = "INSERT IGNORE INTO file_to_delete2 (nexttry, failcount, fid) \
                       SELECT UNIX_TIMESTAMP(), 0, ";
            run(&mut session, sql, fid.0).await?;
        }
        Ok(session.commit().await?)
    }
}

type Session = Transaction<'static, MySql>;

/// Runs a statement that ends in a fid.
async fn run(session: &mut Session, sql: &'static str, fid: u64) -> anyhow::Result<()> {
    QueryBuilder::<MySql>::new(sql).push_bind(fid).build().execute(&mut **session).await?;
    Ok(())
}

async fn write_file(session: &mut Session, row: &FileRow) -> anyhow::Result<()> {
    let FileRow { fid, dmid, dkey, length, classid, devids } = row;
    sqlx::query(
        "INSERT INTO file (fid, dmid, dkey, length, classid, devcount) VALUES (?, ?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE dmid = VALUES(dmid), dkey = VALUES(dkey), \
         length = VALUES(length), classid = VALUES(classid), devcount = VALUES(devcount)",
    )
    .bind(fid.0)
    .bind(dmid.0)
    .bind(dkey)
    .bind(*length)
    .bind(classid.0)
    .bind(u8::try_from(devids.len())?)
    .execute(&mut **session)
    .await?;
    for device in devids {
        let insert = sqlx::query("INSERT IGNORE INTO file_on (fid, devid) VALUES (?, ?)");
        insert.bind(fid.0).bind(device.0).execute(&mut **session).await?;
    }
    Ok(())
}

async fn write_upload(session: &mut Session, upload: &Upload) -> anyhow::Result<()> {
    let Upload { fid, dmid, dkey, classid, devids } = upload;
    let devices: Vec<_> = devids.iter().map(ToString::to_string).collect();
    sqlx::query(
        "INSERT INTO tempfile (fid, createtime, classid, dmid, dkey, devids) \
         VALUES (?, UNIX_TIMESTAMP(), ?, ?, ?, ?)",
    )
    .bind(fid.0)
    .bind(classid.0)
    .bind(dmid.0)
    .bind(dkey)
    .bind(devices.join(","))
    .execute(&mut **session)
    .await?;
    Ok(())
}

async fn rows(session: &mut Session, sql: &'static str) -> anyhow::Result<Vec<MySqlRow>> {
    Ok(sqlx::query(sql).fetch_all(&mut **session).await?)
}

async fn hosts(session: &mut Session) -> anyhow::Result<BTreeMap<HostId, std::net::SocketAddr>> {
    let hosts = rows(session, "SELECT hostid, hostip, http_port FROM host").await?;
    let host = |row: &MySqlRow| {
        let ip: String = row.try_get(1)?;
        let port = u16::try_from(row.try_get::<u32, _>(2)?)?;
        anyhow::Ok((HostId(row.try_get(0)?), (ip.parse::<std::net::IpAddr>()?, port).into()))
    };
    hosts.iter().map(host).collect()
}

async fn devices(session: &mut Session) -> anyhow::Result<Vec<DeviceRow>> {
    let sql = "SELECT devid, hostid, CAST(status AS CHAR) FROM device ORDER BY devid";
    let device = |row: &MySqlRow| {
        let status = match row.try_get::<String, _>(2)?.as_str() {
            "alive" => DeviceStatus::Alive,
            "readonly" => DeviceStatus::Readonly,
            "drain" => DeviceStatus::Drain,
            "dead" => DeviceStatus::Dead,
            _ => DeviceStatus::Down,
        };
        let (device, host) = (DeviceId(row.try_get(0)?), HostId(row.try_get(1)?));
        anyhow::Ok(DeviceRow { device, host, status })
    };
    rows(session, sql).await?.iter().map(device).collect()
}

async fn domains(session: &mut Session) -> anyhow::Result<BTreeMap<Dmid, String>> {
    let sql = "SELECT dmid, namespace FROM domain WHERE namespace IS NOT NULL";
    let domain = |row: &MySqlRow| anyhow::Ok((Dmid(row.try_get(0)?), row.try_get(1)?));
    rows(session, sql).await?.iter().map(domain).collect()
}

async fn classes(session: &mut Session) -> anyhow::Result<BTreeMap<(Dmid, ClassId), Class>> {
    let sql = "SELECT dmid, classid, classname, mindevcount FROM class";
    let class = |row: &MySqlRow| {
        let name = row.try_get::<Option<String>, _>(2)?.unwrap_or_default();
        let class = Class { name, mindevcount: row.try_get(3)? };
        anyhow::Ok(((Dmid(row.try_get(0)?), ClassId(row.try_get(1)?)), class))
    };
    rows(session, sql).await?.iter().map(class).collect()
}

async fn files(session: &mut Session) -> anyhow::Result<BTreeMap<Fid, FileRow>> {
    let file = |row: &MySqlRow| {
        let fid = Fid(row.try_get(0)?);
        let (dmid, classid) = (Dmid(row.try_get(1)?), ClassId(row.try_get(4)?));
        let (dkey, length) = (row.try_get(2)?, row.try_get(3)?);
        anyhow::Ok((fid, FileRow { fid, dmid, dkey, length, classid, devids: Vec::new() }))
    };
    let sql = "SELECT fid, dmid, dkey, length, classid FROM file";
    let mut files: BTreeMap<_, _> =
        rows(session, sql).await?.iter().map(file).collect::<anyhow::Result<_>>()?;
    for row in rows(session, "SELECT fid, devid FROM file_on ORDER BY fid, devid").await? {
        if let Some(file) = files.get_mut(&Fid(row.try_get(0)?)) {
            file.devids.push(DeviceId(row.try_get(1)?));
        }
    }
    Ok(files)
}

async fn uploads(session: &mut Session) -> anyhow::Result<BTreeMap<Fid, Upload>> {
    let sql = "SELECT fid, dmid, dkey, classid, devids FROM tempfile";
    let upload = |row: &MySqlRow| {
        let fid = Fid(row.try_get(0)?);
        let (dmid, classid) = (Dmid(row.try_get(1)?), ClassId(row.try_get(3)?));
        let dkey = row.try_get::<Option<String>, _>(2)?.unwrap_or_default();
        let devices = row.try_get::<Option<String>, _>(4)?.unwrap_or_default();
        let devids = devices.split(',').filter_map(|it| it.parse().ok()).map(DeviceId).collect();
        anyhow::Ok((fid, Upload { fid, dmid, dkey, classid, devids }))
    };
    rows(session, sql).await?.iter().map(upload).collect()
}

async fn to_delete(session: &mut Session) -> anyhow::Result<BTreeSet<Fid>> {
    let fid = |row: &MySqlRow| anyhow::Ok(Fid(row.try_get(0)?));
    rows(session, "SELECT fid FROM file_to_delete2").await?.iter().map(fid).collect()
}
