//! The operations that write and delete whole objects.

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error, ObjectCannedACL, PutObjectInput,
    PutObjectOutput,
};
use s3s::{S3Request, S3Result};

use super::checksums::{declared_checksum, digest, show_checksum, sized, verify, wire_checksum};
use super::operations::receive;
use super::translate::{attributes, condition, copy_request, encryption, etag, refuse_option};
use crate::world::bucket::{Algorithm, Condition, PutRequest, S3World, StoreError};

pub(super) async fn put_object(
    world: &S3World,
    mut req: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let trailers = req.trailing_headers.take();
    let input = req.input;
    world.check_acl(&input.bucket, input.acl.as_ref().map(ObjectCannedACL::as_str))?;
    refuse_option(input.write_offset_bytes.is_some(), "x-amz-write-offset-bytes")?;
    let condition = condition(input.if_match, input.if_none_match)?;
    let content = receive(input.body, world.single_request_limit_bytes()).await?;
    let mut put = PutRequest::new(content);
    put.condition = condition;
    put.attributes = attributes(input.content_type, input.content_disposition, input.metadata);
    if let Some(text) = input.content_md5 {
        put.expected_md5 = Some(sized(digest(text.as_bytes())?)?);
    }
    match declared_checksum(&req.headers, trailers)? {
        Some(checksum) if checksum.algorithm == Algorithm::Sha1 => {
            put.expected_sha1 = Some(sized(checksum.value)?);
        }
        Some(checksum) => {
            verify(&put.content, &checksum)?;
            put.other_checksum = Some(checksum);
        }
        None => {}
    }
    let stored = world.put(&input.bucket, &input.key, put)?;
    let mut output = PutObjectOutput {
        e_tag: Some(etag(&stored.etag)),
        server_side_encryption: Some(encryption(stored.encryption)),
        version_id: stored.version_id,
        ..PutObjectOutput::default()
    };
    show_checksum!(output, stored.checksum.as_ref());
    Ok(output)
}

pub(super) fn copy_object(
    world: &S3World,
    req: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
    world.check_acl(&bucket, req.input.acl.as_ref().map(ObjectCannedACL::as_str))?;
    let copied = world.copy(&bucket, &key, copy_request(req.input, &req.headers)?)?;
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&copied.etag)),
        last_modified: Some(copied.last_modified.into()),
        ..CopyObjectResult::default()
    };
    show_checksum!(result, copied.checksum.as_ref());
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        server_side_encryption: Some(encryption(copied.encryption)),
        version_id: copied.version_id,
        ..CopyObjectOutput::default()
    })
}

pub(super) fn delete_object(
    world: &S3World,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let input = req.input;
    if let Some(version_id) = input.version_id {
        refuse_option(input.if_match.is_some(), "if-match beside versionId")?;
        world.delete_version(&input.bucket, &input.key, &version_id)?;
        return Ok(DeleteObjectOutput {
            version_id: Some(version_id),
            ..DeleteObjectOutput::default()
        });
    }
    refuse_option(input.if_match_size.is_some(), "x-amz-if-match-size")?;
    refuse_option(input.if_match_last_modified_time.is_some(), "if-match-last-modified-time")?;
    let marker = world.delete(&input.bucket, &input.key, &condition(input.if_match, None)?)?;
    Ok(DeleteObjectOutput {
        delete_marker: marker.is_some().then_some(true),
        version_id: marker.map(|marker| marker.version_id),
        ..DeleteObjectOutput::default()
    })
}

pub(super) fn delete_objects(
    world: &S3World,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let input = req.input;
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in input.delete.objects {
        let condition =
            object.e_tag.map_or(Condition::None, |tag| Condition::ETag(tag.into_value()));
        match world.delete(&input.bucket, &object.key, &condition) {
            Ok(marker) => deleted.push(DeletedObject {
                key: Some(object.key),
                delete_marker: marker.is_some().then_some(true),
                delete_marker_version_id: marker.map(|marker| marker.version_id),
                version_id: None,
            }),
            Err(StoreError::NoSuchBucket) => return Err(StoreError::NoSuchBucket.into()),
            Err(error) => errors.push(Error {
                code: Some(error.code().to_owned()),
                key: Some(object.key),
                message: Some(error.to_string()),
                version_id: None,
            }),
        }
    }
    let deleted = Some(deleted).filter(|_| input.delete.quiet != Some(true));
    Ok(DeleteObjectsOutput { deleted, errors: Some(errors), request_charged: None })
}
