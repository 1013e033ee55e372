use std::collections::BTreeMap;

use domain::ports::UnreadableRow;
use domain::{ByteCount, IndexRow};
use proptest::prelude::*;

use super::*;

fn read(fid: u64, dkey: Option<String>, length: Option<u64>) -> KeyedRow {
    let (fid, length) = (Fid(fid), length.map(ByteCount));
    KeyedRow::Read(IndexRow { fid, dkey, length, replicas: None, storage_class: None })
}

fn unreadable(fid: u64, dkey: Option<String>) -> KeyedRow {
    let row = UnreadableRow { fid: Fid(fid), why: format!("no class for {fid}") };
    KeyedRow::Unreadable { row, dkey }
}

fn keys() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => ("[0-9a-f]{40}", "[a-b]{0,2}").prop_map(|(hex, of)| Some(format!("{hex}-{of}"))),
        2 => "a{38,44}[é/]{0,4}".prop_map(Some),
        2 => "[aé\u{0}]{0,3}".prop_map(Some),
        1 => ".{0,300}".prop_map(Some),
        1 => Just(None),
    ]
}

async fn sorted(directory: &Path, at_once: usize, rows: &[KeyedRow]) -> SortedRows {
    let sorters = DiskRowSorters::new(directory.to_owned()).sorting_at_once(at_once);
    let mut sorter = sorters.begin().await.expect("a directory");
    for rows in rows.chunks(7) {
        sorter.add(rows.to_vec()).await.expect("room");
    }
    sorter.finish().await.expect("room")
}

async fn all(rows: &dyn KeyRanges, limit: usize) -> Vec<KeyedRow> {
    let (mut all, mut from) = (Vec::<KeyedRow>::new(), None::<String>);
    loop {
        let page = rows.rows_between(from.as_deref(), None, limit).await.expect("a page");
        let is_last = page.len() < limit;
        if let Some(last) = all.last() {
            assert_eq!(page.first(), Some(last), "a page begins with the row at its bound");
        }
        let repeated = usize::from(!all.is_empty());
        all.extend(page.into_iter().skip(repeated));
        if is_last {
            return all;
        }
        from = all.last().and_then(KeyedRow::dkey).map(str::to_owned);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_row_comes_back_once_and_unchanged(
        rows in prop::collection::vec((keys(), prop::option::of(any::<u64>()), 0..6_u8), 0..80),
        at_once in 1..40_usize,
        limit in 2..20_usize,
        bound in "[0-9a-f]{0,3}",
    ) {
        let rows: Vec<_> = (1..).zip(rows).map(|(fid, (dkey, length, kind))| match kind {
            0 => unreadable(fid, dkey),
            _ => read(fid, dkey, length),
        }).collect();
        // Of one key the highest fid is the row of today.
        let mut expected: BTreeMap<_, KeyedRow> = BTreeMap::new();
        for row in &rows {
            let key = row.dkey().map_or_else(|| Err(row.fid()), |key| Ok(key.to_owned()));
            expected.insert(key, row.clone());
        }
        let directory = tempfile::tempdir().expect("a directory");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let told = runtime.block_on(async {
            let sorted = sorted(directory.path(), at_once, &rows).await;
            let asked = &*sorted.rows;
            let keyless = asked.rows_without_key(Fid(0), 1_000).await.expect("a page");
            let half = |from, end| asked.rows_between(from, end, 1_000);
            let before = half(None, Some(&bound)).await.expect("a page");
            let behind = half(Some(&bound), None).await.expect("a page");
            (sorted.count, sorted.replaced, all(asked, limit).await, keyless, [before, behind].concat())
        });
        let (count, replaced, keyed, keyless, halves) = told;
        prop_assert_eq!((count, replaced), (expected.len() as u64, (rows.len() - expected.len()) as u64));
        prop_assert_eq!(&halves, &keyed, "two ranges that share their bound have all rows");
        let mut came: Vec<_> = keyed.iter().chain(&keyless).cloned().collect();
        let mut expected: Vec<_> = expected.into_values().collect();
        came.sort_by_key(KeyedRow::fid);
        expected.sort_by_key(KeyedRow::fid);
        prop_assert_eq!(came, expected);
        let begins: Vec<_> = keyed.iter().map(|row| {
            let mut begin = row.dkey().expect("it has one").as_bytes().to_vec();
            begin.resize(40, 0);
            begin
        }).collect();
        prop_assert!(begins.is_sorted(), "in the order of the bytes that decide");
        let left = std::fs::read_dir(directory.path()).expect("a directory").count();
        prop_assert_eq!(left, 0, "no file has a name");
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let sorters = DiskRowSorters::new("/no/such/directory".into());
    let error = sorters.begin().await.err().expect("it is not there").to_string();
    assert!(error.contains("cannot be sorted in `/no/such/directory`"), "{error}");
}
