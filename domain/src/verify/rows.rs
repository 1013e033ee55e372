//! The index's rows by ranges of keys: each row once, whatever the order in which the index compares
//! keys.

use super::patience::Patience;
use super::ranges::KeyRange;
use crate::ports::{IndexError, KeyRanges, KeyedRow};
use crate::{Fid, System, limits};

/// Tries to read a range whose rows change while it is read.
const TRIES: u32 = 3;

/// Reads all rows of a range. `take` gets each of them once or more often: in an odd order of keys a
/// row is in several ranges, and a range that is begun again gives its first rows again.
///
/// A page ends with some row, and the next one begins *at* that row's key. The index must give that row
/// first again: so it has understood the key as the one that it gave, and has passed over no row, for no
/// two rows of a domain have equal keys. That does not rely on how keys are ordered, nor on the
/// character sets between here and the table.
pub(super) async fn read_range(
    index: &dyn KeyRanges,
    patience: &Patience<'_>,
    range: &KeyRange,
    limit: usize,
    take: &mut (dyn FnMut(KeyedRow) + Send),
) -> Result<(), IndexError> {
    // The row at which a page begins comes again, and one more must be on it.
    let limit = limit.max(2);
    for _ in 0..TRIES {
        if read_once(index, patience, range, limit, take).await? == Read::Whole {
            return Ok(());
        }
    }
    let (from, end) = (range.from.as_deref().unwrap_or(""), range.end.as_deref().unwrap_or(""));
    let why = format!(
        "the rows with keys from `{from}` to `{end}` cannot be read page by page: a page does not begin \
         with the row that ended the one before it. Rows change all the time, or a key has letters that \
         the connection cannot carry"
    );
    Err(IndexError::BadAnswer { at: "file".to_owned(), why })
}

#[derive(Debug, PartialEq, Eq)]
enum Read {
    Whole,
    /// The row that ended a page is gone.
    Changed,
}

async fn read_once(
    index: &dyn KeyRanges,
    patience: &Patience<'_>,
    range: &KeyRange,
    limit: usize,
    take: &mut (dyn FnMut(KeyedRow) + Send),
) -> Result<Read, IndexError> {
    let (mut from, end) = (range.from.clone(), range.end.as_deref());
    let mut last: Option<Fid> = None;
    loop {
        let ask = || index.rows_between(from.as_deref(), end, limit);
        let page = patience.ask(System::Index, 0, ask).await?;
        let is_last = page.len() < limit;
        if last.is_some() && page.first().map(KeyedRow::fid) != last {
            return Ok(Read::Changed);
        }
        let Some(row) = page.last() else { return Ok(Read::Whole) };
        let (key, fid) = (row.dkey().map(str::to_owned), row.fid());
        let goes_on = last != Some(fid) && key.is_some();
        let repeated = usize::from(last.is_some());
        page.into_iter().skip(repeated).for_each(&mut *take);
        if is_last {
            return Ok(Read::Whole);
        }
        if !goes_on {
            return Ok(Read::Changed);
        }
        (from, last) = (key, Some(fid));
    }
}

/// Reads all rows without a key.
pub(super) async fn read_keyless(
    index: &dyn KeyRanges,
    patience: &Patience<'_>,
    take: &mut (dyn FnMut(KeyedRow) + Send),
) -> Result<(), IndexError> {
    let mut after = Fid(0);
    loop {
        let ask = || index.rows_without_key(after, limits::PAGE_ROWS);
        let page = patience.ask(System::Index, after.0, ask).await?;
        let Some(last) = page.last().map(KeyedRow::fid) else { return Ok(()) };
        if last <= after {
            let why = format!("fid {last} where it was asked for rows behind fid {after}");
            return Err(IndexError::BadAnswer { at: "file".to_owned(), why });
        }
        after = last;
        page.into_iter().for_each(&mut *take);
    }
}
