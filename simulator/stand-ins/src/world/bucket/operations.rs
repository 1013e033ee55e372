//! The operations on whole objects.

use super::object::{Object, copied_checksum};
use super::{
    Action, Condition, CopyRequest, DeleteMarker, ListPage, ListRequest, PutRequest, S3World,
    StoreError, StoredChecksum, listing,
};

impl S3World {
    /// Writes an object and gives it back as answers show it. A refused write changes nothing.
    pub fn put(&self, bucket: &str, key: &str, put: PutRequest) -> Result<Object, StoreError> {
        if put.content.len() > self.single_request_limit_bytes() {
            return Err(StoreError::EntityTooLarge);
        }
        if put.expected_md5.is_some_and(|md5| md5 != put.content.md5())
            || put.expected_sha1.is_some_and(|sha1| sha1 != put.content.sha1())
        {
            return Err(StoreError::BadDigest);
        }
        put.attributes.check()?;
        let mut object = Object::new(put.content, put.attributes, self.now());
        object.checksum = match put.expected_sha1 {
            Some(_) => Some(StoredChecksum::sha1_of(&object.content)),
            None => put.other_checksum,
        };
        self.locked(|state| state.store(bucket, key, &put.condition, object))
    }

    /// Copies an object and gives the copy back as answers show it. A refused copy changes nothing.
    pub fn copy(&self, bucket: &str, key: &str, copy: CopyRequest) -> Result<Object, StoreError> {
        let last_modified = self.now();
        self.locked(|state| {
            let source = state.readable(&copy.source_bucket, &copy.source_key)?;
            copy.source_condition.check(Some(source))?;
            if source.content.len() > state.options.single_request_limit_bytes {
                return Err(StoreError::CopySourceTooLarge);
            }
            let changes = copy.compute_sha1 || copy.replace_attributes.is_some();
            if !changes && (bucket, key) == (&*copy.source_bucket, &*copy.source_key) {
                return Err(StoreError::CopyOntoItself);
            }
            let attributes = copy.replace_attributes.unwrap_or_else(|| source.attributes.clone());
            attributes.check()?;
            let mut object = Object::new(source.content.clone(), attributes, last_modified);
            object.checksum = copied_checksum(source, copy.compute_sha1);
            state.store(bucket, key, &copy.condition, object)
        })
    }

    /// The object at a key, as answers show it. It is a snapshot: take a range of its bytes as you
    /// like.
    pub fn get(
        &self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<Object, StoreError> {
        self.locked(|state| {
            let object = state.readable(bucket, key)?;
            condition.check(Some(object))?;
            Ok(state.options.shown(object.clone()))
        })
    }

    /// Deletes an object, and tells the marker that it left in a versioned bucket. A missing object
    /// is deleted already, unless the condition asks for it.
    pub fn delete(
        &self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<Option<DeleteMarker>, StoreError> {
        self.locked(|state| state.delete(bucket, key, condition))
    }

    /// Moves an object to `DEEP_ARCHIVE`, as a lifecycle rule does: listings tell it. Whether it was
    /// there.
    pub fn archive(&self, bucket: &str, key: &str) -> bool {
        self.locked(|state| {
            let object = state.bucket(bucket).ok().and_then(|it| it.current.get_mut(key));
            object.map(|object| object.is_archived = true).is_some()
        })
    }

    /// One page of a bucket's keys.
    pub fn list(&self, bucket: &str, request: &ListRequest) -> Result<ListPage, StoreError> {
        self.locked(|state| {
            state.bucket(bucket)?;
            state.options.allow(Action::ListBucket, &request.prefix)?;
            let mut page = listing::page(&state.bucket(bucket)?.current, request)?;
            for (_, object) in &mut page.objects {
                object.checksum = state.options.shown_checksum(object.checksum.take());
            }
            Ok(page)
        })
    }

    /// Deletes one version of a key, or one marker, for good. A missing one is deleted already.
    pub fn delete_version(&self, bucket: &str, key: &str, id: &str) -> Result<(), StoreError> {
        self.locked(|state| {
            state.bucket(bucket)?;
            state.options.allow(Action::DeleteObject, key)?;
            state.bucket(bucket)?.remove_version(key, id);
            Ok(())
        })
    }
}
