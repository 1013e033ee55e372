//! Where the rows of the index come from, in the order of their keys.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters::clock::SystemClock;
use adapters::mysql::MysqlIndex;
use adapters::row_sorter::DiskRowSorters;
use domain::Stopped;
use domain::ports::{KeyRanges, SourceIndex};
use domain::verify::{VerifyObserver, sort_rows};

use crate::config::SourceSettings;
use crate::exit::UsageError;
use crate::report::verify::SortedEnd;
use crate::wiring::Wiring;

/// MogileFS's index.
pub enum Rows {
    /// In its database, which has an index by keys.
    Database(Arc<MysqlIndex>, String),
    /// From the trackers, which list rows by fid: these are sorted on disk.
    Trackers(Arc<dyn SourceIndex>, String),
}

impl Rows {
    /// Those of the settings: the database, where it is named.
    pub fn of(wiring: &Wiring<'_>, source: &SourceSettings) -> Result<Self, UsageError> {
        if let (Some(index), Some(url)) = (wiring.mogile_database()?, source.database()?) {
            return Ok(Self::Database(Arc::new(index), url.name().to_owned()));
        }
        let mut trackers = source.trackers()?;
        trackers.sort_unstable();
        Ok(Self::Trackers(wiring.index()?, trackers.join(",")))
    }

    /// Which index it is, without the login.
    pub fn name(&self) -> String {
        match self {
            Self::Database(_, name) => format!("the database {name}"),
            Self::Trackers(_, trackers) => format!("by the trackers {trackers}"),
        }
    }

    /// The index itself.
    pub fn index(&self) -> &dyn SourceIndex {
        match self {
            Self::Database(index, _) => &**index,
            Self::Trackers(index, _) => &**index,
        }
    }

    /// The rows by their keys. Those of the trackers are read and sorted first.
    pub async fn by_keys(
        &self,
        directory: &Path,
        wait: Duration,
        observer: &dyn VerifyObserver,
    ) -> Result<ByKeys, Stopped> {
        let index = match self {
            Self::Database(index, _) => {
                return Ok(ByKeys { rows: Arc::<MysqlIndex>::clone(index), sorted: None });
            }
            Self::Trackers(index, _) => index,
        };
        let sorters = DiskRowSorters::new(directory.to_owned());
        let sorted = sort_rows(&**index, &sorters, (&SystemClock, wait), observer).await?;
        let end = SortedEnd::from(&sorted);
        Ok(ByKeys { rows: sorted.rows, sorted: Some(end) })
    }
}

/// Rows that can be asked for by ranges of keys.
pub struct ByKeys {
    /// To be asked.
    pub rows: Arc<dyn KeyRanges>,
    /// How they were sorted, if they were.
    pub sorted: Option<SortedEnd>,
}
