//! The operations that read whole objects.

use s3s::dto::{GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput};
use s3s::{S3Request, S3Result, s3_error};

use super::checksums::{show_checksum, shown_checksum, wire_checksum};
use super::translate::{
    condition, encryption, etag, index, refuse_option, wire_length, wire_metadata,
};
use crate::world::bucket::S3World;

pub(super) fn head_object(
    world: &S3World,
    req: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let input = req.input;
    refuse_option(input.range.is_some(), "range of a HEAD")?;
    refuse_option(input.part_number.is_some(), "partNumber")?;
    refuse_option(input.version_id.is_some(), "versionId")?;
    refuse_option(
        input.if_none_match.is_some()
            || input.if_modified_since.is_some()
            || input.if_unmodified_since.is_some(),
        "a condition on a read other than if-match",
    )?;
    let condition = condition(input.if_match, None)?;
    let object = world.get(&input.bucket, &input.key, &condition)?;
    let checksum = shown_checksum(&object, input.checksum_mode.as_ref()).cloned();
    let mut output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(wire_length(object.content.len())?),
        content_disposition: object.attributes.content_disposition,
        content_type: Some(content_type(object.attributes.content_type)),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(object.last_modified.into()),
        metadata: Some(wire_metadata(object.attributes.metadata)),
        server_side_encryption: Some(encryption(object.encryption)),
        version_id: object.version_id,
        ..HeadObjectOutput::default()
    };
    show_checksum!(output, checksum.as_ref());
    Ok(output)
}

/// What S3 says of an object that was written without a type (Amazon S3 User Guide, "Working with
/// object metadata").
fn content_type(given: Option<String>) -> String {
    given.unwrap_or_else(|| "binary/octet-stream".to_owned())
}

pub(super) fn get_object(
    world: &S3World,
    req: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let input = req.input;
    refuse_option(input.part_number.is_some(), "partNumber")?;
    refuse_option(input.version_id.is_some(), "versionId")?;
    refuse_option(
        input.if_none_match.is_some()
            || input.if_modified_since.is_some()
            || input.if_unmodified_since.is_some(),
        "a condition on a read other than if-match",
    )?;
    let condition = condition(input.if_match, None)?;
    let object = world.get(&input.bucket, &input.key, &condition)?;
    let length = object.content.len();
    let range = input.range.map(|range| range.check(length)).transpose()?;
    if range.as_ref().is_some_and(std::ops::Range::is_empty) {
        return Err(s3_error!(InvalidRange, "an empty object has no ranges"));
    }
    let (bytes, content_range) = match range {
        Some(range) => (
            object.content.bytes().slice(index(range.start)?..index(range.end)?),
            Some(format!("bytes {}-{}/{length}", range.start, range.end - 1)),
        ),
        None => (object.content.bytes().clone(), None),
    };
    // A part of the content does not have the checksum of the whole.
    let shown = shown_checksum(&object, input.checksum_mode.as_ref());
    let checksum = shown.filter(|_| content_range.is_none()).cloned();
    let mut output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(wire_length(bytes.len() as u64)?),
        body: Some(s3s::Body::from(bytes).into()),
        content_range,
        content_disposition: object.attributes.content_disposition,
        content_type: Some(content_type(object.attributes.content_type)),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(object.last_modified.into()),
        metadata: Some(wire_metadata(object.attributes.metadata)),
        server_side_encryption: Some(encryption(object.encryption)),
        version_id: object.version_id,
        ..GetObjectOutput::default()
    };
    show_checksum!(output, checksum.as_ref());
    Ok(output)
}
