//! The operations on buckets as a whole.

use std::time::SystemTime;

use s3s::dto::{
    Bucket, CommonPrefix, CreateBucketInput, CreateBucketOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsOutput, ListObjectsV2Input, ListObjectsV2Output,
};
use s3s::{S3Request, S3Result, s3_error};

use super::translate::listed;
use crate::world::bucket::{HOME_REGION, ListRequest, MAX_KEYS, S3World};

pub(super) fn list_objects_v2(
    world: &S3World,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = req.input;
    let max_keys = input.max_keys.map(usize::try_from).transpose();
    let request = ListRequest {
        prefix: input.prefix.clone().unwrap_or_default(),
        start_after: input.start_after.clone(),
        continuation_token: input.continuation_token.clone(),
        delimiter: input.delimiter.clone(),
        max_keys: max_keys.map_err(|error| s3_error!(error, InvalidArgument))?,
    };
    let page = world.list(&input.bucket, &request)?;
    let key_count = page.objects.len() + page.common_prefixes.len();
    let contents = page.objects.into_iter().map(listed).collect::<S3Result<_>>()?;
    let common_prefixes =
        page.common_prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) });
    Ok(ListObjectsV2Output {
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
    })
}

pub(super) fn head_bucket(world: &S3World, input: &HeadBucketInput) -> S3Result<HeadBucketOutput> {
    world.head_bucket(&input.bucket)?;
    let bucket_region = Some(world.settings(&input.bucket)?.region);
    Ok(HeadBucketOutput { bucket_region, ..HeadBucketOutput::default() })
}

pub(super) fn create_bucket(
    world: &S3World,
    input: &CreateBucketInput,
) -> S3Result<CreateBucketOutput> {
    let constraint = input.create_bucket_configuration.as_ref();
    let constraint = constraint.and_then(|constraint| constraint.location_constraint.as_ref());
    let region = constraint.map(|region| region.as_str().to_owned());
    if region.as_deref() == Some(HOME_REGION) {
        return Err(s3_error!(InvalidLocationConstraint, "the home region takes no constraint"));
    }
    world.create_bucket(&input.bucket)?;
    if let Some(region) = region {
        world.set_up(&input.bucket, |settings| settings.region = region)?;
    }
    let location = Some(format!("/{}", input.bucket));
    Ok(CreateBucketOutput { location })
}

pub(super) fn list_buckets(world: &S3World) -> ListBucketsOutput {
    let named = |name| Bucket {
        name: Some(name),
        // Nobody remembers it, and some clients want one.
        creation_date: Some(SystemTime::UNIX_EPOCH.into()),
        ..Bucket::default()
    };
    let buckets = Some(world.buckets().into_iter().map(named).collect());
    ListBucketsOutput { buckets, ..ListBucketsOutput::default() }
}
