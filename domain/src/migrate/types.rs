//! The types and names of files, read from contentrepo's database before the first file is begun.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::lock::Mutex;

use crate::ports::{
    Clock, ContentRepoDatabase, IndexError, RepoObject, RepoStatus, RowId, RowPage, RowSays,
    SourceIndex, Spooled, Spools, TypesAndNames, TypesError,
};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    BucketMap, ContentType, Dkey, DownloadName, Fid, IndexRow, Misconfigured, MogileBucket, Reason,
    RowClass, TypeAndName, TypesRead, TypesSummary, limits,
};

/// Where types and names come from, and where they are kept meanwhile.
#[derive(Clone)]
pub struct TypesFrom {
    /// contentrepo's database.
    pub database: Arc<dyn ContentRepoDatabase>,
    /// This machine's disk.
    pub spools: Arc<dyn Spools>,
}

/// The types and names of a run: what contentrepo's rows said before it began, and what is written to
/// them while it goes on.
pub(crate) struct Types {
    gathered: Arc<dyn TypesAndNames>,
    read: TypesRead,
    from: TypesFrom,
    /// The MogileFS bucket of each of contentrepo's buckets that is mapped.
    mapped: BTreeMap<RowId, MogileBucket>,
    since: Mutex<Since>,
}

/// The rows that were written since a run began, as far as they were read.
struct Since {
    after: RowId,
    /// Whether the row is in use, and what it says.
    says: BTreeMap<Dkey, (bool, TypeAndName)>,
}

impl Types {
    /// What was read before the run.
    pub(crate) fn summary(&self) -> TypesSummary {
        TypesSummary::of(self.read.clone())
    }
}

#[async_trait]
impl TypesAndNames for Types {
    /// A file of which there was no row may have been ingested since: then the newest rows are read,
    /// which are few.
    async fn of(&self, files: &[Dkey]) -> Result<Vec<Option<TypeAndName>>, TypesError> {
        let mut found = self.gathered.of(files).await?;
        if found.iter().all(Option::is_some) {
            return Ok(found);
        }
        let mut since = self.since.lock().await;
        loop {
            let page = self.from.database.objects(since.after, limits::PAGE_ROWS).await?;
            let Some(last) = page.last() else { break };
            since.after = last.id;
            // They are counted by the next run, which reads them first.
            let mut uncounted = TypesRead::default();
            for row in page {
                let Some(row) = row_says(row, &self.mapped, &mut uncounted) else { continue };
                let newest = since.says.get(&row.of);
                if row.in_use || newest.is_none_or(|(in_use, _)| !in_use) {
                    since.says.insert(row.of, (row.in_use, row.says));
                }
            }
        }
        for (file, found) in files.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            *found = since.says.get(file).map(|(_, says)| says.clone());
        }
        Ok(found)
    }
}

