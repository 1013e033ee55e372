//! The operations of S3, each read from the protocol's input, carried out on the state, and
//! answered in the protocol's output.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::StreamExt;
use s3s::dto::{
    Bucket, CommonPrefix, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CreateBucketInput,
    CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, DeletedObject, Error, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListBucketsInput, ListBucketsOutput,
    ListObjectsV2Input, ListObjectsV2Output, PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::checksums::{declared_checksum, digest, shown_checksum, sized, verify, wire_checksum};
use super::translate::{
    attributes, condition, copy_request, etag, index, listed, refuse_option, wire_length,
    wire_metadata,
};
use crate::world::bucket::{
    Algorithm, Condition, Content, ContentBuilder, ListRequest, MAX_KEYS, PutRequest, S3World,
};

/// [`S3World`] as `s3s` wants it.
pub(super) struct Operations {
    world: Arc<S3World>,
}

impl Operations {
    pub(super) fn new(world: Arc<S3World>) -> Self {
        Self { world }
    }

    /// The whole body; one that breaks off is an error, and nothing of it is stored.
    async fn receive(&self, body: Option<StreamingBlob>) -> S3Result<Content> {
        let mut content = ContentBuilder::default();
        let Some(mut body) = body else { return Ok(content.finish()) };
        let limit = self.world.single_request_limit_bytes();
        while let Some(chunk) = body.next().await {
            let chunk =
                chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
            // What is too large is refused in the end, but read: a client that is still sending
            // would not see the answer.
            if content.len() <= limit {
                content.push(&chunk);
            }
        }
        Ok(content.finish())
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        refuse_option(input.write_offset_bytes.is_some(), "x-amz-write-offset-bytes")?;
        let condition = condition(input.if_match, input.if_none_match)?;
        let content = self.receive(input.body).await?;
        let trailers = req.trailing_headers.and_then(|trailers| trailers.take());
        let mut put = PutRequest::new(content);
        put.condition = condition;
        put.attributes = attributes(input.content_type, input.content_disposition, input.metadata);
        if let Some(text) = input.content_md5 {
            put.expected_md5 = Some(sized(digest(text.as_bytes())?)?);
        }
        match declared_checksum(&req.headers, &trailers.unwrap_or_default())? {
            Some(checksum) if checksum.algorithm == Algorithm::Sha1 => {
                put.expected_sha1 = Some(sized(checksum.value)?);
            }
            Some(checksum) => {
                verify(&put.content, &checksum)?;
                put.other_checksum = Some(checksum);
            }
            None => {}
        }
        let stored = self.world.put(&input.bucket, &input.key, put)?;
        let checksum = wire_checksum(stored.checksum.as_ref());
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(etag(&stored.etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            ..PutObjectOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
        let copied = self.world.copy(&bucket, &key, copy_request(req.input, &req.headers)?)?;
        let checksum = wire_checksum(copied.checksum.as_ref());
        let result = CopyObjectResult {
            e_tag: Some(etag(&copied.etag)),
            last_modified: Some(copied.last_modified.into()),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
        };
        let output =
            CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() };
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
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
        let object = self.world.get(&input.bucket, &input.key, &condition)?;
        let checksum = wire_checksum(shown_checksum(&object, input.checksum_mode.as_ref()));
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(wire_length(object.content.len())?),
            content_disposition: object.attributes.content_disposition,
            content_type: object.attributes.content_type,
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(object.last_modified.into()),
            metadata: Some(wire_metadata(object.attributes.metadata)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
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
        let object = self.world.get(&input.bucket, &input.key, &condition)?;
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
        let checksum = wire_checksum(shown.filter(|_| content_range.is_none()));
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(wire_length(bytes.len() as u64)?),
            body: Some(s3s::Body::from(bytes).into()),
            content_range,
            content_disposition: object.attributes.content_disposition,
            content_type: object.attributes.content_type,
            e_tag: Some(etag(&object.etag)),
            last_modified: Some(object.last_modified.into()),
            metadata: Some(wire_metadata(object.attributes.metadata)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            ..GetObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        refuse_option(input.version_id.is_some(), "versionId")?;
        refuse_option(input.if_match_size.is_some(), "x-amz-if-match-size")?;
        refuse_option(input.if_match_last_modified_time.is_some(), "if-match-last-modified-time")?;
        self.world.delete(&input.bucket, &input.key, &condition(input.if_match, None)?)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = req.input;
        self.world.head_bucket(&input.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            let condition =
                object.e_tag.map_or(Condition::None, |tag| Condition::ETag(tag.into_value()));
            match self.world.delete(&input.bucket, &object.key, &condition) {
                Ok(()) => deleted
                    .push(DeletedObject { key: Some(object.key), ..DeletedObject::default() }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().to_owned()),
                    key: Some(object.key),
                    message: Some(error.to_string()),
                    version_id: None,
                }),
            }
        }
        let deleted = Some(deleted).filter(|_| input.delete.quiet != Some(true));
        let output = DeleteObjectsOutput { deleted, errors: Some(errors), request_charged: None };
        Ok(S3Response::new(output))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let max_keys = input.max_keys.map(usize::try_from).transpose();
        let request = ListRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            start_after: input.start_after.clone(),
            continuation_token: input.continuation_token.clone(),
            delimiter: input.delimiter.clone(),
            max_keys: max_keys.map_err(|error| s3_error!(error, InvalidArgument))?,
        };
        let page = self.world.list(&input.bucket, &request)?;
        let key_count = page.objects.len() + page.common_prefixes.len();
        let contents = page.objects.into_iter().map(listed).collect::<S3Result<_>>()?;
        let common_prefixes =
            page.common_prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) });
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            max_keys: i32::try_from(request.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS)).ok(),
            key_count: i32::try_from(key_count).ok(),
            is_truncated: Some(page.next_token.is_some()),
            next_continuation_token: page.next_token,
            contents: Some(contents),
            common_prefixes: Some(common_prefixes.collect()),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.world.head_bucket(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        self.world.create_bucket(&req.input.bucket)?;
        let location = Some(format!("/{}", req.input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn list_buckets(
        &self,
        _req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let named = |name| Bucket {
            name: Some(name),
            // Nobody remembers it, and some clients want one.
            creation_date: Some(SystemTime::UNIX_EPOCH.into()),
            ..Bucket::default()
        };
        let buckets = Some(self.world.buckets().into_iter().map(named).collect());
        Ok(S3Response::new(ListBucketsOutput { buckets, ..ListBucketsOutput::default() }))
    }
}
