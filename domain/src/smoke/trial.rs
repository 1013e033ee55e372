//! The trial of a second contentrepo, whose database must be a scratch database.

use std::collections::BTreeSet;

use super::contents::row;
use super::ingest::IngestPlan;
use super::step::{self, SmokePorts};
use super::summary::{SmokeFault, SmokeSummary};
use crate::ports::{
    ContentRepoDatabase, DatabaseError, RepoObject, RepoStatus, RepoVersion, RowId,
};
use crate::retried::retried;
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::{BucketMap, limits};

/// Tries a second contentrepo, whose database is a scratch database with the new names of the buckets: what it
/// runs on, and a write into each bucket. Nothing is written where its database may be the real one: where it
/// has a bucket by its old name, or a row of today's contentrepo, or where neither can be seen.
///
/// Errors only where the journal does not take the entry before a write.
pub async fn trial(
    ports: SmokePorts<'_>,
    buckets: &BucketMap,
    plan: IngestPlan,
    writer: &mut JournalWriter,
    summary: &mut SmokeSummary,
) -> Result<(), JournalTrouble> {
    step::look_at_nodes(ports, summary).await;
    look_at_names(ports, buckets, summary).await;
    if !summary.differs() && summary.unlooked.is_empty() {
        look_at_rows(ports, buckets, summary).await;
    }
    if summary.differs() || !summary.unlooked.is_empty() {
        summary.not_written("what stands above is to be mended first");
        return Ok(());
    }
    step::smoke_write(ports, buckets, plan, writer, summary).await
}

/// Compares the names of the buckets with the map.
async fn look_at_names(ports: SmokePorts<'_>, buckets: &BucketMap, summary: &mut SmokeSummary) {
    for node in ports.nodes {
        let names = match retried(ports.clock, 0, || node.buckets()).await {
            Ok(names) => names.into_iter().collect::<BTreeSet<_>>(),
            Err(error) => {
                summary.miss(node.url(), error);
                continue;
            }
        };
        for (old, new) in buckets.pairs() {
            if old.as_str() != new.as_str() && names.contains(old.as_str()) {
                let why = format!("it has the bucket `{old}`, as the contentrepo of today has");
                summary.find(SmokeFault::NotScratch, node.url(), why);
            }
            if !names.contains(new.as_str()) {
                let why = format!("{} has no such bucket", node.url());
                summary.find(SmokeFault::NoBucket, format!("bucket `{new}`"), why);
            }
        }
    }
}

/// What cannot be seen.
const DATABASE: &str = "whether the database of the second contentrepo is a scratch database";

/// Asks each node for rows of today's contentrepo. A scratch database has none of them.
async fn look_at_rows(ports: SmokePorts<'_>, buckets: &BucketMap, summary: &mut SmokeSummary) {
    // Names that differ show already that it is another database than today's.
    let has_own_names = buckets.pairs().any(|(old, new)| old.as_str() != new.as_str());
    let Some(content_repo) = ports.content_repo else {
        if !has_own_names {
            let why = "every bucket of BUCKETS keeps its name, and CONTENTREPO_DATABASE_URL is not set, so neither \
                       names nor rows show it: set it to the database of today's contentrepo";
            summary.miss(DATABASE, why);
        }
        return;
    };
    let rows = match rows_in_use(content_repo, ports, buckets).await {
        Ok(rows) => rows,
        Err(error) => return summary.miss(DATABASE, error),
    };
    if rows.is_empty() && !has_own_names {
        let why = "every bucket of BUCKETS keeps its name, and the database of CONTENTREPO_DATABASE_URL has no row in \
                   use of these buckets, so neither names nor rows show it: set it to the database of today's \
                   contentrepo";
        summary.miss(DATABASE, why);
    }
    for node in ports.nodes {
        for (bucket, object) in &rows {
            let uuid = Some(object.uuid.clone());
            let version = RepoVersion { bucket: bucket.clone(), key: object.key.clone(), uuid };
            match retried(ports.clock, 0, || node.has(&version)).await {
                Ok(false) => {}
                Ok(true) => {
                    let why =
                        format!("it has {}, as the contentrepo of today has", row(bucket, object));
                    return summary.find(SmokeFault::NotScratch, node.url(), why);
                }
                Err(error) => return summary.miss(DATABASE, error),
            }
        }
    }
}

/// The first rows in use of mapped buckets, each with the name of its bucket.
async fn rows_in_use(
    content_repo: &dyn ContentRepoDatabase,
    ports: SmokePorts<'_>,
    map: &BucketMap,
) -> Result<Vec<(String, RepoObject)>, DatabaseError> {
    let buckets = retried(ports.clock, 0, || content_repo.buckets()).await?;
    let name = |object: &RepoObject| {
        let bucket = buckets.iter().find(|bucket| Some(bucket.id) == object.bucket)?;
        let is_mapped = map
            .pairs()
            .any(|(old, new)| old.as_str() == bucket.name || new.as_str() == bucket.name);
        (is_mapped && object.status == RepoStatus::Used).then(|| bucket.name.clone())
    };
    let (mut rows, mut after) = (Vec::new(), RowId::START);
    loop {
        let page =
            retried(ports.clock, 0, || content_repo.objects(after, limits::PAGE_ROWS)).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = super::names::going_on(after, last.id, "objects")?;
        for object in page {
            let Some(bucket) = name(&object) else { continue };
            rows.push((bucket, object));
            if rows.len() == limits::SCRATCH_ROWS {
                return Ok(rows);
            }
        }
    }
}
