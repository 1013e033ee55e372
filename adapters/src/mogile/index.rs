//! Reads the index from the trackers by `list_fids`. It is slower than the database and needs no
//! account there.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{IndexError, OtherRow, RowPage, SourceIndex, UnreadableRow};
use domain::{Fid, IndexRow, StorageClass, StorageClasses};

use super::commands::{ListedFile, MOST_FIDS};
use super::error::TrackerError;
use super::trackers::{Failed, Trackers};
use super::unreadable::{Found, Unreadable};

/// A [`SourceIndex`] over the trackers.
pub struct TrackerIndex {
    trackers: Arc<Trackers>,
    domain: String,
    unreadable: Unreadable,
}

impl TrackerIndex {
    /// For one domain's rows.
    #[must_use]
    pub fn new(trackers: Arc<Trackers>, domain: String) -> Self {
        Self { trackers, domain, unreadable: Unreadable::default() }
    }

    /// A page, around rows that no tracker can list.
    async fn found(&self, after: Fid, limit: usize) -> Result<Found, TrackerError> {
        let limit = limit.clamp(1, MOST_FIDS);
        let Failed { error, failing } = match self.trackers.try_list_fids(after, limit).await {
            Ok(files) => {
                let next = files.last().map(|file| file.fid);
                return Ok(Found { files, next, ..Found::default() });
            }
            Err(failed) => failed,
        };
        for tracker in failing {
            // An error here says what the first one said: this tracker is not well.
            let found = self.unreadable.page(&self.trackers, tracker, after, limit).await;
            if let Ok(Some(found)) = found {
                return Ok(found);
            }
        }
        Err(error)
    }

    fn is_ours(&self, file: &ListedFile) -> bool {
        file.domain == self.domain
    }
}

#[async_trait]
impl SourceIndex for TrackerIndex {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let Found { files, unreadable, next } = self.found(after, limit).await?;
        let (ours, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| self.is_ours(file));
        let rows = ours.into_iter().map(row).collect();
        let other = |ListedFile { fid, key: dkey, .. }| OtherRow { fid, dkey };
        let of_others: Vec<_> = others.into_iter().map(other).collect();
        let other_domains = of_others.len() as u64;
        Ok(RowPage { rows, unreadable, other_domains, of_others, next })
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        let Some(before) = fid.0.checked_sub(1) else { return Ok(None) };
        let Failed { error, failing } = match self.trackers.try_list_fids(Fid(before), 1).await {
            Ok(files) => {
                let found = files.into_iter().find(|file| file.fid == fid && self.is_ours(file));
                return Ok(found.map(row));
            }
            Err(failed) => failed,
        };
        // The next row is one that cannot be listed: this one, or one behind it.
        for tracker in failing {
            match self.trackers.has_row_at(tracker, fid).await {
                Ok(false) => return Ok(None),
                Err(look) if look.is_failure() => {
                    let row = self.unreadable.row(&self.trackers, tracker, fid).await;
                    if let Ok(Some(UnreadableRow { fid, why })) = row {
                        return Err(IndexError::UnreadableRow { at: tracker.name(), fid, why });
                    }
                }
                Ok(true) | Err(_) => {}
            }
        }
        Err(error.into())
    }

    fn domain(&self) -> &str {
        &self.domain
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(self.trackers.get_domains().await?)
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        let classes = self.trackers.classes_of(&self.domain).await?;
        Ok(classes.into_iter().map(|(name, least)| (StorageClass::Named(name), least)).collect())
    }

    /// Trackers cannot count.
    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(None)
    }
}

fn row(file: ListedFile) -> IndexRow {
    let ListedFile { fid, domain: _, key: dkey, length, class, replicas } = file;
    IndexRow { fid, dkey, length, replicas, storage_class: class.map(StorageClass::Named) }
}
