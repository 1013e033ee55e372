//! What every [`SourceIndex`] promises.

use std::collections::BTreeSet;

use domain::ports::{OtherRow, SourceIndex};
use domain::{ByteCount, Fid, IndexRow, Rejection, RowClass, StorageClass, StorageClasses};

use crate::planted::{self, Fate, PlantedRow};

/// Where implementations differ, by what their source can tell.
#[derive(Debug, Clone, Copy)]
pub struct Tells {
    /// An empty key from none. On a tracker's wire both are nothing behind a `=`.
    pub empty_keys: bool,
    /// The number of rows.
    pub count: bool,
    /// The names of storage classes, and not their numbers.
    pub class_names: bool,
}

/// Checks every promise of the port on an index with these rows and no others.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(index: &dyn SourceIndex, planted: &[PlantedRow], tells: Tells) {
    let ours: Vec<_> = planted.iter().filter(|row| row.fate != Fate::Foreign).collect();
    let expected: Vec<_> = ours.iter().map(|row| shown(row, tells)).collect();
    let foreign = planted.iter().filter(|row| row.fate == Fate::Foreign).map(|row| {
        let dkey = row.dkey.clone().filter(|key| tells.empty_keys || !key.is_empty());
        OtherRow { fid: Fid(row.fid), dkey }
    });
    let foreign: Vec<_> = foreign.collect();

    for limit in [1, 7, 500, 501, 1_000, 100_000] {
        let (rows, others) = all_pages(index, limit, planted.len()).await;
        assert_eq!(rows.len(), expected.len(), "rows in pages of {limit}");
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(row, expected, "in pages of {limit}");
        }
        assert_eq!(others, foreign, "rows of other domains in pages of {limit}");
    }
    pages_begin_anywhere(index, &expected).await;
    single_rows(index, planted, tells).await;
    for (row, planted) in expected.iter().zip(ours) {
        let missing = planted.dkey.is_some() && row.dkey.is_none();
        let fate = if missing { Fate::NoKey } else { planted.fate };
        assert_eq!(fate_of(row), fate, "{row:?}");
    }
    assert_eq!(index.domain(), planted::DOMAIN);
    let domains = index.domains().await.expect("the domains");
    let known: BTreeSet<_> = domains.iter().map(String::as_str).collect();
    assert_eq!(known, BTreeSet::from([planted::DOMAIN, planted::OTHER_DOMAIN]), "the domains");
    let count = index.count().await.expect("a count, or none");
    assert_eq!(count, tells.count.then_some(expected.len() as u64), "the count");
    let classes = index.storage_classes().await.expect("the storage classes");
    let expected = planted::CLASSES_OF_DOMAIN
        .map(|(id, _, mindevcount)| (class_of(id, tells), mindevcount.into()));
    assert_eq!(classes, StorageClasses::from_iter(expected), "the storage classes");
}

/// A planted row as the index shows it.
fn shown(row: &PlantedRow, tells: Tells) -> IndexRow {
    let dkey = row.dkey.clone().filter(|key| tells.empty_keys || !key.is_empty());
    let (length, replicas) = (row.length.map(ByteCount), Some(row.replicas().into()));
    let storage_class = Some(class_of(row.classid, tells));
    IndexRow { fid: Fid(row.fid), dkey, length, replicas, storage_class }
}

/// A class of the domain as the index names it.
fn class_of(id: u8, tells: Tells) -> StorageClass {
    let (_, name, _) = planted::CLASSES_OF_DOMAIN[usize::from(id)];
    if tells.class_names {
        StorageClass::Named(name.to_owned())
    } else {
        StorageClass::Numbered(id.into())
    }
}

/// Every row from the first page to the last, and those of other domains.
async fn all_pages(
    index: &dyn SourceIndex,
    limit: usize,
    most_pages: usize,
) -> (Vec<IndexRow>, Vec<OtherRow>) {
    let (mut rows, mut others, mut after) = (Vec::new(), Vec::new(), Fid(0));
    for _ in 0..=most_pages {
        let page = index.page(after, limit).await.expect("a page");
        let taken = page.rows.len() + usize::try_from(page.other_domains).expect("a small number");
        assert!(taken <= limit, "{taken} rows where {limit} were asked for");
        let Some(next) = page.next else {
            assert_eq!(taken, 0, "a page that says it is the end has nothing on it");
            return (rows, others);
        };
        assert!(next > after, "the page behind {after} leads to {next}");
        let fids: Vec<_> = page.rows.iter().map(|row| row.fid).collect();
        assert!(fids.iter().all(|fid| (after.0 + 1..=next.0).contains(&fid.0)), "{fids:?}");
        assert!(fids.is_sorted(), "{fids:?}");
        rows.extend(page.rows);
        assert_eq!(page.other_domains, page.of_others.len() as u64);
        others.extend(page.of_others);
        after = next;
    }
    panic!("more than {most_pages} pages");
}

/// A page does not remember the one before: it begins behind any fid, there or not.
async fn pages_begin_anywhere(index: &dyn SourceIndex, expected: &[IndexRow]) {
    for (row, next) in expected.iter().zip(&expected[1..]).step_by(97) {
        for after in [row.fid.0, next.fid.0 - 1] {
            let page = index.page(Fid(after), 10_000).await.expect("a page");
            let first = page.rows.first();
            // Where other domains' rows fill the page, ours are on a later one.
            assert!(first.is_none_or(|first| first == next), "behind {after}: {first:?}");
        }
    }
    let page = index.page(Fid(u64::MAX), 10).await.expect("a page");
    assert_eq!(page, domain::ports::RowPage::default(), "behind the last fid that could be");
}

async fn single_rows(index: &dyn SourceIndex, planted: &[PlantedRow], tells: Tells) {
    for row in planted {
        let found = index.row(Fid(row.fid)).await.expect("an answer");
        let expected = (row.fate != Fate::Foreign).then(|| shown(row, tells));
        assert_eq!(found, expected, "the row of fid {}", row.fid);
    }
    let fids: BTreeSet<_> = planted.iter().map(|row| row.fid).collect();
    let gaps = planted.iter().map(|row| row.fid + 1).filter(|fid| !fids.contains(fid));
    for absent in gaps.chain([0, u64::MAX]) {
        let found = index.row(Fid(absent)).await.expect("an answer");
        assert_eq!(found, None, "fid {absent}");
    }
}

fn fate_of(row: &IndexRow) -> Fate {
    match row.classify(&planted::buckets()) {
        RowClass::Source(_) => Fate::Source,
        RowClass::Temporary => Fate::Temporary,
        RowClass::Ignored => Fate::Ignored,
        RowClass::Rejected(Rejection::NoKey) => Fate::NoKey,
        RowClass::Rejected(Rejection::NoLength(_)) => Fate::NoLength,
        RowClass::Rejected(Rejection::NotContentAddressed(_)) => Fate::NotContentAddressed,
        RowClass::Rejected(Rejection::UnmappedBucket(_)) => Fate::Unmapped,
        RowClass::Rejected(Rejection::Unreadable(why)) => {
            unreachable!("no row has this class: {why}")
        }
    }
}
