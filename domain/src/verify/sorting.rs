//! An index that gives its rows by fid alone is read once and sorted before it can be compared.

use super::observer::VerifyObserver;
use super::patience::{Asked, Patience};
use super::settings::require_domain;
use crate::ports::{
    Clock, IndexError, KeyedRow, RowPage, RowSorterError, RowSorters, SortedRows, SourceIndex,
};
use crate::{Fid, Reason, ReasonKind, Stopped, System, limits};
use std::time::Duration;

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
    let (mut next, mut read) = (Some(Fid(0)), 0);
    while let Some(after) = next {
        let ask = || index.page(after, limits::PAGE_ROWS);
        let page = patience.ask(System::Index, Asked::ForAll, after.0, ask).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        next = page.next;
        if next.is_some_and(|next| next <= after) {
            let (at, why) =
                (index.domain().to_owned(), format!("the page behind fid {after} ends there"));
            return Err(Stopped::Trouble(Reason::from(&IndexError::BadAnswer { at, why })));
        }
        let rows = keyed(page);
        read += rows.len() as u64;
        sorter.add(rows).await.map_err(|error| of_disk(&error))?;
        observer.sorting(read);
    }
    sorter.finish().await.map_err(|error| of_disk(&error))
}

fn keyed(page: RowPage) -> Vec<KeyedRow> {
    // What the key of such a row is, the index does not say either.
    let unreadable =
        page.unreadable.into_iter().map(|row| KeyedRow::Unreadable { row, dkey: None });
    page.rows.into_iter().map(KeyedRow::Read).chain(unreadable).collect()
}

fn of_disk(error: &RowSorterError) -> Stopped {
    Stopped::Trouble(Reason::new(ReasonKind::IndexUnreadable, error))
}
