//! Records of files that have no row any more: has their content another row, or does contentrepo still
//! refer to it?

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::compare::{AuditPorts, of_index};
use super::expected::{ExpectedFiles, Fingerprint};
use super::other_domains::OtherDomains;
use super::summary::RecordsWithoutRow;
use crate::ports::{ContentRepoDatabase, DatabaseError, IndexError, RepoStatus, RowId};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{BucketMap, Fid, MogileBucket, ObjectAddress, ObjectKey, S3Bucket, Sha1, limits};

/// A record of a fid without a row.
#[derive(Debug, Clone)]
pub(super) struct RecordWithoutRow {
    pub(super) bucket: S3Bucket,
    pub(super) sha1: Sha1,
    /// Nothing names its content, as far as was asked.
    pub(super) is_withdrawn: bool,
}

/// An object of a withdrawn record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawnObject {
    /// The lowest number under which MogileFS had it.
    pub fid: Fid,
    /// The SHA-1 of its content.
    pub sha1: Sha1,
}

/// The contents that the rows of the index name.
#[derive(Clone, Copy)]
pub(super) struct NamedContents<'a> {
    /// Those of files that must be in S3.
    pub(super) expected: &'a ExpectedFiles,
    /// Those of other rows.
    pub(super) also: &'a BTreeSet<Fingerprint>,
    /// Those of rows of other domains.
    pub(super) others: &'a OtherDomains,
    /// The last row that was read.
    pub(super) last_row: Fid,
}

impl RecordWithoutRow {
    pub(super) const fn new(bucket: S3Bucket, sha1: Sha1) -> Self {
        Self { bucket, sha1, is_withdrawn: false }
    }

    /// Where its content belongs.
    pub(super) fn address(&self) -> ObjectAddress {
        let key = ObjectKey::of_content(&self.sha1);
        ObjectAddress { bucket: self.bucket.clone(), key }
    }
}

/// Such records whose rows are asked for once more. They are those of the highest fids: a file that was
/// ingested and migrated since the index was read has one above all others.
const LOOKED_AT_AGAIN: usize = 1_000;

/// Such records that are judged by their content. An index that lacks more is of another store.
pub(super) const JUDGED: usize = 200_000;

/// Judges these records. Those that have a row now are taken out.
pub(super) async fn judge(
    records: &mut BTreeMap<Fid, RecordWithoutRow>,
    found: &mut RecordsWithoutRow,
    named: NamedContents<'_>,
    ports: &AuditPorts<'_>,
    buckets: &BucketMap,
) -> Result<(), Stopped> {
    let mut named_since = BTreeSet::new();
    for fid in ingested_since(records, ports).await? {
        found.ingested_since += 1;
        // The row that it has now names its content, also for records of other fids.
        let record = records.remove(&fid);
        named_since.extend(record.map(|it| Fingerprint::of(&it.bucket, &it.sha1)));
    }
    let mut open: BTreeMap<Fingerprint, Vec<Fid>> = BTreeMap::new();
    for (fid, RecordWithoutRow { bucket, sha1, .. }) in &*records {
        open.entry(Fingerprint::of(bucket, sha1)).or_default().push(*fid);
    }
    if !open.is_empty() {
        let expected = named.expected.iter().map(|(_, print)| print);
        let others = named.also.iter().chain(&named_since).copied();
        for print in expected.chain(others) {
            let fids = open.remove(&print);
            found.content_of_another_row += fids.map_or(0, |fids| fids.len() as u64);
        }
    }
    open.retain(|_, fids| {
        let is_named = is_of_another_domain(fids, records, named.others);
        found.content_of_another_domain += if is_named { fids.len() as u64 } else { 0 };
        !is_named && take_mapped(fids, records, found, buckets)
    });
    let mut referenced = BTreeSet::new();
    if let Some(database) = ports.content_repo.filter(|_| !open.is_empty()) {
        match read_references(database, ports, buckets, &open).await {
            Ok(read) => referenced = read,
            Err(error) => found.content_repo_unread = Some(error.to_string()),
        }
    }
    if !open.is_empty() {
        found.has_rows_since = has_rows_behind(named.last_row, ports).await?;
    }
    found.content_repo_asked = ports.content_repo.is_some() && found.content_repo_unread.is_none();
    for (print, fids) in open {
        let is_referenced = referenced.contains(&print);
        for fid in fids {
            let Some(record) = records.get_mut(&fid) else { continue };
            record.is_withdrawn = !is_referenced && found.content_repo_asked;
            let sample = if is_referenced { &mut found.referenced } else { &mut found.withdrawn };
            sample.add(fid, record.address());
        }
    }
    Ok(())
}

