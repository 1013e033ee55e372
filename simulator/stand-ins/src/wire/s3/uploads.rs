//! The listings of multipart uploads: what is under way, and which parts have come.

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListPartsInput, ListPartsOutput, MultipartUpload, Part,
};
use s3s::{S3Request, S3Result, s3_error};

use super::checksums::wire_checksum;
use super::translate::{etag, refuse_option, wire_length};
use crate::world::bucket::{self, MAX_KEYS, S3World, Upload, UploadId};

pub(super) fn list_parts(
    world: &S3World,
    req: S3Request<ListPartsInput>,
) -> S3Result<ListPartsOutput> {
    let input = req.input;
    let limit = page_limit(input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or(0);
    let after = u32::try_from(marker).map_err(|error| s3_error!(error, InvalidArgument))?;
    let upload = world.upload(&input.bucket, &input.key, &UploadId(input.upload_id.clone()))?;
    let mut parts: Vec<_> = upload.parts.range(after.saturating_add(1)..).collect();
    let is_truncated = parts.len() > limit;
    parts.truncate(limit);
    let parts = parts.into_iter().map(listed_part).collect::<S3Result<Vec<_>>>()?;
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: algorithm(&upload),
        checksum_type: composite(&upload),
        is_truncated: Some(is_truncated),
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: Some(marker),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        parts: Some(parts),
        ..ListPartsOutput::default()
    })
}

pub(super) fn list_multipart_uploads(
    world: &S3World,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = req.input;
    refuse_option(input.delimiter.is_some(), "a delimiter of uploads")?;
    let limit = page_limit(input.max_uploads)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let mut uploads = world.list_uploads(&input.bucket, prefix)?;
    if let Some(marker) = &input.key_marker {
        // Without the name of an upload, all those of that key are passed over.
        let id = input.upload_id_marker.as_ref();
        uploads.retain(|(UploadId(name), upload)| {
            upload.key > *marker || id.is_some_and(|id| upload.key == *marker && name > id)
        });
    }
    let is_truncated = uploads.len() > limit;
    uploads.truncate(limit);
    let last = uploads.last().filter(|_| is_truncated);
    Ok(ListMultipartUploadsOutput {
        next_key_marker: last.map(|(_, upload)| upload.key.clone()),
        next_upload_id_marker: last.map(|(UploadId(name), _)| name.clone()),
        is_truncated: Some(is_truncated),
        max_uploads: i32::try_from(limit).ok(),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(uploads.into_iter().map(listed_upload).collect()),
        ..ListMultipartUploadsOutput::default()
    })
}

/// S3's pages of uploads and parts are as long as those of keys.
fn page_limit(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.map(usize::try_from).transpose();
    let asked = asked.map_err(|error| s3_error!(error, InvalidArgument))?;
    Ok(asked.unwrap_or(MAX_KEYS).min(MAX_KEYS))
}

fn listed_part((number, part): (&u32, &bucket::Part)) -> S3Result<Part> {
    Ok(Part {
        part_number: i32::try_from(*number).ok(),
        e_tag: Some(etag(&part.etag)),
        size: Some(wire_length(part.content.len())?),
        last_modified: Some(part.last_modified.into()),
        checksum_sha1: wire_checksum(part.checksum.as_ref()).checksum_sha1,
        ..Part::default()
    })
}

fn listed_upload((UploadId(name), upload): (UploadId, Upload)) -> MultipartUpload {
    MultipartUpload {
        upload_id: Some(name),
        initiated: Some(upload.initiated.into()),
        checksum_algorithm: algorithm(&upload),
        checksum_type: composite(&upload),
        key: Some(upload.key),
        ..MultipartUpload::default()
    }
}

fn algorithm(upload: &Upload) -> Option<ChecksumAlgorithm> {
    let sha1 = || ChecksumAlgorithm::from_static(ChecksumAlgorithm::SHA1);
    upload.request.with_sha1.then(sha1)
}

fn composite(upload: &Upload) -> Option<ChecksumType> {
    upload.request.with_sha1.then(|| ChecksumType::from_static(ChecksumType::COMPOSITE))
}
