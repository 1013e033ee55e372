//! Reads MogileFS's table `host`, in the sessions of the index.

use async_trait::async_trait;

use super::columns::text;
use super::index::MysqlIndex;
use super::trouble::Trouble;
use crate::mogile::{HostRow, HostTable, HostTableError};

/// The columns that a tracker reads itself (MogileFS-Server 2.73, `Store.pm`: `get_all_hosts`), so
/// that every schema has them. As texts, because numbers may be of any width and sign.
const HOSTS: &str = "SELECT CAST(hostname AS CHAR) AS hostname, CAST(status AS CHAR) AS status, \
                     CAST(hostip AS CHAR) AS hostip, CAST(altip AS CHAR) AS altip, \
                     CAST(http_port AS CHAR) AS http_port, \
                     CAST(http_get_port AS CHAR) AS http_get_port FROM host ORDER BY hostid";

#[async_trait]
impl HostTable for MysqlIndex {
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError> {
        let mut hosts = Vec::new();
        for row in self.ask("hosts", HOSTS, &[]).await? {
            hosts.push(HostRow {
                hostname: self.read(text(&row, "hostname"))?,
                status: self.read(text(&row, "status"))?,
                hostip: self.read(text(&row, "hostip"))?,
                altip: self.read(text(&row, "altip"))?,
                http_port: self.read(text(&row, "http_port"))?,
                http_get_port: self.read(text(&row, "http_get_port"))?,
            });
        }
        if hosts.is_empty() {
            let why = "its table `host` is empty: is this the trackers' database?".to_owned();
            return Err(self.error(Trouble::Nonsense(why)).into());
        }
        Ok(hosts)
    }

    fn origin(&self) -> String {
        format!("the table `host` of `{}`", self.sessions.at())
    }
}
