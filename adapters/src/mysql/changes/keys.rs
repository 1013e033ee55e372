//! Changes keys in MogileFS's table `file`.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Fid;
use domain::ports::{ChangeError, KeyChange, KeyChanged, KeyChanges, RowId};
use sqlx::mysql::MySqlRow;

use super::failure::{DUPLICATE, Failure};
use super::server::{ChangeTimes, Server};
use super::session::Session;
use super::statement::{Statement, bears_name};
use crate::calls::Calls;
use crate::mysql::columns::{id, text};
use crate::mysql::sessions::Database;
use crate::mysql::url::DatabaseUrl;

const DOMAINS: &str = "SELECT dmid, namespace FROM domain ORDER BY dmid";

const KEY: &str = "SELECT dmid, dkey FROM file WHERE fid = ?";

/// [`KeyChanges`] on MySQL or MariaDB, of one domain.
pub struct MysqlKeyChanges {
    server: Server,
    domain: String,
}

impl MysqlKeyChanges {
    /// Connects at the first call, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, domain: String, calls: Arc<Calls>) -> Self {
        Self { server: Server::new(url, Database::MogileFs, calls), domain }
    }

    /// Replaces the time limits, which are production's.
    #[must_use]
    pub const fn with_times(mut self, times: ChangeTimes) -> Self {
        self.server.times = times;
        self
    }

    /// The number of the domain. Its name is compared byte for byte, as the trackers do.
    async fn dmid(&self, session: &mut Session) -> Result<RowId, ChangeError> {
        let rows = match session.rows(&Statement::new("domain", DOMAINS)).await {
            Ok(rows) => rows,
            Err(failure) => return Err(session.not_changed(failure).await),
        };
        let is_it = |row: &&MySqlRow| matches!(text(row, "namespace"), Ok(Some(name)) if name == self.domain);
        let found = rows.iter().find(is_it).map(|row| id(row, "dmid"));
        match found.transpose().map(Option::flatten) {
            Ok(Some(dmid)) => Ok(dmid),
            Ok(None) => Err(ChangeError::Refused {
                at: self.server.at().to_owned(),
                why: format!(
                    "it has no MogileFS domain `{}`: correct MOGILE_DATABASE_WRITE_URL or MOGILE_DOMAIN",
                    self.domain
                ),
            }),
            Err(error) => Err(session.not_changed(Failure::Broken(error.into())).await),
        }
    }

    /// The key that the row has, as it is without what this session has begun.
    async fn look(
        session: &mut Session,
        dmid: RowId,
        fid: Fid,
    ) -> Result<Option<String>, ChangeError> {
        let question = Statement::new("key", KEY).id(RowId(fid.0.into()));
        let rows = match session.rows(&question).await {
            Ok(rows) => rows,
            Err(failure) => return Err(session.not_changed(failure).await),
        };
        let Some(row) = rows.first() else { return Ok(None) };
        match (id(row, "dmid"), text(row, "dkey")) {
            (Ok(of), Ok(key)) => Ok(key.filter(|_| of == Some(dmid))),
            (Err(error), _) | (_, Err(error)) => {
                Err(session.not_changed(Failure::Broken(error.into())).await)
            }
        }
    }
}

#[async_trait]
impl KeyChanges for MysqlKeyChanges {
    async fn change_key(&self, change: &KeyChange) -> Result<KeyChanged, ChangeError> {
        let mut session = self.server.open().await.map_err(Server::not_opened)?;
        session.lock().await?;
        let kept_columns = session.check_table().await?;
        let dmid = self.dmid(&mut session).await?;
        match rename(&mut session, &kept_columns, dmid, change).await {
            Ok(true) => {}
            Ok(false) => {
                session.roll_back().await;
                let found = Self::look(&mut session, dmid, change.fid).await?;
                return Ok(KeyChanged::OtherKey(found));
            }
            Err(failure) if failure.number() == Some(DUPLICATE) => {
                session.roll_back().await;
                return Ok(KeyChanged::Taken);
            }
            Err(failure) => {
                // Before the look for holders, of whom this session would be one.
                session.roll_back().await;
                return Err(session.not_changed(failure).await);
            }
        }
        session.committed().await?;
        Ok(KeyChanged::Done)
    }

    async fn key_of(&self, fid: Fid) -> Result<Option<String>, ChangeError> {
        let mut session = self.server.open().await.map_err(Server::not_opened)?;
        let dmid = self.dmid(&mut session).await?;
        Self::look(&mut session, dmid, fid).await
    }

    async fn settled_key_of(&self, fid: Fid) -> Result<Option<String>, ChangeError> {
        let mut session = self.server.open().await.map_err(Server::not_opened)?;
        session.lock().await?;
        let dmid = self.dmid(&mut session).await?;
        Self::look(&mut session, dmid, fid).await
    }

    async fn hindrance(&self) -> Result<Option<String>, ChangeError> {
        let mut session = self.server.open().await.map_err(Server::not_opened)?;
        match hindrance(&mut session).await {
            Ok(hindrance) => Ok(hindrance),
            Err(failure) => Err(session.not_changed(failure).await),
        }
    }
}

/// What keeps keys from being changed, as far as it shows.
async fn hindrance(session: &mut Session) -> Result<Option<String>, Failure> {
    let (table, rights) =
        (Database::MogileFs.changed_table(), Database::MogileFs.rights_for_changes());
    let lacking = session.lacks(rights, table).await?;
    if lacking.is_empty() {
        return session.hindrance().await;
    }
    let why =
        format!("the account lacks {}: {}", lacking.join(", "), Database::MogileFs.changing());
    Ok(Some(why))
}

/// Whether exactly one row was found and changed, in a transaction that is left open.
async fn rename(
    session: &mut Session,
    kept: &str,
    dmid: RowId,
    KeyChange { fid, from, to }: &KeyChange,
) -> Result<bool, Failure> {
    let guard = bears_name("dkey");
    let sql = format!("UPDATE file SET dkey = ?{kept} WHERE fid = ? AND dmid = ? AND {guard}");
    let update = Statement::new("change key", sql);
    let update = update.text(to).id(RowId(fid.0.into())).id(dmid).text(from);
    session.begin().await?;
    // Rows that are found, whether or not they become others.
    if session.change(&update).await? != 1 {
        return Ok(false);
    }
    session.still_holds_lock().await?;
    Ok(true)
}
