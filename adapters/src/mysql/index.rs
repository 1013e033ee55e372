//! Reads the index from MogileFS's own tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{IndexError, OtherRow, RowPage, SourceIndex, UnreadableRow};
use domain::{ByteCount, Fid, IndexRow, StorageClass, StorageClasses};
use sqlx::Error;
use sqlx::mysql::MySqlRow;
use tokio::sync::OnceCell;

use super::columns::{Number, number, optional, present, text};
use super::sessions::Database;
use super::tables::{Query, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

const DOMAINS: Query =
    Query { name: "domain", sql: "SELECT dmid, namespace FROM domain ORDER BY dmid" };

/// Pages by the primary key alone. With a condition on the domain the server would choose another
/// index, and no other index has the rows in this order.
const PAGE: Query = Query {
    name: "page",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file WHERE fid > ? \
          ORDER BY fid LIMIT ?",
};

const ROW: Query = Query {
    name: "row",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file WHERE fid = ?",
};

const COUNT: Query =
    Query { name: "count", sql: "SELECT COUNT(*) AS files FROM file WHERE dmid = ?" };

const CLASSES: Query = Query {
    name: "class",
    sql: "SELECT classid, mindevcount FROM class WHERE dmid = ? ORDER BY classid",
};

/// The `mindevcount` of the default class where the table `class` has no row of it: what trackers take
/// whose setting `default_mindevcount` is not changed (MogileFS-Server 2.73, `Config.pm` and
/// `Factory/Domain.pm`). The setting is in each tracker's own configuration, and not in the database.
const DEFAULT_MINDEVCOUNT: u64 = 2;

/// A [`SourceIndex`] over MogileFS's database. Its sessions are read-only: the server refuses every
/// statement that writes.
///
/// It reads every variant of the schema: numbers signed or unsigned and of any width, keys in any
/// character set or as binary. Bytes of a key that are not UTF-8 become the replacement character,
/// which no valid dkey contains.
pub struct MysqlIndex {
    pub(super) tables: Tables,
    domain: String,
    dmid: OnceCell<u64>,
}

impl MysqlIndex {
    /// Reads the rows of one domain. It connects at the first query, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, domain: String, calls: Arc<Calls>) -> Self {
        let tables = Tables::new(url, Database::MogileFs, calls);
        Self { tables, domain, dmid: OnceCell::new() }
    }

    /// Replaces the default time limit for a query, which is production's.
    #[must_use]
    pub fn with_time(self, time: Duration) -> Self {
        Self { tables: self.tables.with_time(time), ..self }
    }

    /// The domain's `dmid`. It is looked up at the first call and kept.
    pub(super) async fn dmid(&self) -> Result<u64, IndexError> {
        self.dmid.get_or_try_init(|| self.find_domain()).await.copied()
    }

    async fn find_domain(&self) -> Result<u64, IndexError> {
        let mut others = Vec::new();
        for row in self.tables.ask(DOMAINS, &[]).await? {
            let name = self.read(text(&row, "namespace"))?;
            // The database may compare names without regard to case. The trackers do not.
            if name.as_ref() == Some(&self.domain) {
                return self.read(present(&row, "dmid"));
            }
            others.extend(name.map(|name| format!("`{name}`")));
        }
        let known = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        let why =
            format!("it has no domain `{}` (it has {known}): correct MOGILE_DOMAIN", self.domain);
        Err(IndexError::Refused { at: self.tables.at().to_owned(), why })
    }

    /// A row of the configured domain, or [`None`] for one of another. A value that the table may
    /// hold and MogileFS never writes spoils its own row only.
    pub(super) fn entry(&self, row: &MySqlRow, dmid: u64) -> Result<Option<Entry>, IndexError> {
        let fid = Fid(self.read(present(row, "fid"))?);
        let unreadable = |why| Some(Entry::Unreadable(UnreadableRow { fid, why }));
        match self.read(number(row, "dmid"))? {
            Number::Fit(owner) if owner != dmid => return Ok(None),
            Number::Fit(_) => {}
            unfit @ (Number::Null | Number::Negative(_)) => {
                return Ok(unreadable(format!("its `dmid` is {unfit}")));
            }
        }
        let dkey = self.read(text(row, "dkey"))?;
        let length = match self.read(number(row, "length"))? {
            Number::Fit(length) => Some(ByteCount(length)),
            Number::Null => None,
            unfit @ Number::Negative(_) => {
                return Ok(unreadable(format!("its `length` is {unfit}")));
            }
        };
        let replicas = self.read(optional(row, "devcount"))?;
        let storage_class = self.read(optional(row, "classid"))?.map(StorageClass::Numbered);
        Ok(Some(Entry::Read(IndexRow { fid, dkey, length, replicas, storage_class })))
    }

    pub(super) fn read<T>(&self, value: Result<T, Error>) -> Result<T, IndexError> {
        Ok(self.tables.read(value)?)
    }
}

