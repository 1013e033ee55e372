//! The operations of multipart uploads.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ObjectCannedACL, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::checksums::{
    composite_sha1, declared_checksum, digest, show_checksum, sized, wire_checksum,
};
use super::operations::receive;
use super::translate::{attributes, condition, encryption, etag, refuse_option};
use crate::world::bucket::{
    ClaimedPart, CompleteRequest, PartRequest, S3Options, S3World, StoreError, UploadId,
    UploadRequest,
};

pub(super) fn create_multipart_upload(
    world: &S3World,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let input = req.input;
    world.check_acl(&input.bucket, input.acl.as_ref().map(ObjectCannedACL::as_str))?;
    let algorithm = input.checksum_algorithm;
    let with_sha1 = algorithm.as_ref().is_some_and(|name| name.as_str() == ChecksumAlgorithm::SHA1);
    refuse_option(algorithm.is_some() && !with_sha1, "a multipart checksum other than SHA1")?;
    check_type(input.checksum_type.as_ref(), with_sha1)?;
    let attributes = attributes(input.content_type, input.content_disposition, input.metadata);
    let request = UploadRequest { attributes, with_sha1 };
    let encrypted = world.encryption(&input.bucket)?;
    let id = world.create_upload(&input.bucket, &input.key, request)?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id.0),
        checksum_algorithm: algorithm,
        checksum_type: with_sha1.then(|| ChecksumType::from_static(ChecksumType::COMPOSITE)),
        server_side_encryption: Some(encryption(encrypted)),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(super) async fn upload_part(
    world: &S3World,
    mut req: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let trailers = req.trailing_headers.take();
    let input = req.input;
    let content = receive(input.body, S3Options::SINGLE_REQUEST_LIMIT_BYTES).await?;
    let request = PartRequest {
        number: part_number(input.part_number)?,
        content,
        expected_md5: match input.content_md5 {
            Some(text) => Some(sized(digest(text.as_bytes())?)?),
            None => None,
        },
        checksum: declared_checksum(&req.headers, trailers)?,
    };
    let part = world.upload_part(&input.bucket, &input.key, &UploadId(input.upload_id), request)?;
    Ok(UploadPartOutput {
        e_tag: Some(etag(&part.etag)),
        checksum_sha1: wire_checksum(part.checksum.as_ref()).checksum_sha1,
        server_side_encryption: Some(encryption(world.encryption(&input.bucket)?)),
        ..UploadPartOutput::default()
    })
}

pub(super) fn complete_multipart_upload(
    world: &S3World,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let input = req.input;
    let id = UploadId(input.upload_id);
    refuse_option(
        input.checksum_crc32.is_some()
            || input.checksum_crc32c.is_some()
            || input.checksum_crc64nvme.is_some()
            || input.checksum_sha256.is_some(),
        "a multipart checksum other than SHA1",
    )?;
    check_type(input.checksum_type.as_ref(), true)?;
    let claimed = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let expected_length = input.mpu_object_size.map(u64::try_from).transpose();
    let request = CompleteRequest {
        parts: claimed.into_iter().map(claimed_part).collect::<S3Result<_>>()?,
        expected_checksum: input.checksum_sha1.as_deref().map(composite_sha1).transpose()?,
        expected_length: expected_length.map_err(|error| s3_error!(error, InvalidArgument))?,
        condition: condition(input.if_match, input.if_none_match)?,
    };
    let stored = world.complete_upload(&input.bucket, &input.key, &id, &request)?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&stored.etag)),
        server_side_encryption: Some(encryption(stored.encryption)),
        version_id: stored.version_id,
        ..CompleteMultipartUploadOutput::default()
    };
    show_checksum!(output, stored.checksum.as_ref());
    Ok(output)
}

pub(super) fn abort_multipart_upload(
    world: &S3World,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<AbortMultipartUploadOutput> {
    let input = req.input;
    refuse_option(input.if_match_initiated_time.is_some(), "x-amz-if-match-initiated-time")?;
    world.abort_upload(&input.bucket, &input.key, &UploadId(input.upload_id))?;
    Ok(AbortMultipartUploadOutput::default())
}

/// S3 has SHA-1 of multipart uploads only as a composite one.
fn check_type(kind: Option<&ChecksumType>, with_sha1: bool) -> S3Result<()> {
    match kind {
        None => Ok(()),
        Some(kind) if with_sha1 && kind.as_str() == ChecksumType::COMPOSITE => Ok(()),
        Some(_) => {
            Err(s3_error!(InvalidRequest, "that checksum type cannot be used with this upload"))
        }
    }
}

fn part_number(number: i32) -> S3Result<u32> {
    u32::try_from(number).map_err(|_| StoreError::InvalidPartNumber.into())
}

fn claimed_part(part: CompletedPart) -> S3Result<ClaimedPart> {
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag) else {
        return Err(s3_error!(MalformedXML, "a part has a number and an entity tag"));
    };
    let sha1 = match part.checksum_sha1 {
        Some(text) => Some(sized(digest(text.as_bytes())?)?),
        None => None,
    };
    Ok(ClaimedPart { number: part_number(number)?, etag: etag.into_value(), sha1 })
}
