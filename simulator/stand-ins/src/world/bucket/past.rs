//! What was there before: objects that no request of the run wrote.

use bytes::Bytes;

use super::{Attributes, Content, Object, S3World, StoreError, StoredChecksum};

impl S3World {
    /// Puts any object there as it is, whatever was there: the past, and other people's doings.
    pub fn plant(&self, bucket: &str, key: &str, object: Object) -> Result<(), StoreError> {
        self.locked(|state| {
            let versioned = state.options.versioned;
            state.bucket(bucket)?.replace(key, object, versioned);
            Ok(())
        })
    }

    /// Plants content without a checksum, as uploads of former times left it.
    pub fn plant_plain(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
    ) -> Result<(), StoreError> {
        let object = Object::new(Content::of(bytes), Attributes::default(), self.now());
        self.plant(bucket, key, object)
    }

    /// Plants content beside the SHA-1 of other content, as a disk that went bad later leaves it: a HEAD
    /// and a listing show nothing of it.
    pub fn plant_lying(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        claimed: impl Into<Bytes>,
    ) -> Result<(), StoreError> {
        let mut object = Object::new(Content::of(bytes), Attributes::default(), self.now());
        object.checksum = Some(StoredChecksum::sha1_of(&Content::of(claimed)));
        self.plant(bucket, key, object)
    }

    /// Plants content as a multipart upload of so many parts leaves it: a composite SHA-1, and an
    /// entity tag that is no MD5. Content with fewer bytes has fewer parts.
    pub fn plant_multipart(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        parts: u32,
    ) -> Result<(), StoreError> {
        let bytes = bytes.into();
        let part_bytes = bytes.len().div_ceil(parts.max(1) as usize).max(1);
        let starts = (0..bytes.len().max(1)).step_by(part_bytes);
        let part = |start| bytes.slice(start..bytes.len().min(start + part_bytes));
        let parts: Vec<Content> = starts.map(|start| Content::of(part(start))).collect();
        let object = Object::of_parts(&parts, Attributes::default(), self.now());
        self.plant(bucket, key, object)
    }
}