#[async_trait]
impl SourceIndex for MysqlIndex {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let dmid = self.dmid().await?;
        let mut page = RowPage::default();
        for row in self.tables.ask(PAGE, &[after.0.into(), limit.max(1) as i128]).await? {
            page.next = Some(Fid(self.read(present(&row, "fid"))?));
            match self.entry(&row, dmid)? {
                Some(Entry::Read(row)) => page.rows.push(row),
                Some(Entry::Unreadable(row)) => page.unreadable.push(row),
                None => {
                    let fid = Fid(self.read(present(&row, "fid"))?);
                    let dkey = self.read(text(&row, "dkey"))?;
                    page.other_domains += 1;
                    page.of_others.push(OtherRow { fid, dkey });
                }
            }
        }
        Ok(page)
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        let dmid = self.dmid().await?;
        let rows = self.tables.ask(ROW, &[fid.0.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        match self.entry(row, dmid)? {
            Some(Entry::Read(row)) => Ok(Some(row)),
            Some(Entry::Unreadable(UnreadableRow { fid, why })) => {
                Err(IndexError::UnreadableRow { at: self.tables.at().to_owned(), fid, why })
            }
            None => Ok(None),
        }
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        let dmid = self.dmid().await?;
        let rows = self.tables.ask_of_all(COUNT, &[dmid.into()]).await?;
        rows.first().map(|row| self.read(present(row, "files"))).transpose()
    }

    fn domain(&self) -> &str {
        &self.domain
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        let rows = self.tables.ask(DOMAINS, &[]).await?;
        let names = rows.iter().map(|row| self.read(text(row, "namespace")));
        Ok(names.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        let dmid = self.dmid().await?;
        let mut classes = vec![(StorageClass::DEFAULT, DEFAULT_MINDEVCOUNT)];
        for row in self.tables.ask(CLASSES, &[dmid.into()]).await? {
            // No file can be in a class without a number.
            let Some(class) = self.read(optional(&row, "classid"))? else { continue };
            let mindevcount = self.read(present(&row, "mindevcount"))?;
            classes.push((StorageClass::Numbered(class), mindevcount));
        }
        Ok(classes.into_iter().collect())
    }
}

/// What a row of the domain has.
pub(super) enum Entry {
    Read(IndexRow),
    Unreadable(UnreadableRow),
}

#[cfg(test)]
mod tests {
    use domain::limits;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;

    /// The error of reading a page from a server at this port.
    async fn failure(port: u16, time: Duration) -> (IndexError, String) {
        let url = format!("mysql://ann:s3cret@127.0.0.1:{port}/mogile");
        let index = MysqlIndex::new(url.parse().unwrap(), "repo".to_owned(), Arc::default());
        let index = index.with_time(time);
        let error = index.page(Fid(0), 10).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains(&format!("`127.0.0.1:{port}/mogile`")), "{shown}");
        (error, shown)
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_says_why() {
        let (_, port) = listener().await;
        let started = Instant::now();
        let (error, shown) = failure(port, limits::REQUEST_TIME).await;
        assert!(matches!(error, IndexError::Unavailable { .. }), "{shown}");
        assert!(shown.contains("ConnectionRefused"), "{shown}");
        assert!(started.elapsed() < limits::REQUEST_TIME / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_unavailable_in_time() {
        let (listener, port) = listener().await;
        for seconds in [limits::REQUEST_TIME.as_secs(), 7] {
            let started = Instant::now();
            let (error, shown) = failure(port, Duration::from_secs(seconds)).await;
            assert!(matches!(error, IndexError::Unavailable { .. }), "{shown}");
            assert!(shown.contains(&format!("no answer within {seconds} s")), "{shown}");
            assert_eq!(started.elapsed().as_secs(), seconds);
        }
        drop(listener);
    }
}
