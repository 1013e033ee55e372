//! The index as the trackers tell it, by `list_fids`: slower than the database, but needs no
//! account there.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{IndexError, RowPage, SourceError, SourceIndex};
use domain::{ByteCount, Fid, IndexRow};

use super::tracker::{Answer, Fields, Trackers};

/// The most rows that a tracker gives at once.
const MOST_ROWS: usize = 500;

/// A [`SourceIndex`] over the trackers.
pub struct TrackerIndex {
    trackers: Arc<Trackers>,
    domain: String,
}

impl TrackerIndex {
    /// For one domain's rows.
    #[must_use]
    pub const fn new(trackers: Arc<Trackers>, domain: String) -> Self {
        Self { trackers, domain }
    }

    /// Entries of all domains behind `after`.
    async fn list(&self, after: u64, limit: usize) -> Result<Vec<Entry>, IndexError> {
        let (from, to) = (after.to_string(), limit.to_string());
        match self.trackers.ask("list_fids", &[("from", &from), ("to", &to)]).await {
            Ok(Answer::Ok(fields)) => entries(&fields, after).map_err(|why| self.bad_answer(why)),
            Ok(Answer::Err { at, code, text }) => {
                Err(IndexError::Refused { at, why: format!("{code}: {text}") })
            }
            Err(SourceError::BadAnswer { at, why }) => Err(IndexError::BadAnswer { at, why }),
            Err(error) => {
                Err(IndexError::Unavailable { at: self.trackers.name(), cause: error.into() })
            }
        }
    }

    fn bad_answer(&self, why: String) -> IndexError {
        IndexError::BadAnswer { at: self.trackers.name(), why }
    }
}

#[async_trait]
impl SourceIndex for TrackerIndex {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let entries = self.list(after.0, limit.clamp(1, MOST_ROWS)).await?;
        let next = entries.last().map(|entry| entry.row.fid);
        let all = entries.len() as u64;
        let ours = entries.into_iter().filter(|entry| entry.domain == self.domain);
        let rows: Vec<_> = ours.map(|entry| entry.row).collect();
        Ok(RowPage { other_domains: all - rows.len() as u64, rows, next })
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        let Some(before) = fid.0.checked_sub(1) else { return Ok(None) };
        let entries = self.list(before, 1).await?;
        let found = entries.into_iter().find(|entry| entry.row.fid == fid);
        Ok(found.filter(|entry| entry.domain == self.domain).map(|entry| entry.row))
    }

    /// Trackers cannot count.
    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(None)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    domain: String,
    row: IndexRow,
}

/// The entries of a reply, ascending; each must lie behind `after`, or paging would never end.
fn entries(fields: &Fields, after: u64) -> Result<Vec<Entry>, String> {
    let number = |name: &str| -> Result<Option<u64>, String> {
        let parse = |text: &String| text.parse().map_err(|_| format!("{name} is `{text}`"));
        fields.get(name).map(parse).transpose()
    };
    let count = number("fid_count")?.ok_or("a reply without fid_count")?;
    if count > MOST_ROWS as u64 {
        return Err(format!("{count} rows, more than were asked for"));
    }
    let mut entries = Vec::new();
    for i in 1..=count {
        let fid = number(&format!("fid_{i}_fid"))?.ok_or(format!("row {i} has no fid"))?;
        if fid <= after {
            return Err(format!("fid {fid} where only fids behind {after} were asked for"));
        }
        let dkey = fields.get(&format!("fid_{i}_key")).filter(|key| !key.is_empty()).cloned();
        let length = number(&format!("fid_{i}_length"))?.map(ByteCount);
        let domain = fields.get(&format!("fid_{i}_domain")).cloned().unwrap_or_default();
        entries.push(Entry { domain, row: IndexRow { fid: Fid(fid), dkey, length } });
    }
    entries.sort_by_key(|entry| entry.row.fid);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        let pairs = text.split('&').filter_map(|field| field.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_recorded_reply() {
        let reply = fields(
            "fid_1_domain=plos_repo&fid_1_length=46394&fid_1_class=default&fid_1_devcount=2\
             &fid_count=1&fid_1_key=k&fid_1_fid=4",
        );
        let row = IndexRow { fid: Fid(4), dkey: Some("k".into()), length: Some(ByteCount(46394)) };
        assert_eq!(entries(&reply, 3), Ok(vec![Entry { domain: "plos_repo".into(), row }]));
        assert_eq!(entries(&fields("fid_count=0"), 3), Ok(vec![]));
    }

    #[test]
    fn replies_that_would_lead_astray() {
        for reply in [
            "",
            "fid_count=x",
            "fid_count=501",
            "fid_count=1",
            "fid_count=1&fid_1_fid=3",
            "fid_count=1&fid_1_fid=-4",
            "fid_count=1&fid_1_fid=4&fid_1_length=1e3",
        ] {
            assert!(entries(&fields(reply), 3).is_err(), "`{reply}`");
        }
    }
}
