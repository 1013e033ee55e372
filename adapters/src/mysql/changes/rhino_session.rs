//! Changes rhino's table in the session that holds the lock.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::limits;
use domain::name_changes::{NameChange, NameChanges};
use domain::ports::{ChangeError, IndexChange, IndexDefinition, RhinoSession, RowId, RowRange};

use super::failure::Failure;
use super::index_definition::{self, NAME};
use super::session::Session;
use super::statement::{Statement, bears_name, quoted};
use crate::mysql::columns::{present, text};

// Old servers compare the ends of BETWEEN with a signed column as signed numbers, also one that is beyond
// them (MySQL 5.5, `Item_func_between`): such a range would have no rows.
const COUNT: &str = "SELECT CAST(CONVERT(bucketName USING utf8mb4) AS BINARY) AS bucket, \
                     COUNT(*) AS files FROM articleFile WHERE fileId >= ? AND fileId <= ? \
                     GROUP BY bucket";

/// The server makes the change beside other sessions' statements, or refuses it.
const ONLINE: &str = ", ALGORITHM=INPLACE, LOCK=NONE";

/// The statement that drops the index or makes it.
pub(super) fn alter_sql(change: &str, is_online: bool) -> String {
    format!("ALTER TABLE articleFile {change}{}", if is_online { ONLINE } else { "" })
}

/// What the statement that drops the index changes.
pub(super) fn drop_change() -> String {
    format!("DROP INDEX {}", quoted(NAME))
}

/// What the statement that makes it changes.
pub(super) fn add_change(IndexDefinition(definition): &IndexDefinition) -> String {
    format!("ADD {definition}")
}

/// One change of a name is one statement: the server counts its rows.
pub(super) fn update(
    kept_columns: &str,
    rows: RowRange,
    change: &NameChange,
    kept: &[RowId],
) -> Statement {
    let guard = bears_name("bucketName");
    let mut sql = format!(
        "UPDATE articleFile SET bucketName = ?{kept_columns} \
         WHERE fileId >= ? AND fileId <= ? AND {guard}"
    );
    if !kept.is_empty() {
        let marks = vec!["?"; kept.len()].join(", ");
        sql.extend([" AND fileId NOT IN (", &marks, ")"]);
    }
    let mut update = Statement::new("rename files", sql);
    if !kept.is_empty() {
        update = update.once();
    }
    let update = update.text(&change.to).id(rows.first).id(rows.last).text(&change.from);
    kept.iter().fold(update, |update, id| update.id(*id))
}

/// Whether the server cannot make this change online (`ER_ALTER_OPERATION_NOT_SUPPORTED` and those with
/// a reason).
fn is_not_online(failure: &Failure) -> bool {
    matches!(failure.number(), Some(1845..=1847))
}

/// A session on rhino's database that holds the lock of all operators.
pub(super) struct MysqlRhinoSession {
    session: Session,
    /// What an UPDATE says of columns that are to stay as they are.
    kept_columns: String,
}

impl MysqlRhinoSession {
    pub(super) const fn new(session: Session, kept_columns: String) -> Self {
        Self { session, kept_columns }
    }

    /// Drops or makes the index, beside other sessions' statements where the server can do that.
    /// `wanted` is the index that the table then has.
    async fn alter(
        &mut self,
        name: &'static str,
        change: &str,
        wanted: Option<&IndexDefinition>,
    ) -> Result<(), ChangeError> {
        let mut altered = match self.before_alter().await {
            Ok(is_online) => self.send_alter(name, &alter_sql(change, is_online)).await,
            Err(failure) => return Err(self.session.not_changed(failure).await),
        };
        if altered.as_ref().is_err_and(is_not_online) {
            // Of a table with times in the format of MySQL before 5.6.4 an index can be dropped online
            // and not made (MySQL 5.7 reference, "ALTER TABLE Statement"): it must not stay away.
            tracing::warn!(
                "{name}: the server cannot do that online; the table takes no changes meanwhile"
            );
            altered = self.send_alter(name, &alter_sql(change, false)).await;
        }
        let Err(failure) = altered else { return Ok(()) };
        let is_made = async |session: &mut Session| {
            Ok(index_definition::find(&session.create_table().await?).as_ref() == wanted)
        };
        self.session.perhaps_changed(failure, is_made).await
    }

