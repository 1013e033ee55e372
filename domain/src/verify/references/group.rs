//! The rows that refer to one content: a few of them in memory, the rest of them on disk. A million rows may
//! refer to one content, such as the empty file.

use super::records::Wanted;
use super::run::of_sort;
use super::sorting::{Gathering, InOrder};
use crate::ports::{RecordSorts, SortRecord};
use crate::{ByteCount, Sha1, Stopped};

/// Rows of one content that are kept in memory.
pub(super) const ROWS_HELD: usize = 4_096;

/// The rows of one content.
pub(super) struct Group {
    pub(super) sha1: Sha1,
    /// All rows.
    pub(super) rows: u64,
    /// Those without a size that can be believed.
    pub(super) without_size: u64,
    /// The smallest and the largest size.
    sizes: Option<(ByteCount, ByteCount)>,
    held: Vec<Wanted>,
    rest: Option<Gathering>,
}

impl Group {
    /// The rows of the next content of a bucket.
    pub(super) async fn next(
        rows: &mut InOrder,
        bucket: usize,
        sorts: &dyn RecordSorts,
    ) -> Result<Option<Self>, Stopped> {
        let of_bucket = |record: &SortRecord| usize::from(Wanted::of(record).bucket) == bucket;
        let first = rows.next_if(of_bucket).await.map_err(|error| of_sort(&error))?;
        let Some(first) = first.map(|record| Wanted::of(&record)) else { return Ok(None) };
        let (held, rest) = (Vec::new(), None);
        let mut group =
            Self { sha1: first.sha1, rows: 0, without_size: 0, sizes: None, held, rest };
        group.take(first, sorts).await?;
        let is_same = |record: &SortRecord| Wanted::of(record).is_of(&first);
        while let Some(record) = rows.next_if(is_same).await.map_err(|error| of_sort(&error))? {
            group.take(Wanted::of(&record), sorts).await?;
        }
        Ok(Some(group))
    }

    async fn take(&mut self, row: Wanted, sorts: &dyn RecordSorts) -> Result<(), Stopped> {
        self.rows += 1;
        match row.size {
            None => self.without_size += 1,
            Some(size) => {
                let (least, most) = self.sizes.unwrap_or((size, size));
                self.sizes = Some((least.min(size), most.max(size)));
            }
        }
        if self.held.len() < ROWS_HELD {
            self.held.push(row);
            return Ok(());
        }
        if self.rest.is_none() {
            let begun = Gathering::begin(sorts).await;
            self.rest = Some(begun.map_err(|error| of_sort(&error))?);
        }
        let Some(rest) = &mut self.rest else { return Ok(()) };
        rest.add(row.to_record()).await.map_err(|error| of_sort(&error))
    }

    /// Whether some row says a size, and every one that does says this one.
    pub(super) fn all_have(&self, length: ByteCount) -> bool {
        self.sizes == Some((length, length))
    }

    /// The rows that are in memory.
    pub(super) const fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether rows of it are on disk.
    pub(super) const fn is_large(&self) -> bool {
        self.rest.is_some()
    }

    /// All rows, ascending by id.
    pub(super) async fn into_rows(self) -> Result<GroupRows, Stopped> {
        let rest = match self.rest {
            Some(rest) => Some(rest.finish().await.map_err(|error| of_sort(&error))?),
            None => None,
        };
        Ok(GroupRows { held: self.held.into_iter(), rest })
    }
}

/// The rows of one content, one after the other.
pub(super) struct GroupRows {
    held: std::vec::IntoIter<Wanted>,
    rest: Option<InOrder>,
}

impl GroupRows {
    pub(super) async fn next(&mut self) -> Result<Option<Wanted>, Stopped> {
        if let Some(row) = self.held.next() {
            return Ok(Some(row));
        }
        let Some(rest) = &mut self.rest else { return Ok(None) };
        let record = rest.next_if(|_| true).await.map_err(|error| of_sort(&error))?;
        Ok(record.map(|record| Wanted::of(&record)))
    }
}
