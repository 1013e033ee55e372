//! Renames contentrepo's buckets.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{
    BucketRename, ChangeError, ContentRepoChanges, Hindrance, Renaming, RepoBucket,
};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::failure::{DUPLICATE, Failure};
use super::server::{ChangeTimes, Server};
use super::session::Session;
use super::statement::{Statement, bears_name};
use crate::calls::Calls;
use crate::mysql::columns::{key, text};
use crate::mysql::sessions::Database;
use crate::mysql::url::DatabaseUrl;

/// A bucket by its number.
const BY_ID: &str = "SELECT bucketId, bucketName FROM buckets WHERE bucketId = ?";

/// The bucket that collides with a name, by the column's own collation.
const BY_NAME: &str = "SELECT bucketId, bucketName FROM buckets WHERE bucketName = ?";

/// [`ContentRepoChanges`] on MySQL or MariaDB.
pub struct MysqlContentRepoChanges(Server);

impl MysqlContentRepoChanges {
    /// Connects at the first call, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, calls: Arc<Calls>) -> Self {
        Self(Server::new(url, Database::ContentRepo, calls))
    }

    /// Replaces the time limits, which are production's.
    #[must_use]
    pub const fn with_times(mut self, times: ChangeTimes) -> Self {
        self.0.times = times;
        self
    }
}

#[async_trait]
impl ContentRepoChanges for MysqlContentRepoChanges {
    async fn rename_buckets(&self, renames: &[BucketRename]) -> Result<Renaming, ChangeError> {
        let mut session = self.0.open().await.map_err(Server::not_opened)?;
        session.lock().await?;
        let kept_columns = session.check_table().await?;
        match rename_all(&mut session, &kept_columns, renames).await {
            Ok(true) => {}
            Ok(false) => {
                session.roll_back().await;
                return self.hindrances(&mut session, renames).await;
            }
            Err(failure) if failure.number() == Some(DUPLICATE) => {
                session.roll_back().await;
                return self.hindrances(&mut session, renames).await;
            }
            Err(failure) => {
                // Before the look for holders, of whom this session would be one.
                session.roll_back().await;
                return Err(session.not_changed(failure).await);
            }
        }
        session.committed().await?;
        Ok(Renaming::Done)
    }
}

impl MysqlContentRepoChanges {
    /// What stands in the way, as it is now that the transaction is taken back.
    async fn hindrances(
        &self,
        session: &mut Session,
        renames: &[BucketRename],
    ) -> Result<Renaming, ChangeError> {
        let mut hindrances = Vec::new();
        for rename in renames {
            match hindrance(session, rename).await {
                Ok(hindrance) => hindrances.extend(hindrance),
                Err(failure) => return Err(session.not_changed(failure).await),
            }
        }
        if hindrances.is_empty() {
            let at = self.0.at().to_owned();
            let cause = "another session changes the same buckets".into();
            return Err(ChangeError::Unavailable { at, cause });
        }
        Ok(Renaming::Hindered(hindrances))
    }
}

/// The statement of a rename, for people: with its values in it, and with the column that contentrepo's own
/// schema changes at every change of a row.
#[must_use]
pub fn rename_bucket_statement(rename: &BucketRename) -> String {
    update(", `timestamp` = `timestamp`", rename).in_full()
}

fn update(kept: &str, BucketRename { id, from, to }: &BucketRename) -> Statement {
    let guard = bears_name("bucketName");
    let sql = format!("UPDATE buckets SET bucketName = ?{kept} WHERE bucketId = ? AND {guard}");
    Statement::new("rename bucket", sql).text(to).id(*id).text(from)
}

/// Whether every bucket was found and renamed, in a transaction that is left open.
async fn rename_all(
    session: &mut Session,
    kept: &str,
    renames: &[BucketRename],
) -> Result<bool, Failure> {
    session.begin().await?;
    for rename in renames {
        // Rows that are found, whether or not they become others.
        if session.change(&update(kept, rename)).await? != 1 {
            return Ok(false);
        }
    }
    session.still_holds_lock().await?;
    Ok(true)
}

async fn hindrance(
    session: &mut Session,
    rename: &BucketRename,
) -> Result<Option<Hindrance>, Failure> {
    let by_id = Statement::new("bucket", BY_ID).id(rename.id);
    let rename = rename.clone();
    let Some(row) = one(session, &by_id).await? else {
        return Ok(Some(Hindrance::Missing(rename)));
    };
    if row.name != rename.from {
        return Ok(Some(Hindrance::OtherName { rename, found: row.name }));
    }
    let by_name = Statement::new("bucket", BY_NAME).text(&rename.to);
    // A name that is another by its case alone collides with nothing but its own row.
    let with = one(session, &by_name).await?.filter(|with| with.id != rename.id);
    Ok(with.map(|with| Hindrance::Collision { rename, with }))
}

async fn one(session: &mut Session, question: &Statement) -> Result<Option<RepoBucket>, Failure> {
    let rows = session.rows(question).await?;
    Session::read(rows.first().map(bucket).transpose())
}

fn bucket(row: &MySqlRow) -> Result<RepoBucket, Error> {
    let name = text(row, "bucketName")?.unwrap_or_default();
    Ok(RepoBucket { id: key(row, "bucketId")?, name })
}

#[cfg(test)]
mod tests {
    use domain::ports::RowId;

    use super::*;

    #[test]
    fn a_statement_shows_its_values_as_they_are() {
        let rename = |from: &str, to: &str| BucketRename {
            id: RowId(7),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let text = rename_bucket_statement(&rename("it's \\ ?", "new"));
        assert_eq!(
            text,
            "UPDATE buckets SET bucketName = 'new', `timestamp` = `timestamp` WHERE bucketId = 7 AND \
             CAST(CONVERT(bucketName USING utf8mb4) AS BINARY) = CAST('it''s \\\\ ?' AS BINARY)"
        );
    }
}
