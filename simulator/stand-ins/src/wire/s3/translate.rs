//! Between the protocol's words and the state's.

use std::collections::{BTreeMap, HashMap};

use http::HeaderMap;
use s3s::dto::{
    ChecksumAlgorithm, CopyObjectInput, CopySource, ETag, ETagCondition, MetadataDirective,
    ObjectStorageClass, ServerSideEncryption,
};
use s3s::{S3Error, S3Result, s3_error};

use super::checksums::{checksum_algorithm, checksum_type};
use crate::world::bucket::{Attributes, Condition, CopyRequest, Encryption, Object, StoreError};

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        let Ok(code) = error.code().parse();
        let mut answer = Self::with_message(code, error.to_string());
        // s3s does not know this one.
        if error == StoreError::NoPublicAccessBlock {
            answer.set_status_code(http::StatusCode::NOT_FOUND);
        }
        answer
    }
}

/// An option that this world does not know is refused, never ignored.
pub(super) fn refuse_option(present: bool, name: &str) -> S3Result<()> {
    if present { Err(s3_error!(NotImplemented, "`{name}` is not implemented")) } else { Ok(()) }
}

/// The entity tag as it goes over the wire, in quotes.
pub(super) fn etag(text: &str) -> ETag {
    ETag::Strong(text.to_owned())
}

/// The condition of a write; S3 knows `If-None-Match` with `*` only, and not both at once.
pub(super) fn condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::None),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Absent),
        (Some(ETagCondition::Any), None) => Ok(Condition::Present),
        (Some(ETagCondition::ETag(tag)), None) => Ok(Condition::ETag(tag.into_value())),
        (None, Some(ETagCondition::ETag(_))) | (Some(_), Some(_)) => {
            Err(s3_error!(NotImplemented, "a header implies functionality that is not implemented"))
        }
    }
}

/// The condition of a COPY on its destination, for which s3s has no typed fields.
fn condition_of_headers(headers: &HeaderMap) -> S3Result<Condition> {
    let parse = |name| {
        let value =
            headers.get(name).map(|value| ETagCondition::parse_http_header(value.as_bytes()));
        value.transpose().map_err(|error| s3_error!(error, InvalidArgument))
    };
    condition(parse(http::header::IF_MATCH)?, parse(http::header::IF_NONE_MATCH)?)
}

/// A COPY, with the conditions on its destination from the headers.
pub(super) fn copy_request(input: CopyObjectInput, headers: &HeaderMap) -> S3Result<CopyRequest> {
    let CopySource::Bucket { bucket, key, version_id: None } = input.copy_source else {
        return Err(s3_error!(NotImplemented, "copy sources are a bucket and a key"));
    };
    refuse_option(
        input.copy_source_if_none_match.is_some()
            || input.copy_source_if_modified_since.is_some()
            || input.copy_source_if_unmodified_since.is_some(),
        "a condition on the copy source other than x-amz-copy-source-if-match",
    )?;
    let compute_sha1 = match &input.checksum_algorithm {
        None => false,
        Some(algorithm) if algorithm.as_str() == ChecksumAlgorithm::SHA1 => true,
        Some(_) => return Err(s3_error!(NotImplemented, "copies compute SHA1 only")),
    };
    let replaces = input
        .metadata_directive
        .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let given = attributes(input.content_type, input.content_disposition, input.metadata);
    Ok(CopyRequest {
        source_bucket: bucket.into(),
        source_key: key.into(),
        source_condition: condition(input.copy_source_if_match, None)?,
        compute_sha1,
        replace_attributes: replaces.then_some(given),
        condition: condition_of_headers(headers)?,
    })
}

/// What a writer says beside the content.
pub(super) fn attributes(
    content_type: Option<String>,
    content_disposition: Option<String>,
    metadata: Option<HashMap<String, String>>,
) -> Attributes {
    let metadata: BTreeMap<_, _> = metadata.into_iter().flatten().collect();
    Attributes { content_type, content_disposition, metadata }
}

/// How an object is encrypted, in S3's words.
pub(super) fn encryption(encryption: Encryption) -> ServerSideEncryption {
    ServerSideEncryption::from_static(match encryption {
        Encryption::S3 => ServerSideEncryption::AES256,
        Encryption::Kms => ServerSideEncryption::AWS_KMS,
    })
}

/// User metadata as answers carry it.
pub(super) fn wire_metadata(metadata: BTreeMap<String, String>) -> HashMap<String, String> {
    metadata.into_iter().collect()
}

/// One key of a listing: the algorithm of its checksum, but not the value.
pub(super) fn listed((key, object): (String, Object)) -> S3Result<s3s::dto::Object> {
    Ok(s3s::dto::Object {
        key: Some(key),
        size: Some(wire_length(object.content.len())?),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(object.last_modified.into()),
        checksum_algorithm: object.checksum.as_ref().map(|stored| vec![checksum_algorithm(stored)]),
        checksum_type: object.checksum.as_ref().map(checksum_type),
        storage_class: Some(ObjectStorageClass::from_static(if object.is_archived {
            ObjectStorageClass::DEEP_ARCHIVE
        } else {
            ObjectStorageClass::STANDARD
        })),
        ..s3s::dto::Object::default()
    })
}

/// A length as answers carry it.
pub(super) fn wire_length(length: u64) -> S3Result<i64> {
    i64::try_from(length).map_err(S3Error::internal_error)
}

/// A position as slices want it.
pub(super) fn index(position: u64) -> S3Result<usize> {
    usize::try_from(position).map_err(S3Error::internal_error)
}
