//! An index that gives its rows by fid alone is read once and sorted before it can be compared.

use std::time::Duration;

use super::by_fid::RowsByFid;
use super::observer::VerifyObserver;
use super::patience::Patience;
use super::settings::require_domain;
use crate::ports::{Clock, RowSorterError, RowSorters, SortedRows, SourceIndex};
use crate::{Reason, ReasonKind, Stopped};

/// Reads all rows of the index and sorts them by their keys. Rows that the index cannot give are among
/// them. `wait` is how long the index is waited for when it goes away.
///
/// # Errors
/// With what ends it early: an index that cannot be read, a disk that is full, a domain that is not
/// there.
pub async fn sort_rows(
    index: &dyn SourceIndex,
    sorters: &dyn RowSorters,
    (clock, wait): (&dyn Clock, Duration),
    observer: &dyn VerifyObserver,
) -> Result<SortedRows, Stopped> {
    require_domain(index, clock).await?;
    let patience = Patience::new(clock, observer, wait);
    let mut sorter = sorters.begin().await.map_err(|error| of_disk(&error))?;
    let (mut pages, mut read) = (RowsByFid::new(index, &patience), 0);
    while let Some(rows) = pages.page().await? {
        read += rows.len() as u64;
        sorter.add(rows).await.map_err(|error| of_disk(&error))?;
        observer.sorting(read);
    }
    sorter.finish().await.map_err(|error| of_disk(&error))
}

fn of_disk(error: &RowSorterError) -> Stopped {
    Stopped::Trouble(Reason::new(ReasonKind::IndexUnreadable, error))
}