    async fn send_alter(&mut self, name: &'static str, sql: &str) -> Result<(), Failure> {
        let (server, id) = (self.session.server.clone(), self.session.id);
        tokio::select! {
            altered = Box::pin(self.session.execute(name, sql, server.times.index)) => altered,
            lost = Box::pin(server.lost(id)) => Err(lost),
        }
    }

    async fn before_alter(&mut self) -> Result<bool, Failure> {
        let is_online = self.session.variables().await?.changes_indexes_online();
        self.session.still_holds_lock().await?;
        Ok(is_online)
    }

    async fn index(&mut self) -> Result<Option<IndexDefinition>, ChangeError> {
        match self.session.create_table().await {
            Ok(table) => Ok(index_definition::find(&table)),
            Err(failure) => Err(self.session.not_changed(failure).await),
        }
    }

    fn refused(&self, why: String) -> ChangeError {
        ChangeError::Refused { at: self.session.server.at().to_owned(), why }
    }

    /// Renames in a transaction that is left open.
    async fn rename(
        &mut self,
        rows: RowRange,
        changes: &NameChanges,
        kept: &[RowId],
    ) -> Result<Vec<u64>, Failure> {
        self.session.begin().await?;
        let mut renamed = Vec::new();
        for change in changes.as_slice() {
            renamed
                .push(self.session.change(&update(&self.kept_columns, rows, change, kept)).await?);
        }
        self.session.still_holds_lock().await?;
        Ok(renamed)
    }

    async fn count(&mut self, rows: RowRange) -> Result<BTreeMap<Option<String>, u64>, Failure> {
        let count = Statement::new("count files", COUNT).id(rows.first).id(rows.last);
        let mut buckets = BTreeMap::new();
        for row in self.session.rows(&count).await? {
            let counted = text(&row, "bucket").and_then(|name| Ok((name, present(&row, "files")?)));
            let (bucket, files) = Session::read(counted)?;
            buckets.insert(bucket, files);
        }
        Ok(buckets)
    }
}

#[async_trait]
impl RhinoSession for MysqlRhinoSession {
    async fn drop_index(&mut self) -> Result<IndexChange, ChangeError> {
        let Some(IndexDefinition(found)) = self.index().await? else {
            return Ok(IndexChange::AlreadySo);
        };
        if !index_definition::is_definition(&found) {
            let why = format!("its index could not be made again as it is, and stays: `{found}`");
            return Err(self.refused(why));
        }
        self.alter("drop index", &drop_change(), None).await?;
        Ok(IndexChange::Made)
    }

    async fn add_index(&mut self, index: &IndexDefinition) -> Result<IndexChange, ChangeError> {
        let IndexDefinition(definition) = index;
        if !index_definition::is_definition(definition) {
            let why = format!("`{definition}` does not define the index {NAME} and nothing more");
            return Err(self.refused(why));
        }
        if let Some(found) = self.index().await? {
            if found == *index {
                return Ok(IndexChange::AlreadySo);
            }
            let why = format!("it has another index {NAME}: `{}`; drop it first", found.0);
            return Err(self.refused(why));
        }
        self.alter("add index", &add_change(index), Some(index)).await?;
        Ok(IndexChange::Made)
    }

    async fn rename_buckets(
        &mut self,
        rows: RowRange,
        changes: &NameChanges,
        kept: &[RowId],
    ) -> Result<Vec<u64>, ChangeError> {
        if kept.len() > limits::KEPT_ROWS {
            let (many, most) = (kept.len(), limits::KEPT_ROWS);
            let why = format!("{many} rows of one range keep their names, of at most {most}");
            return Err(self.refused(why));
        }
        let renamed = match self.rename(rows, changes, kept).await {
            Ok(renamed) => renamed,
            Err(failure) => {
                self.session.roll_back().await;
                return Err(self.session.not_changed(failure).await);
            }
        };
        self.session.committed().await?;
        Ok(renamed)
    }

    async fn rows_by_bucket(
        &mut self,
        rows: RowRange,
    ) -> Result<BTreeMap<Option<String>, u64>, ChangeError> {
        match self.count(rows).await {
            Ok(buckets) => Ok(buckets),
            Err(failure) => Err(self.session.not_changed(failure).await),
        }
    }
}
