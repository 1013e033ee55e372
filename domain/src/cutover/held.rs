//! What contentrepo and rhino have in each of their buckets.

use std::collections::{BTreeMap, BTreeSet};

use super::read_state::{FreezePorts, patiently};
use super::smoke_rows::SmokeRows;
use crate::ports::{ContentRepoDatabase, DatabaseError, RepoBucket, RepoStatus, RowId};
use crate::{BucketMap, RepoBucketName, limits};

/// What both clients have, by bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientsHeld {
    /// contentrepo's buckets.
    pub buckets: Vec<RepoBucket>,
    /// contentrepo's objects that refer to content, by the id of their bucket; [`None`] where there is no such
    /// bucket.
    pub objects: BTreeMap<Option<RowId>, HeldObjects>,
    /// rhino's files by the name of their bucket.
    pub files: BTreeMap<Option<String>, u64>,
}

/// Objects of one bucket. Purged ones refer to no content and are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldObjects {
    /// Their number.
    pub objects: u64,
    /// The sizes of those whose size is known.
    pub bytes: u64,
    /// The number of those whose size is not known.
    pub of_unknown_size: u64,
}

/// A bucket that is ignored though a client has content in it. contentrepo has one store: behind the cut-over
/// that content cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// Its name.
    pub bucket: String,
    /// contentrepo's objects.
    pub held: HeldObjects,
    /// rhino's files.
    pub files: u64,
}

/// A bucket that is neither mapped nor ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmappedBucket {
    /// Its name.
    pub bucket: String,
    /// Whether contentrepo has a bucket of this name.
    pub is_in_contentrepo: bool,
    /// rhino's files.
    pub files: u64,
}

/// Reads every row of contentrepo's `objects`, and counts rhino's rows. Memory holds one page. `progress` gets
/// the number of objects from time to time.
pub async fn read_held(
    ports: &FreezePorts,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<ClientsHeld, DatabaseError> {
    let FreezePorts { content_repo, rhino, clock, .. } = ports;
    let buckets = patiently(&**clock, 0, || content_repo.buckets()).await?;
    let known: BTreeSet<_> = buckets.iter().map(|bucket| bucket.id).collect();
    let mut objects: BTreeMap<Option<RowId>, HeldObjects> = BTreeMap::new();
    let (mut after, mut read, mut pages) = (RowId::START, 0, 0_u64);
    loop {
        let page = || content_repo.objects(after, limits::PAGE_ROWS);
        let page = patiently(&**clock, 0, page).await?;
        let Some(last) = page.last() else { break };
        if last.id <= after {
            return Err(turned_back(after));
        }
        after = last.id;
        read += page.len() as u64;
        for object in page.iter().filter(|object| object.status != RepoStatus::Purged) {
            // Ids of buckets that are not there are as many as rows in the worst case.
            let bucket = object.bucket.filter(|id| known.contains(id));
            let held = objects.entry(bucket).or_default();
            held.objects += 1;
            match object.size {
                Some(size) => held.bytes = held.bytes.saturating_add(size.0),
                None => held.of_unknown_size += 1,
            }
        }
        pages += 1;
        if pages.is_multiple_of(PAGES_A_REPORT) {
            progress(read);
        }
    }
    let files = rhino.rows_by_bucket().await?;
    Ok(ClientsHeld { buckets, objects, files })
}

const PAGES_A_REPORT: u64 = 500;

fn turned_back(after: RowId) -> DatabaseError {
    let why = format!("the page behind id {after} of `objects` does not go on");
    DatabaseError::BadAnswer { at: "contentrepo".to_owned(), why }
}

/// An object that contentrepo got behind a cut-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// The name of its bucket; [`None`] where it has none.
    pub bucket: Option<String>,
    /// contentrepo's row.
    pub object: crate::ports::RepoObject,
}

/// Passes each object with a higher row id than `after` to `each`, ascending, except the purged ones and those
/// of `smoke`. Returns their number.
pub async fn read_ingested(
    content_repo: &dyn ContentRepoDatabase,
    clock: &dyn crate::ports::Clock,
    mut after: RowId,
    smoke: &SmokeRows,
    each: &mut (dyn FnMut(Ingested) + Send),
) -> Result<u64, DatabaseError> {
    let buckets = patiently(clock, 0, || content_repo.buckets()).await?;
    let name = |id: Option<RowId>| {
        buckets.iter().find(|bucket| Some(bucket.id) == id).map(|bucket| bucket.name.clone())
    };
    let mut objects = 0;
    loop {
        let page = patiently(clock, 0, || content_repo.objects(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { return Ok(objects) };
        if last.id <= after {
            return Err(turned_back(after));
        }
        after = last.id;
        for object in page.into_iter().filter(|object| object.status != RepoStatus::Purged) {
            let bucket = name(object.bucket);
            if bucket.as_ref().is_some_and(|bucket| smoke.wrote(bucket, &object.key)) {
                continue;
            }
            objects += 1;
            each(Ingested { bucket, object });
        }
    }
}

impl ClientsHeld {
    /// Ignored buckets with content, by name.
    #[must_use]
    pub fn left_behind(&self, map: &BucketMap) -> Vec<LeftBehind> {
        let is_ignored = |name: &str| map.repo_bucket(name) == RepoBucketName::Ignored;
        let mut left: BTreeMap<&str, LeftBehind> = BTreeMap::new();
        let new = |name: &str| LeftBehind {
            bucket: name.to_owned(),
            held: HeldObjects::default(),
            files: 0,
        };
        for bucket in self.buckets.iter().filter(|bucket| is_ignored(&bucket.name)) {
            if let Some(held) = self.objects.get(&Some(bucket.id)) {
                left.entry(&bucket.name).or_insert_with(|| new(&bucket.name)).held = *held;
            }
        }
        for (name, files) in &self.files {
            if let Some(name) = name.as_deref().filter(|name| is_ignored(name)) {
                left.entry(name).or_insert_with(|| new(name)).files = *files;
            }
        }
        left.into_values().collect()
    }

    /// Buckets that the map does not know, by name.
    #[must_use]
    pub fn unmapped(&self, map: &BucketMap) -> Vec<UnmappedBucket> {
        let is_unmapped = |name: &str| map.repo_bucket(name) == RepoBucketName::Unmapped;
        let mut all: BTreeMap<&str, UnmappedBucket> = BTreeMap::new();
        let new = |name: &str| UnmappedBucket {
            bucket: name.to_owned(),
            is_in_contentrepo: false,
            files: 0,
        };
        for bucket in self.buckets.iter().filter(|bucket| is_unmapped(&bucket.name)) {
            let entry = all.entry(&bucket.name).or_insert_with(|| new(&bucket.name));
            entry.is_in_contentrepo = true;
        }
        for (name, files) in &self.files {
            if let Some(name) = name.as_deref().filter(|name| is_unmapped(name)) {
                all.entry(name).or_insert_with(|| new(name)).files = *files;
            }
        }
        all.into_values().collect()
    }

    /// Objects that are in no bucket: their column is NULL, or no bucket has the id.
    #[must_use]
    pub fn nameless_objects(&self) -> u64 {
        self.objects.get(&None).map_or(0, |held| held.objects)
    }
}
