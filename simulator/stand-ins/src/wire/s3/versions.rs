//! The listing of all versions and delete markers below a prefix, in one page.

use s3s::S3Result;
use s3s::dto::{
    DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
};

use super::translate::refuse_option;
use crate::world::bucket::{S3World, Version};

/// S3's own limit of a page (Amazon S3 API reference, `ListObjectVersions`).
const PAGE: usize = 1000;

pub(super) fn list_object_versions(
    world: &S3World,
    input: ListObjectVersionsInput,
) -> S3Result<ListObjectVersionsOutput> {
    refuse_option(input.delimiter.is_some(), "delimiter of versions")?;
    refuse_option(input.key_marker.is_some(), "key-marker of versions")?;
    refuse_option(input.max_keys.is_some(), "max-keys of versions")?;
    let prefix = input.prefix.unwrap_or_default();
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for (key, all) in world.versions(&input.bucket)? {
        if !key.starts_with(&prefix) {
            continue;
        }
        let newest = all.len() - 1;
        for (at, version) in all.iter().enumerate() {
            let (key, id) = (Some(key.clone()), Some(version.id().to_owned()));
            let is_latest = Some(at == newest);
            match version {
                Version::Object(_) => versions.push(ObjectVersion {
                    key,
                    version_id: id,
                    is_latest,
                    ..ObjectVersion::default()
                }),
                Version::DeleteMarker(_) => markers.push(DeleteMarkerEntry {
                    key,
                    version_id: id,
                    is_latest,
                    ..DeleteMarkerEntry::default()
                }),
            }
        }
    }
    refuse_option(versions.len() + markers.len() > PAGE, "a second page of versions")?;
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(prefix),
        is_truncated: Some(false),
        versions: Some(versions),
        delete_markers: Some(markers),
        ..ListObjectVersionsOutput::default()
    })
}
