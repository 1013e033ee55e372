//! Reads MogileFS's table `host`, in the sessions of the index.

use async_trait::async_trait;
use domain::ports::{DatabaseError, IndexError};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::text;
use super::index::MysqlIndex;
use super::tables::{Query, Tables};
use super::trouble::Trouble;
use crate::mogile::{HostRow, HostTable, HostTableError};

/// The columns that a tracker reads itself (MogileFS-Server 2.73, `Store.pm`: `get_all_hosts`), so
/// that every schema has them. As texts, because numbers may be of any width and sign.
const HOSTS: Query = Query {
    name: "hosts",
    sql: "SELECT CAST(hostname AS CHAR) AS hostname, CAST(status AS CHAR) AS status, \
          CAST(hostip AS CHAR) AS hostip, CAST(altip AS CHAR) AS altip, \
          CAST(http_port AS CHAR) AS http_port, CAST(http_get_port AS CHAR) AS http_get_port \
          FROM host ORDER BY hostid",
};

#[async_trait]
impl HostTable for MysqlIndex {
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError> {
        Ok(hosts(&self.tables).await.map_err(IndexError::from)?)
    }

    fn origin(&self) -> String {
        format!("the table `host` of `{}`", self.tables.at())
    }
}

async fn hosts(tables: &Tables) -> Result<Vec<HostRow>, DatabaseError> {
    let rows = tables.ask(HOSTS, &[]).await?;
    if rows.is_empty() {
        let why = "its table `host` is empty: is this the trackers' database?".to_owned();
        return Err(tables.error(Trouble::Nonsense(why)));
    }
    rows.iter().map(|row| tables.read(host(row))).collect()
}

fn host(row: &MySqlRow) -> Result<HostRow, Error> {
    Ok(HostRow {
        hostname: text(row, "hostname")?,
        status: text(row, "status")?,
        hostip: text(row, "hostip")?,
        altip: text(row, "altip")?,
        http_port: text(row, "http_port")?,
        http_get_port: text(row, "http_get_port")?,
    })
}
