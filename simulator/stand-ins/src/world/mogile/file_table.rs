//! The `file` table with its two indexes: by fid, and by domain and key.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::ids::{ClassId, DeviceId, Dmid, Fid};

/// One row of `file` with its rows of `file_on`. The schema lets key and length be NULL, and
/// nothing keeps any field true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Primary key.
    pub fid: Fid,
    /// The domain.
    pub dmid: Dmid,
    /// The key, unique within its domain.
    pub dkey: Option<String>,
    /// The size that the tracker believes in.
    pub length: Option<u64>,
    /// The class.
    pub classid: ClassId,
    /// The devices that are said to hold a replica.
    pub devids: Vec<DeviceId>,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct FileTable {
    rows: BTreeMap<Fid, FileRow>,
    keys: BTreeMap<(Dmid, CollatedKey), Fid>,
}

/// A key as the database compares it: blind to case and to spaces at the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct CollatedKey(String);

impl CollatedKey {
    fn new(key: &str) -> Self {
        Self(key.trim_end_matches(' ').to_lowercase())
    }
}

impl FileTable {
    /// Writes a row as `REPLACE INTO` does: whatever had its fid or its key goes first.
    pub(super) fn replace(&mut self, mut row: FileRow) {
        row.devids.sort_unstable();
        row.devids.dedup();
        self.remove(row.fid);
        if let Some(dkey) = &row.dkey {
            let key = (row.dmid, CollatedKey::new(dkey));
            if let Some(former) = self.keys.insert(key, row.fid) {
                self.rows.remove(&former);
            }
        }
        self.rows.insert(row.fid, row);
    }

    pub(super) fn remove(&mut self, fid: Fid) -> Option<FileRow> {
        let row = self.rows.remove(&fid)?;
        if let Some(dkey) = &row.dkey {
            self.keys.remove(&(row.dmid, CollatedKey::new(dkey)));
        }
        Some(row)
    }

    pub(super) fn row(&self, fid: Fid) -> Option<&FileRow> {
        self.rows.get(&fid)
    }

    pub(super) fn row_by_key(&self, dmid: Dmid, dkey: &str) -> Option<&FileRow> {
        self.rows.get(self.keys.get(&(dmid, CollatedKey::new(dkey)))?)
    }

    pub(super) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The rows above a fid, ascending.
    pub(super) fn rows_after(&self, after: Fid) -> impl Iterator<Item = &FileRow> {
        self.rows.range((Bound::Excluded(after), Bound::Unbounded)).map(|(_, row)| row)
    }

    /// The rows from one fid to another, both included, ascending.
    pub(super) fn rows_between(
        &self,
        first: Fid,
        last: Fid,
    ) -> impl DoubleEndedIterator<Item = &FileRow> {
        // A range that ends before its beginning would panic.
        let rows = (first <= last).then(|| self.rows.range(first..=last));
        rows.into_iter().flatten().map(|(_, row)| row)
    }

    /// The rows of a domain with keys from one on and before another, in the order of the keys.
    pub(super) fn rows_by_key(
        &self,
        dmid: Dmid,
        from: Option<&str>,
        end: Option<&str>,
    ) -> impl Iterator<Item = &FileRow> {
        let first = CollatedKey::new(from.unwrap_or_default());
        let end = end.map(CollatedKey::new);
        self.keys
            .range((dmid, first)..)
            .take_while(move |((of, key), _)| {
                *of == dmid && end.as_ref().is_none_or(|end| key < end)
            })
            .filter_map(|(_, fid)| self.rows.get(fid))
    }

    /// The keys of a domain that begin with `prefix` and come after `after`, in the database's
    /// order.
    pub(super) fn keys_after(
        &self,
        dmid: Dmid,
        prefix: &str,
        after: &str,
    ) -> impl Iterator<Item = &str> {
        let first = CollatedKey::new(prefix);
        let after = CollatedKey::new(after);
        let start = if after < first {
            Bound::Included((dmid, first.clone()))
        } else {
            Bound::Excluded((dmid, after))
        };
        // `LIKE` is blind to case too, but not to spaces.
        let prefix = prefix.to_lowercase();
        self.keys
            .range((start, Bound::Unbounded))
            .take_while(move |((of, key), _)| *of == dmid && key.0.starts_with(&first.0))
            .filter_map(|(_, fid)| self.rows.get(fid)?.dkey.as_deref())
            .filter(move |dkey| dkey.to_lowercase().starts_with(&prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fid: u64, dkey: Option<&str>) -> FileRow {
        FileRow {
            fid: Fid(fid),
            dmid: Dmid(1),
            dkey: dkey.map(str::to_owned),
            length: Some(1),
            classid: ClassId(0),
            devids: vec![DeviceId(2), DeviceId(1), DeviceId(2)],
        }
    }

    fn table(rows: &[(u64, Option<&str>)]) -> FileTable {
        let mut table = FileTable::default();
        for (fid, dkey) in rows {
            table.replace(row(*fid, *dkey));
        }
        table
    }

    fn fid_of(table: &FileTable, dkey: &str) -> Option<u64> {
        table.row_by_key(Dmid(1), dkey).map(|row| row.fid.0)
    }

    #[test]
    fn keys_are_compared_as_the_database_does() {
        let table = table(&[(1, Some("AbC ")), (2, None), (3, None), (4, Some(" abc"))]);
        for (dkey, fid) in [("abc", 1), ("ABC  ", 1), ("AbC ", 1), (" ABC", 4)] {
            assert_eq!(fid_of(&table, dkey), Some(fid), "{dkey:?}");
        }
        assert_eq!(fid_of(&table, ""), None);
        assert!(table.row_by_key(Dmid(2), "abc").is_none());
    }

    #[test]
    fn a_row_replaces_what_had_its_fid_or_its_key() {
        let mut table = table(&[(1, Some("a")), (2, Some("b"))]);
        table.replace(row(3, Some("A")));
        assert_eq!((fid_of(&table, "a"), table.row(Fid(1))), (Some(3), None));
        table.replace(row(2, Some("c")));
        assert_eq!((fid_of(&table, "b"), fid_of(&table, "c")), (None, Some(2)));
        table.remove(Fid(3));
        assert_eq!((fid_of(&table, "a"), table.count()), (None, 1));
        assert_eq!(table.row(Fid(2)).unwrap().devids, [DeviceId(1), DeviceId(2)]);
    }

    #[test]
    fn keys_page_by_prefix() {
        let table =
            table(&[(1, Some("b2")), (2, Some("B1")), (3, Some("a")), (4, Some("c")), (5, None)]);
        let keys = |prefix, after| table.keys_after(Dmid(1), prefix, after).collect::<Vec<_>>();
        assert_eq!(keys("", ""), ["a", "B1", "b2", "c"]);
        assert_eq!(keys("b", ""), ["B1", "b2"]);
        assert_eq!(keys("b", "b1"), ["b2"]);
        assert_eq!(keys("", "B1"), ["b2", "c"]);
        assert_eq!(keys("b ", ""), [""; 0]);
        assert_eq!(keys("a", "c"), [""; 0]);
    }
}
