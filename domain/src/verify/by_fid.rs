//! All rows of the index by fid, a page at a time.

use super::patience::Patience;
use crate::ports::{IndexError, KeyedRow, RowPage, SourceIndex};
use crate::{Fid, Reason, Stopped, System, limits};

/// How far the rows are read.
pub(super) struct RowsByFid<'a> {
    index: &'a dyn SourceIndex,
    patience: &'a Patience<'a>,
    next: Option<Fid>,
}

impl<'a> RowsByFid<'a> {
    /// Begins with the lowest fid.
    pub(super) const fn new(index: &'a dyn SourceIndex, patience: &'a Patience<'a>) -> Self {
        Self { index, patience, next: Some(Fid(0)) }
    }

    /// Reads the next page, which may have no row of the domain. Rows that the index cannot give are among
    /// the others. Returns [`None`] behind the page that says that no other one follows: a page with fewer
    /// rows than were asked for does not.
    ///
    /// # Errors
    /// With an index that cannot be read, or whose pages do not go on.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<KeyedRow>>, Stopped> {
        let Some(after) = self.next else { return Ok(None) };
        let ask = || self.index.page(after, limits::PAGE_ROWS);
        let page = self.patience.ask(System::Index, after.0, ask).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        self.next = page.next;
        if self.next.is_some_and(|next| next <= after) {
            let at = self.index.domain().to_owned();
            let why = format!("the page behind fid {after} ends there");
            return Err(Stopped::Trouble(Reason::from(&IndexError::BadAnswer { at, why })));
        }
        Ok(Some(keyed(page)))
    }
}

fn keyed(page: RowPage) -> Vec<KeyedRow> {
    // What the key of such a row is, the index does not say either.
    let unreadable =
        page.unreadable.into_iter().map(|row| KeyedRow::Unreadable { row, dkey: None });
    page.rows.into_iter().map(KeyedRow::Read).chain(unreadable).collect()
}
