//! The operations of multipart uploads. An upload that is refused its end is still there: only its
//! success or an abort takes it away.

use data_encoding::HEXLOWER;

use super::state::State;
use super::{
    Action, CompleteRequest, MAX_PART_NUMBER, Object, Part, PartRequest, S3Options, S3World,
    StoreError, StoredChecksum, Upload, UploadId, UploadRequest,
};

impl S3World {
    /// Begins an upload.
    pub fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        request: UploadRequest,
    ) -> Result<UploadId, StoreError> {
        request.attributes.check()?;
        let upload = Upload::new(key, request, self.now());
        self.locked(|state| {
            state.bucket(bucket)?;
            state.options.allow(Action::PutObject, key)?;
            let id = UploadId(format!("upload-{:08}", state.next_number()));
            state.bucket(bucket)?.uploads.insert(id.clone(), upload);
            Ok(id)
        })
    }

    /// Takes one part of an upload and gives it back as answers show it. One of the same number is
    /// replaced; a refused part changes nothing.
    pub fn upload_part(
        &self,
        bucket: &str,
        key: &str,
        id: &UploadId,
        request: PartRequest,
    ) -> Result<Part, StoreError> {
        if !(1..=MAX_PART_NUMBER).contains(&request.number) {
            return Err(StoreError::InvalidPartNumber);
        }
        if request.content.len() > S3Options::SINGLE_REQUEST_LIMIT_BYTES {
            return Err(StoreError::EntityTooLarge);
        }
        let is_its_sha1 = StoredChecksum::sha1_of(&request.content);
        let last_modified = self.now();
        self.locked(|state| {
            allowed_upload(state, Action::PutObject, bucket, key, id)?.check_algorithm(&request)?;
            if request.expected_md5.is_some_and(|md5| md5 != request.content.md5())
                || request.checksum.as_ref().is_some_and(|checksum| *checksum != is_its_sha1)
            {
                return Err(StoreError::BadDigest);
            }
            let encryption = state.encryption(bucket)?;
            let etag = state.entity_tag(HEXLOWER.encode(&request.content.md5()), encryption);
            let PartRequest { number, content, checksum, .. } = request;
            let part = Part { content, etag, checksum, last_modified };
            let upload = upload(state, bucket, key, id)?;
            upload.arrivals += 1;
            upload.parts.insert(number, part.clone());
            Ok(shown(part, &state.options))
        })
    }

    /// Makes an object of the parts, gives it back as answers show it, and ends the upload.
    pub fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &UploadId,
        request: &CompleteRequest,
    ) -> Result<Object, StoreError> {
        loop {
            let (upload_then, minimum_part_bytes) = self.locked(|state| {
                let minimum_part_bytes = state.options.minimum_part_bytes;
                let upload = allowed_upload(state, Action::PutObject, bucket, key, id)?;
                Ok((upload.clone(), minimum_part_bytes))
            })?;
            // Without the lock: this hashes the whole content.
            let object = completed(&upload_then, request, minimum_part_bytes)?;
            let stored = self.locked(|state| {
                let upload = allowed_upload(state, Action::PutObject, bucket, key, id)?;
                if upload.arrivals != upload_then.arrivals {
                    return Ok(None);
                }
                let stored = state.store(bucket, key, &request.condition, object)?;
                state.bucket(bucket)?.uploads.remove(id);
                Ok(Some(stored))
            })?;
            // A part that was sent again meanwhile may be another now.
            if let Some(stored) = stored {
                return Ok(stored);
            }
        }
    }

    /// Drops an upload and its parts.
    pub fn abort_upload(&self, bucket: &str, key: &str, id: &UploadId) -> Result<(), StoreError> {
        self.locked(|state| {
            allowed_upload(state, Action::AbortMultipartUpload, bucket, key, id)?;
            state.bucket(bucket)?.uploads.remove(id);
            Ok(())
        })
    }

    /// An upload and its parts as answers show them.
    pub fn upload(&self, bucket: &str, key: &str, id: &UploadId) -> Result<Upload, StoreError> {
        self.locked(|state| {
            let action = Action::ListMultipartUploadParts;
            let mut upload = allowed_upload(state, action, bucket, key, id)?.clone();
            for part in upload.parts.values_mut() {
                *part = shown(part.clone(), &state.options);
            }
            Ok(upload)
        })
    }

    /// The uploads under way with this prefix, by key and then by age.
    pub fn list_uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<(UploadId, Upload)>, StoreError> {
        self.locked(|state| {
            state.bucket(bucket)?;
            state.options.allow(Action::ListBucketMultipartUploads, prefix)?;
            let uploads = state.bucket(bucket)?.uploads.iter();
            let mut uploads: Vec<_> = uploads
                .filter(|(_, upload)| upload.key.starts_with(prefix))
                .map(|(id, upload)| (id.clone(), upload.clone()))
                .collect();
            // Stable: those of one key stay in the order of their names, which is that of age.
            uploads.sort_by(|(_, one), (_, other)| one.key.cmp(&other.key));
            Ok(uploads)
        })
    }
}

fn upload<'state>(
    state: &'state mut State,
    bucket: &str,
    key: &str,
    id: &UploadId,
) -> Result<&'state mut Upload, StoreError> {
    let upload = state.bucket(bucket)?.uploads.get_mut(id);
    upload.filter(|upload| upload.key == key).ok_or(StoreError::NoSuchUpload)
}

fn allowed_upload<'state>(
    state: &'state mut State,
    action: Action,
    bucket: &str,
    key: &str,
    id: &UploadId,
) -> Result<&'state mut Upload, StoreError> {
    state.bucket(bucket)?;
    state.options.allow(action, key)?;
    upload(state, bucket, key, id)
}

/// The object that an upload becomes.
fn completed(
    upload: &Upload,
    request: &CompleteRequest,
    minimum_part_bytes: u64,
) -> Result<Object, StoreError> {
    let contents = upload.chosen(&request.parts, minimum_part_bytes)?;
    // An object is as old as its upload.
    let attributes = upload.request.attributes.clone();
    let mut object = Object::of_parts(&contents, attributes, upload.initiated);
    object.checksum = object.checksum.filter(|_| upload.request.with_sha1);
    if request.expected_checksum.is_some() && request.expected_checksum != object.checksum {
        return Err(StoreError::BadDigest);
    }
    if request.expected_length.is_some_and(|length| length != object.content.len()) {
        return Err(StoreError::WrongObjectSize);
    }
    Ok(object)
}

fn shown(mut part: Part, options: &S3Options) -> Part {
    part.checksum = options.shown_checksum(part.checksum);
    part
}
