//! Reads the index by ranges of keys, along the unique key `(dmid, dkey)`.

use async_trait::async_trait;
use domain::Fid;
use domain::ports::{IndexError, KeyRanges, KeyedRow};
use sqlx::mysql::MySqlRow;

use super::columns::text;
use super::index::{Entry, MysqlIndex};
use super::sessions::Argument;
use super::tables::Query;

// The condition on a column and `ORDER BY` of the same column go by one collation, the column's own: a
// parameter never decides it, whatever the connection's character set is (MySQL 8.4 reference,
// "Collation Coercibility in Expressions"). The server turns a parameter into the column's character
// set. Whether it did so without a loss is for the caller to see: it finds the row of the key again.
//
// Which keys are equal decides the unique key by that collation too, so that no two rows of a domain
// are. A `VARBINARY` compares bytes, in conditions, in order and in the key.

const ALL: Query = Query {
    name: "range",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file \
          WHERE dmid = ? AND dkey IS NOT NULL ORDER BY dkey LIMIT ?",
};

const UNTIL: Query = Query {
    name: "range",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file \
          WHERE dmid = ? AND dkey < ? ORDER BY dkey LIMIT ?",
};

const FROM: Query = Query {
    name: "range",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file \
          WHERE dmid = ? AND dkey >= ? ORDER BY dkey LIMIT ?",
};

const BETWEEN: Query = Query {
    name: "range",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file \
          WHERE dmid = ? AND dkey >= ? AND dkey < ? ORDER BY dkey LIMIT ?",
};

const WITHOUT_KEY: Query = Query {
    name: "without key",
    sql: "SELECT fid, dmid, dkey, length, classid, devcount FROM file \
          WHERE dmid = ? AND dkey IS NULL AND fid > ? ORDER BY fid LIMIT ?",
};

#[async_trait]
impl KeyRanges for MysqlIndex {
    async fn rows_between(
        &self,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        use Argument::{Number, Text};
        let dmid = Number(self.dmid().await?.into());
        let limit = Number(limit.max(1) as i128);
        let (query, arguments) = match (from, end) {
            (None, None) => (ALL, vec![dmid, limit]),
            (None, Some(end)) => (UNTIL, vec![dmid, Text(end), limit]),
            (Some(from), None) => (FROM, vec![dmid, Text(from), limit]),
            (Some(from), Some(end)) => (BETWEEN, vec![dmid, Text(from), Text(end), limit]),
        };
        self.keyed(query, &arguments).await
    }

    async fn rows_without_key(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        let dmid = self.dmid().await?.into();
        let arguments = [dmid, after.0.into(), limit.max(1) as i128].map(Argument::Number);
        self.keyed(WITHOUT_KEY, &arguments).await
    }
}

impl MysqlIndex {
    async fn keyed(
        &self,
        query: Query,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<KeyedRow>, IndexError> {
        let dmid = self.dmid().await?;
        let rows = self.tables.ask_with(query, arguments).await?;
        rows.iter().filter_map(|row| self.keyed_row(row, dmid).transpose()).collect()
    }

    fn keyed_row(&self, row: &MySqlRow, dmid: u64) -> Result<Option<KeyedRow>, IndexError> {
        Ok(match self.entry(row, dmid)? {
            None => None,
            Some(Entry::Read(row)) => Some(KeyedRow::Read(row)),
            Some(Entry::Unreadable(unreadable)) => {
                let dkey = self.read(text(row, "dkey"))?;
                Some(KeyedRow::Unreadable { row: unreadable, dkey })
            }
        })
    }
}