/// Reads every row of contentrepo's objects once: there is no index on checksums. `tell` hears how
/// many were read so far. [`None`] where the database is not named. Errors where it is another store's.
pub(crate) async fn gather_types(
    from: Option<&TypesFrom>,
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Option<Types>, Stopped> {
    let Some(from) = from else { return Ok(None) };
    let trouble = |error| Stopped::Trouble(Reason::from(&error));
    let types = gather(from, clock, buckets, tell).await.map_err(trouble)?;
    refuse_other_content_repo(&types, (index, clock), buckets).await?;
    Ok(Some(types))
}

async fn gather(
    from: &TypesFrom,
    clock: &dyn Clock,
    buckets: &BucketMap,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<Types, TypesError> {
    let database = &*from.database;
    let names = retried(clock, 0, || database.buckets()).await?;
    // Keys have the old names for ever, and contentrepo's buckets the new ones from the cut-over on.
    let mapped = names.into_iter().filter_map(|bucket| {
        let of_keys = buckets.repo_bucket(&bucket.name).mogile_bucket()?;
        Some((bucket.id, of_keys.clone()))
    });
    let mapped: BTreeMap<_, _> = mapped.collect();
    let mut spool = from.spools.begin().await?;
    let (mut read, mut after) = (TypesRead::default(), RowId::START);
    loop {
        let page = retried(clock, 0, || database.objects(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        read.rows += page.len() as u64;
        let says = page.into_iter().filter_map(|row| row_says(row, &mapped, &mut read));
        spool.add(says.collect()).await?;
        tell(read.rows);
    }
    let Spooled { types: gathered, files, disagreeing, bytes } = spool.finish().await?;
    let read = TypesRead { files, disagreeing, spool_bytes: bytes, ..read };
    let since = Mutex::new(Since { after, says: BTreeMap::new() });
    Ok(Types { gathered, read, from: from.clone(), mapped, since })
}

/// Errors where contentrepo's database knows hardly any of the store's files: it is another store's, of a
/// test for example, and ten million objects would be written without a type. What a run has selected
/// is no sign of that, and neither are few files.
async fn refuse_other_content_repo(
    types: &Types,
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
) -> Result<(), Stopped> {
    let sample = sample_of_store(index, clock, buckets).await;
    let sample = sample.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
    let files: Vec<_> = sample.into_iter().collect();
    let said = retried(clock, 0, || types.of(&files)).await;
    let said = said.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
    let looked_for = files.len() as u64;
    let found = said.iter().flatten().count() as u64;
    if looked_for < limits::FILES_OF_A_STORE || found * limits::KNOWN_OF_A_STORE >= looked_for {
        return Ok(());
    }
    Err(Stopped::Misconfigured(Misconfigured::OtherContentRepo { looked_for, found }))
}

/// Some files of the whole store, behind fids that lie evenly from its first to its last: the oldest may be
/// older than contentrepo. Where fids are missing in large numbers those are few, and as many of the
/// first files as are needed to judge by are taken, too.
pub(crate) async fn sample_of_store(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
) -> Result<BTreeSet<Dkey>, IndexError> {
    let page = async |after: u64| {
        let read = || index.page(Fid(after), limits::SAMPLED_ROWS);
        retried(clock, after, read).await
    };
    // The last fid is near: a page behind `end` has others behind it, and one behind `beyond` has none.
    let (mut end, mut beyond) = (0, 1);
    while page(beyond).await?.next.is_some() && beyond < u64::MAX / 2 {
        (end, beyond) = (beyond, beyond * 2);
    }
    for _ in 0..limits::SAMPLED_PLACES.ilog2() {
        let middle = end.midpoint(beyond);
        let has_more = page(middle).await?.next.is_some();
        *(if has_more { &mut end } else { &mut beyond }) = middle;
    }
    let mut sample = BTreeSet::new();
    let mut add = |rows: &[IndexRow], most: u64| {
        for row in rows {
            if let RowClass::Source(file) = row.classify(buckets)
                && (sample.len() as u64) < most
            {
                sample.insert(file.dkey);
            }
        }
        sample.len() as u64
    };
    // All rows up to this fid are read; with `None` all that there are.
    let (mut found, mut read_to) = (0, Some(Fid(0)));
    for place in 0..=limits::SAMPLED_PLACES {
        let after = u128::from(end) * u128::from(place) / u128::from(limits::SAMPLED_PLACES);
        let after = u64::try_from(after).unwrap_or(end);
        let RowPage { rows, next, .. } = page(after).await?;
        found = add(&rows, u64::MAX);
        if read_to.is_some_and(|fid| after <= fid.0) {
            read_to = next;
        }
    }
    while let Some(after) = read_to.filter(|_| found < limits::FILES_OF_A_STORE) {
        let read = || index.page(after, limits::PAGE_ROWS);
        let RowPage { rows, next, .. } = retried(clock, after.0, read).await?;
        read_to = next;
        found = add(&rows, limits::FILES_OF_A_STORE);
    }
    Ok(sample)
}

/// What a row says of a file in a mapped bucket; [`None`] where it refers to none. A purged row may
/// have lost its content, and what an unknown status means nobody can say.
fn row_says(
    row: RepoObject,
    mapped: &BTreeMap<RowId, MogileBucket>,
    read: &mut TypesRead,
) -> Option<RowSays> {
    let in_use = match row.status {
        RepoStatus::Used => true,
        RepoStatus::Deleted => false,
        RepoStatus::Purged | RepoStatus::Unknown => return None,
    };
    let (sha1, bucket) = (row.content()?, mapped.get(&row.bucket?)?.clone());
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (kind, name) = (given(row.content_type), given(row.download_name));
    let content_type = kind.as_deref().and_then(ContentType::parse);
    let download_name = name.as_deref().and_then(DownloadName::parse);
    read.unusable_types += u64::from(kind.is_some() && content_type.is_none());
    read.unusable_names += u64::from(name.is_some() && download_name.is_none());
    let says = TypeAndName { content_type, download_name };
    Some(RowSays { of: Dkey { sha1, bucket }, in_use, says })
}
