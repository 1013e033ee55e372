use std::collections::{BTreeMap, BTreeSet};

use super::temporary::{Reference, Referring};
use crate::ports::{Clock, ContentRepoDatabase, DatabaseError, RepoObject, RepoStatus, RowId};
use crate::retried::retried;
use crate::{Sha1, limits};

/// What contentrepo refers to, of some content.
#[derive(Debug, Default)]
pub(super) struct References {
    of: BTreeMap<Sha1, Referring>,
    /// Whether all its rows were read.
    whole: bool,
}

/// A few of the files that migrate, spread over the whole index. contentrepo's database must refer to
/// one in ten of them, or it is another store's: one of a test, or empty, would call every upload
/// needless.
#[derive(Debug)]
pub(super) struct Control {
    files: Vec<Sha1>,
    /// Every so many files one is taken.
    stride: u64,
    seen: u64,
}

impl Default for Control {
    fn default() -> Self {
        Self { files: Vec::new(), stride: 1, seen: 0 }
    }
}

impl Control {
    pub(super) fn add(&mut self, sha1: Sha1) {
        if self.seen.is_multiple_of(self.stride) {
            if self.files.len() >= limits::CONTROL_FILES {
                let mut number = 0;
                self.files.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
            self.files.push(sha1);
        }
        self.seen += 1;
    }

    /// The number of files that migrate.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// The number of files that are looked for.
    pub(super) fn looked_for(&self) -> u64 {
        self.files.len() as u64
    }

    /// The number of them that contentrepo refers to. It reads no further than to where these are
    /// [enough](Self::is_enough).
    pub(super) async fn known_to(
        &self,
        database: &dyn ContentRepoDatabase,
        clock: &dyn Clock,
    ) -> Result<u64, DatabaseError> {
        let (mut wanted, mut known): (BTreeSet<_>, _) = (self.files.iter().collect(), 0);
        let mut rows = AllObjects::new(database, clock);
        while let Some(page) = rows.next().await? {
            let contents = page.iter().filter_map(content_of);
            known += contents.filter(|sha1| wanted.remove(sha1)).count() as u64;
            if self.is_enough(known) {
                break;
            }
        }
        Ok(known)
    }

    /// Whether a database that refers to so many of them is this store's. Some contents are in every
    /// store, the empty one for example.
    pub(super) fn is_enough(&self, known: u64) -> bool {
        known > 0 && known * limits::KNOWN_OF_A_STORE >= self.looked_for()
    }
}

impl References {
    /// Whether contentrepo refers to this content, one of those that were asked for.
    pub(super) fn to(&self, sha1: &Sha1) -> Reference {
        match self.of.get(sha1) {
            Some(referring) => Reference::From(referring.clone()),
            None if self.whole => Reference::None,
            None => Reference::Unknown,
        }
    }

    /// Reads every row of contentrepo's table once: there is no index on checksums. Memory holds the
    /// rows that refer to content of `wanted`.
    ///
    /// A row of every status counts but a purged one: a deleted object still refers to its bytes, and
    /// of an unknown status nobody knows.
    pub(super) async fn read(
        database: &dyn ContentRepoDatabase,
        clock: &dyn Clock,
        wanted: &BTreeSet<Sha1>,
    ) -> Result<Self, DatabaseError> {
        if wanted.is_empty() {
            return Ok(Self { whole: true, ..Self::default() });
        }
        let names = bucket_names(database, clock).await?;
        let mut references = Self::default();
        let mut rows = AllObjects::new(database, clock);
        while let Some(page) = rows.next().await? {
            for row in page {
                let Some(sha1) = content_of(&row).filter(|sha1| wanted.contains(sha1)) else {
                    continue;
                };
                let referring = references.of.entry(sha1).or_default();
                match row.bucket.and_then(|bucket| names.get(&bucket)) {
                    Some(name) => _ = referring.names.insert(name.clone()),
                    None => referring.nameless = true,
                }
            }
        }
        Ok(Self { whole: true, ..references })
    }
}

/// The names of contentrepo's buckets.
pub(super) async fn bucket_names(
    database: &dyn ContentRepoDatabase,
    clock: &dyn Clock,
) -> Result<BTreeMap<RowId, String>, DatabaseError> {
    let buckets = retried(clock, 0, || database.buckets()).await?;
    Ok(buckets.into_iter().map(|bucket| (bucket.id, bucket.name)).collect())
}

/// Reads contentrepo's table of objects, page by page.
pub(super) struct AllObjects<'a> {
    database: &'a dyn ContentRepoDatabase,
    clock: &'a dyn Clock,
    after: RowId,
}

impl<'a> AllObjects<'a> {
    pub(super) const fn new(database: &'a dyn ContentRepoDatabase, clock: &'a dyn Clock) -> Self {
        Self::behind(RowId::START, database, clock)
    }

    /// Those that were written behind this one.
    pub(super) const fn behind(
        after: RowId,
        database: &'a dyn ContentRepoDatabase,
        clock: &'a dyn Clock,
    ) -> Self {
        Self { database, clock, after }
    }

    /// The last row that was read.
    pub(super) const fn read_to(&self) -> RowId {
        self.after
    }

    /// The next page; [`None`] behind the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<RepoObject>>, DatabaseError> {
        let after = self.after;
        let read = || self.database.objects(after, limits::PAGE_ROWS);
        let page = retried(self.clock, 0, read).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.id;
        Ok(Some(page))
    }
}

/// The content that a row refers to. The column has the hex of a SHA-1; a client may have written it in
/// capitals, or with blanks.
pub(super) fn content_of(row: &RepoObject) -> Option<Sha1> {
    match row.status {
        RepoStatus::Purged => None,
        RepoStatus::Used | RepoStatus::Deleted | RepoStatus::Unknown => row.content(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_that_are_looked_for_are_few_and_of_the_whole_index() {
        let sha1 = |number: u64| Sha1::of(&number.to_be_bytes());
        for all in [0, 1, 999, 1000, 1001, 5000, 100_000] {
            let mut control = Control::default();
            (0..all).for_each(|number| control.add(sha1(number)));
            let few = usize::try_from(all).expect("small").min(limits::CONTROL_FILES / 2);
            assert!((few..=limits::CONTROL_FILES).contains(&control.files.len()), "{all}");
            assert_eq!(control.seen(), all);
            let evenly: Vec<_> =
                (0..all).filter(|number| number % control.stride == 0).map(sha1).collect();
            assert_eq!(control.files, evenly, "of {all}");
        }
    }
}
