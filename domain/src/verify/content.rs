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
    let mut bytes = objects.read(at, etag).await?;
    let mut hasher = ContentHasher::default();
    while let Some(chunk) = bytes.try_next().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finish())
}
