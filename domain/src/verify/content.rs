//! Reads an object's bytes and hashes them.

use futures_util::TryStreamExt;

use crate::ports::{ObjectStore, StoreError};
use crate::{ContentDigests, ContentHasher, ETag, ObjectAddress};

/// Reads the object with this `ETag` to its end. Errors with [`StoreError::Occupied`] where another
/// object is there.
pub(crate) async fn read_whole(
    objects: &dyn ObjectStore,
    at: &ObjectAddress,
    etag: &ETag,
) -> Result<ContentDigests, StoreError> {
    hashed(objects, at, etag, ContentHasher::default()).await
}

/// Reads the object as [`read_whole`] does, and hashes it by this hasher.
pub(super) async fn hashed(
    objects: &dyn ObjectStore,
    at: &ObjectAddress,
    etag: &ETag,
    mut hasher: ContentHasher,
) -> Result<ContentDigests, StoreError> {
    let mut bytes = objects.read(at, etag).await?;
    while let Some(chunk) = bytes.try_next().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finish())
}
