use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ports::{Clock, ContentRepoDatabase, RepoMetadata, RepoStatus, RowId, TypesError};
use crate::retried::retried;
use crate::{BucketMap, Destination, MogileBucket, Reason, limits};

/// What contentrepo's database has for a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypesPlanned {
    /// Rows that refer to content: in use, or deleted and not purged.
    pub rows: u64,
    /// All rows: a migration reads each of them.
    pub rows_read: u64,
    /// Those of these rows that are in a mapped bucket: they are kept on the disk of the machine that reads
    /// them.
    pub rows_kept: u64,
    /// About the room that these take there, in bytes.
    pub spool_bytes: u64,
    /// contentrepo's buckets that are neither mapped nor ignored.
    pub unmapped_buckets: Vec<String>,
    /// How many of its buckets are mapped, or have their new names. Where there are none it is most likely
    /// the contentrepo of another store.
    pub buckets_of_store: u64,
    /// Objects whose fields together are more metadata than S3 takes. A stock contentrepo sends all fields
    /// with each PUT, and cannot write their like to S3.
    pub long_fields: NamedObjects,
    /// Objects of which a field has characters that are not ASCII. The same is true of them.
    pub non_ascii_fields: NamedObjects,
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
    let extent = database.extent().await.map_err(trouble)?;
    let counted = [RepoStatus::Used, RepoStatus::Deleted].map(|status| extent.rows.get(&status));
    let rows = counted.into_iter().flatten().sum();
    let names: BTreeMap<_, _> = names.into_iter().map(|bucket| (bucket.id, bucket.name)).collect();
    let mut planned = TypesPlanned {
        rows,
        rows_read: extent.rows.values().sum(),
        buckets_of_store: names.values().filter(|name| is_of_store(name, buckets)).count() as u64,
        unmapped_buckets: names
            .values()
            .filter(|name| is_unmapped(name, buckets))
            .cloned()
            .collect(),
        ..TypesPlanned::default()
    };
    let mapped = names.iter().filter(|(_, name)| is_mapped(name, buckets)).map(|(id, _)| *id);
    let mapped: BTreeSet<_> = mapped.collect();
    let mut after = RowId::START;
    loop {
        let page = retried(clock, 0, || database.metadata(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(trouble)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for row in &page {
            planned.count(row, &names, &mapped);
        }
    }
    planned.spool_bytes = planned.rows_kept * limits::SPOOL_BYTES_A_ROW;
    Ok(planned)
}

/// Whether the map names a bucket of this name, by its old name or by its new one.
pub(super) fn is_of_store(name: &str, buckets: &BucketMap) -> bool {
    buckets.pairs().any(|(old, new)| old.as_str() == name || new.as_str() == name)
}

/// Whether the map names a bucket by this, its old name: `migrate` keeps types and names of no other.
fn is_mapped(name: &str, buckets: &BucketMap) -> bool {
    buckets.pairs().any(|(old, _)| old.as_str() == name)
}

/// Whether neither setting knows this name of a bucket. A bucket that has its new name already is known.
fn is_unmapped(name: &str, buckets: &BucketMap) -> bool {
    let bucket = MogileBucket::new(name);
    let is_ignored = |it| matches!(buckets.destination(it), Destination::Ignored);
    !is_of_store(name, buckets) && !bucket.as_ref().is_some_and(is_ignored)
}

impl TypesPlanned {
    /// Counts an object that refers to content.
    fn count(
        &mut self,
        row: &RepoMetadata,
        names: &BTreeMap<RowId, String>,
        mapped: &BTreeSet<RowId>,
    ) {
        match row.status {
            RepoStatus::Used | RepoStatus::Deleted => {}
            RepoStatus::Purged | RepoStatus::Unknown => return,
        }
        if row.bucket.is_some_and(|bucket| mapped.contains(&bucket)) {
            self.rows_kept += 1;
        }
        if row.size.is_none() {
            self.without_size.add(row, names);
        }
        let fields = fields(row, names);
        let bytes: usize = fields.iter().map(|field| field.len()).sum();
        if bytes + limits::REPO_FIELD_BYTES > limits::USER_METADATA_BYTES {
            self.long_fields.add(row, names);
        }
        if !fields.iter().all(|field| field.is_ascii()) {
            self.non_ascii_fields.add(row, names);
        }
    }
}

/// The fields of an object that may have any text or any length.
fn fields<'a>(row: &'a RepoMetadata, names: &'a BTreeMap<RowId, String>) -> [&'a str; 6] {
    let RepoMetadata { key, download_name, content_type, tag, user_metadata, bucket, .. } = row;
    let bucket = bucket.and_then(|id| names.get(&id)).map_or("", String::as_str);
    let optional = [download_name, content_type, tag, user_metadata];
    let [name, kind, tag, metadata] = optional.map(|it| it.as_deref().unwrap_or_default());
    [key, bucket, name, kind, tag, metadata]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Option<String> = None;

    /// An object of bucket `repo` with key `a`: five bytes of its own.
    fn row() -> RepoMetadata {
        RepoMetadata {
            id: RowId(7),
            bucket: Some(RowId(1)),
            key: "a".to_owned(),
            size: Some(crate::ByteCount(1)),
            status: RepoStatus::Used,
            download_name: NONE,
            content_type: NONE,
            tag: NONE,
            user_metadata: NONE,
        }
    }

    /// Whether an object is counted for its length, its characters and its size.
    fn counted(row: &RepoMetadata) -> [u64; 3] {
        let names = BTreeMap::from([(RowId(1), "repo".to_owned())]);
        let mut planned = TypesPlanned::default();
        planned.count(row, &names, &BTreeSet::new());
        let TypesPlanned { long_fields, non_ascii_fields, without_size, .. } = planned;
        [long_fields, non_ascii_fields, without_size].map(|named| {
            let name = format!("{} in repo", row.key);
            assert_eq!(named.first, vec![name; usize::from(named.objects > 0)]);
            named.objects
        })
    }

    #[test]
    fn all_fields_together_have_the_length_that_s3_takes() {
        let most = limits::USER_METADATA_BYTES - limits::REPO_FIELD_BYTES - 5;
        let text = |length: usize| Some("x".repeat(length));
        for (row, expected) in [
            (RepoMetadata { user_metadata: text(most), ..row() }, 0),
            (RepoMetadata { user_metadata: text(most + 1), ..row() }, 1),
            (RepoMetadata { user_metadata: text(most), tag: text(1), ..row() }, 1),
            (RepoMetadata { user_metadata: text(most - 9), content_type: text(9), ..row() }, 0),
            (RepoMetadata { download_name: text(1_000), tag: text(200), ..row() }, 0),
            (
                RepoMetadata {
                    download_name: text(1_000),
                    tag: text(200),
                    content_type: text(200),
                    key: "k".repeat(400),
                    ..row()
                },
                1,
            ),
            (RepoMetadata { user_metadata: text(3_000), status: RepoStatus::Deleted, ..row() }, 1),
            (RepoMetadata { user_metadata: text(3_000), status: RepoStatus::Purged, ..row() }, 0),
        ] {
            assert_eq!(counted(&row), [expected, 0, 0], "{row:?}");
        }
    }

    #[test]
    fn one_character_of_any_field_is_enough() {
        let text = || Some("Z\u{fc}rich.pdf".to_owned());
        for row in [
            RepoMetadata { download_name: text(), ..row() },
            RepoMetadata { content_type: text(), ..row() },
            RepoMetadata { tag: text(), ..row() },
            RepoMetadata { user_metadata: text(), ..row() },
            RepoMetadata { key: "Z\u{fc}rich".to_owned(), ..row() },
        ] {
            assert_eq!(counted(&row), [0, 1, 0], "{row:?}");
        }
        assert_eq!(counted(&row()), [0, 0, 0]);
    }

    #[test]
    fn an_object_without_a_size_is_counted() {
        assert_eq!(counted(&RepoMetadata { size: None, ..row() }), [0, 0, 1]);
        let purged = RepoMetadata { size: None, status: RepoStatus::Purged, ..row() };
        assert_eq!(counted(&purged), [0, 0, 0]);
    }

    #[test]
    fn a_bucket_is_known_by_its_old_name_and_by_its_new_one() {
        let map = BucketMap::parse("prod:corpus-prod", "scratch").expect("good settings");
        for (name, unmapped) in [
            ("prod", false),
            ("corpus-prod", false),
            ("scratch", false),
            ("Prod", true),
            ("corpus-prod ", true),
            ("", true),
        ] {
            assert_eq!(is_unmapped(name, &map), unmapped, "`{name}`");
            assert_eq!(is_of_store(name, &map), !unmapped && name != "scratch", "`{name}`");
        }
    }

    #[test]
    fn only_rows_of_mapped_buckets_that_refer_to_content_are_kept() {
        let names = BTreeMap::from([(RowId(1), "repo".to_owned()), (RowId(2), "other".to_owned())]);
        let mapped = BTreeSet::from([RowId(1)]);
        let mut planned = TypesPlanned::default();
        for (bucket, status) in [
            (Some(RowId(1)), RepoStatus::Used),
            (Some(RowId(1)), RepoStatus::Deleted),
            (Some(RowId(1)), RepoStatus::Purged),
            (Some(RowId(2)), RepoStatus::Used),
            (None, RepoStatus::Used),
        ] {
            planned.count(&RepoMetadata { bucket, status, ..row() }, &names, &mapped);
        }
        assert_eq!(planned.rows_kept, 2);
    }
}
