//! Content that one request cannot take, in parts.

use domain::{ETag, ObjectAddress, Proof, Sha1, StoredObject};

use crate::world::bucket::{
    ClaimedPart, CompleteRequest, Content, Object, PartRequest, PutRequest, S3World, StoreError,
    StoredChecksum, UploadId, UploadRequest,
};

/// Carries out a write as a multipart upload, of which nothing stays when it is refused.
pub(super) fn put(
    s3: &S3World,
    at: &ObjectAddress,
    put: PutRequest,
) -> Result<StoredObject, StoreError> {
    let (bucket, key) = (at.bucket.as_str(), at.key.as_str());
    let sha1 = Sha1::from_bytes(put.content.sha1());
    let request = UploadRequest { attributes: put.attributes.clone(), with_sha1: true };
    let id = s3.create_upload(bucket, key, request)?;
    let stored = carry_out(s3, at, &id, put);
    if stored.is_err() {
        // Who may not abort leaves it to the bucket's rule for stale uploads.
        let _ = s3.abort_upload(bucket, key, &id);
    }
    stored.map(|object| StoredObject {
        // Each part was taken under its SHA-1; without the composite's in the answer that is not
        // known.
        sha1: object.checksum.as_ref().map(|_| sha1),
        etag: ETag(object.etag),
        proof: Proof::Multipart,
    })
}

fn carry_out(
    s3: &S3World,
    at: &ObjectAddress,
    id: &UploadId,
    put: PutRequest,
) -> Result<Object, StoreError> {
    let (bucket, key) = (at.bucket.as_str(), at.key.as_str());
    let bytes = put.content.bytes();
    let part_bytes = usize::try_from(s3.options().minimum_part_bytes).unwrap_or(usize::MAX).max(1);
    let mut claims = Vec::new();
    for (number, piece) in (1..).zip(bytes.chunks(part_bytes)) {
        let content = Content::of(bytes.slice_ref(piece));
        let sha1 = content.sha1();
        let checksum = Some(StoredChecksum::sha1_of(&content));
        let part = PartRequest { number, content, expected_md5: None, checksum };
        let part = s3.upload_part(bucket, key, id, part)?;
        claims.push(ClaimedPart { number, etag: part.etag, sha1: Some(sha1) });
    }
    let request =
        CompleteRequest { parts: claims, condition: put.condition, ..CompleteRequest::default() };
    s3.complete_upload(bucket, key, id, &request)
}
