use std::collections::BTreeMap;

use serde::Serialize;

use crate::ports::{Clock, ContentRepoDatabase, RepoMetadata, RepoStatus, RowId, TypesError};
use crate::retried::retried;
use crate::{BucketMap, Destination, MogileBucket, Reason, limits};

/// What contentrepo's database has for a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypesPlanned {
    /// Rows that refer to content: in use, or deleted and not purged.
    pub rows: u64,
    /// The most room that they take on the disk of the machine that reads them, in bytes.
    pub spool_bytes: u64,
    /// contentrepo's buckets that are neither mapped nor ignored.
    pub unmapped_buckets: Vec<String>,
    /// Objects with more user metadata than S3 takes. A stock contentrepo cannot write their like to S3.
    pub long_metadata: NamedObjects,
    /// Objects whose user metadata has characters that are not ASCII. The same is true of them.
    pub non_ascii_metadata: NamedObjects,
    /// Objects without a size that can be believed: 2 GiB and more, to which the column cuts larger
    /// ones, or none.
    pub without_size: NamedObjects,
}

/// Some objects of contentrepo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NamedObjects {
    /// How many.
    pub objects: u64,
    /// The first ones, as `key in bucket`.
    pub first: Vec<String>,
}

impl NamedObjects {
    fn add(&mut self, row: &RepoMetadata, names: &BTreeMap<RowId, String>) {
        self.objects += 1;
        if self.first.len() < limits::FIDS_NAMED {
            let bucket = row.bucket.and_then(|id| names.get(&id));
            let bucket = bucket.map_or("no bucket", String::as_str);
            self.first.push(format!("{} in {bucket}", row.key));
        }
    }
}

/// Counts what contentrepo's database has. It reads every row once.
pub async fn plan_types(
    database: &dyn ContentRepoDatabase,
    clock: &dyn Clock,
    buckets: &BucketMap,
) -> Result<TypesPlanned, Reason> {
    let trouble = |error| Reason::from(&TypesError::Database(error));
    let names = retried(clock, 0, || database.buckets()).await.map_err(trouble)?;
    let extent = retried(clock, 0, || database.extent()).await.map_err(trouble)?;
    let counted = [RepoStatus::Used, RepoStatus::Deleted].map(|status| extent.rows.get(&status));
    let rows = counted.into_iter().flatten().sum();
    let is_unmapped = |name: &String| {
        let bucket = MogileBucket::new(name);
        bucket.is_none_or(|it| matches!(buckets.destination(&it), Destination::Unmapped))
    };
    let names: BTreeMap<_, _> = names.into_iter().map(|bucket| (bucket.id, bucket.name)).collect();
    let mut planned = TypesPlanned {
        rows,
        spool_bytes: rows * limits::SPOOL_BYTES_A_ROW,
        unmapped_buckets: names.values().filter(|name| is_unmapped(name)).cloned().collect(),
        ..TypesPlanned::default()
    };
    let mut after = RowId::START;
    loop {
        let page = retried(clock, 0, || database.metadata(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(trouble)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for row in &page {
            planned.count(row, &names);
        }
    }
    Ok(planned)
}

impl TypesPlanned {
    /// Counts an object that refers to content.
    fn count(&mut self, row: &RepoMetadata, names: &BTreeMap<RowId, String>) {
        match row.status {
            RepoStatus::Used | RepoStatus::Deleted => {}
            RepoStatus::Purged | RepoStatus::Unknown => return,
        }
        if row.size.is_none() {
            self.without_size.add(row, names);
        }
        let metadata = row.user_metadata.as_deref().unwrap_or_default();
        if metadata.len() > limits::USER_METADATA_BYTES {
            self.long_metadata.add(row, names);
        }
        if !metadata.is_ascii() {
            self.non_ascii_metadata.add(row, names);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The length of the metadata and its last character; whether there is a size; the status.
    #[test]
    fn objects_that_s3_would_refuse_are_counted_and_named() {
        let names = BTreeMap::from([(RowId(1), "repo".to_owned())]);
        let said = |length: usize, last: &str, has_size: bool, status| {
            let mut planned = TypesPlanned::default();
            let row = RepoMetadata {
                id: RowId(7),
                bucket: Some(RowId(1)),
                key: "a".to_owned(),
                size: has_size.then_some(crate::ByteCount(1)),
                status,
                user_metadata: Some("x".repeat(length) + last),
            };
            planned.count(&row, &names);
            let TypesPlanned { long_metadata, non_ascii_metadata, without_size, .. } = planned;
            [long_metadata, non_ascii_metadata, without_size].map(|named| {
                assert_eq!(named.first, vec!["a in repo"; usize::from(named.objects > 0)]);
                named.objects
            })
        };
        for (row, expected) in [
            ((2_048, "", true, RepoStatus::Used), [0, 0, 0]),
            ((2_048, "x", true, RepoStatus::Used), [1, 0, 0]),
            ((2_048, "x", true, RepoStatus::Deleted), [1, 0, 0]),
            ((2_048, "x", false, RepoStatus::Purged), [0, 0, 0]),
            // Two bytes in UTF-8.
            ((2_046, "\u{e4}", true, RepoStatus::Used), [0, 1, 0]),
            ((2_047, "\u{e4}", true, RepoStatus::Used), [1, 1, 0]),
            ((0, "", false, RepoStatus::Used), [0, 0, 1]),
        ] {
            let (length, last, has_size, status) = row;
            assert_eq!(said(length, last, has_size, status), expected, "{row:?}");
        }
    }
}
