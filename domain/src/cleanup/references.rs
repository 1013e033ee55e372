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