/// Whether a row of another domain has the content of these records, in whatever bucket. All records have
/// one content.
fn is_of_another_domain(
    fids: &[Fid],
    records: &BTreeMap<Fid, RecordWithoutRow>,
    others: &OtherDomains,
) -> bool {
    fids.iter().filter_map(|fid| records.get(fid)).any(|record| others.has_content(&record.sha1))
}

/// Keeps the records whose bucket BUCKETS names. Rows of another setting may name the content of the
/// others, so these are counted apart. False where none is left. All records have one bucket.
fn take_mapped(
    fids: &[Fid],
    records: &BTreeMap<Fid, RecordWithoutRow>,
    found: &mut RecordsWithoutRow,
    buckets: &BucketMap,
) -> bool {
    let all = fids.iter().filter_map(|fid| Some((*fid, records.get(fid)?)));
    let mut is_mapped = true;
    for (fid, record) in all {
        if buckets.pairs().all(|(_, bucket)| *bucket != record.bucket) {
            found.unmapped.add(fid, record.address());
            is_mapped = false;
        }
    }
    is_mapped
}

/// Whether the index has rows behind the last one that was read, whatever their domain is.
async fn has_rows_behind(
    last: Fid,
    AuditPorts { index, clock, .. }: &AuditPorts<'_>,
) -> Result<bool, Stopped> {
    let mut next = Some(last);
    while let Some(after) = next {
        let page = retried(*clock, after.0, || index.page(after, 1)).await;
        let page = page.map_err(|error| of_index(&error))?;
        if !page.rows.is_empty() || !page.unreadable.is_empty() || page.other_domains > 0 {
            return Ok(true);
        }
        next = page.next;
    }
    Ok(false)
}

/// The fids that have a row now.
async fn ingested_since(
    records: &BTreeMap<Fid, RecordWithoutRow>,
    AuditPorts { index, clock, .. }: &AuditPorts<'_>,
) -> Result<Vec<Fid>, Stopped> {
    let highest: Vec<_> = records.keys().rev().take(LOOKED_AT_AGAIN).copied().collect();
    let looks = stream::iter(highest)
        .map(async |fid| (fid, retried(*clock, fid.0, || index.row(fid)).await));
    let mut looks = looks.buffered(limits::LOOKUPS_AT_ONCE);
    let mut fids = Vec::new();
    while let Some((fid, row)) = looks.next().await {
        match row {
            Ok(Some(_)) | Err(IndexError::UnreadableRow { .. }) => fids.push(fid),
            Ok(None) => {}
            Err(error) => return Err(of_index(&error)),
        }
    }
    Ok(fids)
}

/// Which of these contents contentrepo refers to. A row of a purged object refers to none; one of an
/// unknown status may.
async fn read_references(
    database: &dyn ContentRepoDatabase,
    AuditPorts { clock, .. }: &AuditPorts<'_>,
    buckets: &BucketMap,
    wanted: &BTreeMap<Fingerprint, Vec<Fid>>,
) -> Result<BTreeSet<Fingerprint>, DatabaseError> {
    let named = retried(*clock, 0, || database.buckets()).await?;
    let named: BTreeMap<RowId, S3Bucket> = named
        .into_iter()
        .filter_map(|bucket| Some((bucket.id, s3_bucket(&bucket.name, buckets)?)))
        .collect();
    let (mut referenced, mut after) = (BTreeSet::new(), RowId::START);
    loop {
        let page = retried(*clock, 0, || database.objects(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { return Ok(referenced) };
        after = last.id;
        for row in page.iter().filter(|row| row.status != RepoStatus::Purged) {
            let bucket = row.bucket.and_then(|id| named.get(&id));
            let Some((bucket, sha1)) = bucket.zip(row.content()) else { continue };
            let print = Fingerprint::of(bucket, &sha1);
            if wanted.contains_key(&print) {
                referenced.insert(print);
            }
        }
    }
}

/// The S3 bucket of a bucket of contentrepo, which has its old name before the cut-over and its new one
/// behind it.
fn s3_bucket(name: &str, buckets: &BucketMap) -> Option<S3Bucket> {
    let is_of =
        |(old, new): &(&MogileBucket, &S3Bucket)| old.as_str() == name || new.as_str() == name;
    buckets.pairs().find(is_of).map(|(_, new)| new.clone())
}
