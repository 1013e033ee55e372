//! The index as the trackers tell it, by `list_fids`: slower than the database, but needs no
//! account there.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{IndexError, RowPage, SourceIndex};
use domain::{Fid, IndexRow};

use super::commands::ListedFile;
use super::trackers::Trackers;

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

    fn is_ours(&self, file: &ListedFile) -> bool {
        file.domain == self.domain
    }
}

#[async_trait]
impl SourceIndex for TrackerIndex {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let files = self.trackers.list_fids(after, limit).await?;
        let next = files.last().map(|file| file.fid);
        let all = files.len() as u64;
        let rows: Vec<_> = files.into_iter().filter(|file| self.is_ours(file)).map(row).collect();
        Ok(RowPage { other_domains: all - rows.len() as u64, rows, next })
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        let Some(before) = fid.0.checked_sub(1) else { return Ok(None) };
        let files = self.trackers.list_fids(Fid(before), 1).await?;
        let found = files.into_iter().find(|file| file.fid == fid && self.is_ours(file));
        Ok(found.map(row))
    }

    fn domain(&self) -> &str {
        &self.domain
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(self.trackers.get_domains().await?)
    }

    /// Trackers cannot count.
    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(None)
    }
}

fn row(file: ListedFile) -> IndexRow {
    IndexRow { fid: file.fid, dkey: file.key, length: file.length }
}
