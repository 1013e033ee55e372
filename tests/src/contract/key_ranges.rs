//! What every [`KeyRanges`] promises.

use std::collections::{BTreeMap, BTreeSet};

use domain::ports::{KeyRanges, KeyedRow};
use domain::{ByteCount, Fid, IndexRow};

use crate::planted::{Fate, PlantedRow};

/// Bounds as a comparison has them, and some that lie elsewhere.
const BOUNDS: [&[&str]; 5] = [
    &[],
    &["8"],
    &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"],
    &["00", "0f", "7ff", "a0", "fff"],
    &["", "-", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp", "z"],
];

/// Checks every promise of the port on an index with these rows and no others.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(index: &dyn KeyRanges, planted: &[PlantedRow]) {
    let ours = || planted.iter().filter(|row| row.fate != Fate::Foreign);
    let keyed: BTreeMap<_, _> =
        ours().filter(|row| row.dkey.is_some()).map(|row| (row.fid, row)).collect();
    assert!(!keyed.is_empty(), "rows with keys are planted");
    let whole = in_pages(index, (None, None), 100_000).await;
    assert_eq!(whole.len(), keyed.len(), "all rows with a key");
    for row in &whole {
        is_planted(row, &keyed);
    }
    let order: Vec<_> = whole.iter().map(KeyedRow::fid).collect();
    for limit in [2, 7, 500] {
        let paged = in_pages(index, (None, None), limit).await;
        let paged: Vec<_> = paged.iter().map(KeyedRow::fid).collect();
        assert_eq!(paged, order, "one order, in pages of {limit}");
    }
    for bounds in BOUNDS {
        let mut fids = Vec::new();
        let begins = [None].into_iter().chain(bounds.iter().copied().map(Some));
        let ends = bounds.iter().copied().map(Some).chain([None]);
        for range in begins.zip(ends) {
            let rows = in_pages(index, range, 400).await;
            fids.extend(rows.iter().map(KeyedRow::fid));
        }
        assert_eq!(fids, order, "ranges that share their bounds have each row once: {bounds:?}");
    }
    let empty = index.rows_between(Some("8"), Some("8"), 10).await.expect("a page");
    assert_eq!(empty, [], "no key is between a bound and itself");
    without_keys(index, &ours().filter(|row| row.dkey.is_none()).collect::<Vec<_>>()).await;
}

/// Checks what holds in every order of keys, also in one that takes some letters together: ranges that
/// share their bounds have every row, and pages of one range have each of its rows once.
///
/// # Panics
/// When a row is lost.
pub async fn covers(index: &dyn KeyRanges, planted: &[PlantedRow]) {
    let keyed = planted.iter().filter(|row| row.fate != Fate::Foreign && row.dkey.is_some());
    let keyed: BTreeSet<_> = keyed.map(|row| Fid(row.fid)).collect();
    for bounds in BOUNDS {
        let mut fids = BTreeSet::new();
        let begins = [None].into_iter().chain(bounds.iter().copied().map(Some));
        let ends = bounds.iter().copied().map(Some).chain([None]);
        for range in begins.zip(ends) {
            let rows = in_pages(index, range, 7).await;
            let here: BTreeSet<_> = rows.iter().map(KeyedRow::fid).collect();
            assert_eq!(here.len(), rows.len(), "each row of {range:?} once");
            fids.extend(here);
        }
        assert_eq!(fids, keyed, "no row is lost between {bounds:?}");
    }
}

async fn without_keys(index: &dyn KeyRanges, expected: &[&PlantedRow]) {
    for limit in [1, 2, 1_000] {
        let (mut fids, mut after) = (Vec::new(), Fid(0));
        loop {
            let page = index.rows_without_key(after, limit).await.expect("a page");
            assert!(page.len() <= limit, "{} rows where {limit} were asked for", page.len());
            let Some(last) = page.last() else { break };
            assert!(page.iter().all(|row| row.dkey().is_none() && row.fid() > after), "{page:?}");
            after = last.fid();
            fids.extend(page.iter().map(|row| row.fid().0));
        }
        let expected: Vec<_> = expected.iter().map(|row| row.fid).collect();
        assert_eq!(fids, expected, "rows without a key, in pages of {limit}");
    }
}

/// The rows of a range, page by page: each begins with the row that ended the one before it.
async fn in_pages(
    index: &dyn KeyRanges,
    (from, end): (Option<&str>, Option<&str>),
    limit: usize,
) -> Vec<KeyedRow> {
    let mut from = from.map(str::to_owned);
    let mut rows: Vec<KeyedRow> = Vec::new();
    loop {
        let page = index.rows_between(from.as_deref(), end, limit).await.expect("a page");
        assert!(page.len() <= limit, "{} rows where {limit} were asked for", page.len());
        let is_last = page.len() < limit;
        let repeated = rows.last().map(KeyedRow::fid);
        if let Some(last) = repeated {
            let first = page.first().map(KeyedRow::fid);
            assert_eq!(first, Some(last), "a page begins with the row at its bound: {from:?}");
        }
        rows.extend(page.into_iter().skip(usize::from(repeated.is_some())));
        if is_last {
            return rows;
        }
        from = rows.last().and_then(KeyedRow::dkey).map(str::to_owned);
        assert!(from.is_some(), "a row in a range has a key");
    }
}

fn is_planted(row: &KeyedRow, planted: &BTreeMap<u64, &PlantedRow>) {
    let KeyedRow::Read(IndexRow { fid, dkey, length, .. }) = row else { panic!("{row:?}") };
    let planted = planted.get(&fid.0).unwrap_or_else(|| panic!("fid {fid} was not planted"));
    assert_eq!((dkey, length), (&planted.dkey, &planted.length.map(ByteCount)), "fid {fid}");
}
