//! The operations on what is set up about a bucket.

use s3s::dto::{
    AbortIncompleteMultipartUpload, BucketLocationConstraint, BucketVersioningStatus,
    DefaultRetention, Destination, ExpirationStatus, GetBucketEncryptionOutput,
    GetBucketLifecycleConfigurationOutput, GetBucketLocationOutput,
    GetBucketOwnershipControlsOutput, GetBucketPolicyOutput, GetBucketReplicationOutput,
    GetBucketVersioningOutput, GetObjectLockConfigurationOutput, GetPublicAccessBlockOutput,
    LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, PublicAccessBlockConfiguration, PutBucketEncryptionInput,
    PutBucketLifecycleConfigurationInput, PutBucketOwnershipControlsInput, PutBucketPolicyInput,
    PutPublicAccessBlockInput, ReplicationConfiguration, ReplicationRule, ReplicationRuleStatus,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use s3s::{S3Result, s3_error};

use super::translate::{encryption, refuse_option};
use crate::world::bucket::{self, Encryption, HOME_REGION, PublicAccessBlock, S3World, StoreError};

pub(super) fn get_location(world: &S3World, bucket: &str) -> S3Result<GetBucketLocationOutput> {
    let region = world.settings(bucket)?.region;
    let named = (region != HOME_REGION).then(|| BucketLocationConstraint::from(region));
    Ok(GetBucketLocationOutput { location_constraint: named })
}

pub(super) fn get_versioning(world: &S3World, bucket: &str) -> S3Result<GetBucketVersioningOutput> {
    world.settings(bucket)?;
    let enabled = || BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED);
    let status = world.options().versioned.then(enabled);
    Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
}

pub(super) fn get_ownership(
    world: &S3World,
    bucket: &str,
) -> S3Result<GetBucketOwnershipControlsOutput> {
    let ownership = world.settings(bucket)?.ownership.ok_or(StoreError::NoOwnershipControls)?;
    let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from(ownership) };
    let ownership_controls = Some(OwnershipControls { rules: vec![rule] });
    Ok(GetBucketOwnershipControlsOutput { ownership_controls })
}

pub(super) fn put_ownership(
    world: &S3World,
    input: &PutBucketOwnershipControlsInput,
) -> S3Result<()> {
    let [rule] = input.ownership_controls.rules.as_slice() else {
        return Err(s3_error!(MalformedXML, "ownership controls have one rule"));
    };
    let ownership = rule.object_ownership.as_str();
    if !["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].contains(&ownership) {
        return Err(s3_error!(MalformedXML, "`{ownership}` is no ownership"));
    }
    let ownership = Some(ownership.to_owned());
    Ok(world.set_up(&input.bucket, |settings| settings.ownership = ownership)?)
}

pub(super) fn get_public_access_block(
    world: &S3World,
    bucket: &str,
) -> S3Result<GetPublicAccessBlockOutput> {
    let found = world.settings(bucket)?.public_access_block;
    let found = found.ok_or(StoreError::NoPublicAccessBlock)?;
    let found = PublicAccessBlockConfiguration {
        block_public_acls: Some(found.block_public_acls),
        ignore_public_acls: Some(found.ignore_public_acls),
        block_public_policy: Some(found.block_public_policy),
        restrict_public_buckets: Some(found.restrict_public_buckets),
    };
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(found) })
}

pub(super) fn put_public_access_block(
    world: &S3World,
    input: &PutPublicAccessBlockInput,
) -> S3Result<()> {
    let wanted = &input.public_access_block_configuration;
    let blocked = PublicAccessBlock {
        block_public_acls: wanted.block_public_acls == Some(true),
        ignore_public_acls: wanted.ignore_public_acls == Some(true),
        block_public_policy: wanted.block_public_policy == Some(true),
        restrict_public_buckets: wanted.restrict_public_buckets == Some(true),
    };
    Ok(world.set_up(&input.bucket, |settings| settings.public_access_block = Some(blocked))?)
}

pub(super) fn get_policy(world: &S3World, bucket: &str) -> S3Result<GetBucketPolicyOutput> {
    let policy = world.settings(bucket)?.policy.ok_or(StoreError::NoPolicy)?;
    Ok(GetBucketPolicyOutput { policy: Some(policy) })
}

pub(super) fn put_policy(world: &S3World, input: PutBucketPolicyInput) -> S3Result<()> {
    Ok(world.put_policy(&input.bucket, input.policy)?)
}

pub(super) fn get_encryption(world: &S3World, bucket: &str) -> S3Result<GetBucketEncryptionOutput> {
    let default = ServerSideEncryptionByDefault {
        sse_algorithm: encryption(world.encryption(bucket)?),
        kms_master_key_id: None,
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(false),
    };
    let rules = ServerSideEncryptionConfiguration { rules: vec![rule] };
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(rules) })
}

pub(super) fn put_encryption(world: &S3World, input: &PutBucketEncryptionInput) -> S3Result<()> {
    let [rule] = input.server_side_encryption_configuration.rules.as_slice() else {
        return Err(s3_error!(MalformedXML, "an encryption has one rule"));
    };
    let Some(default) = &rule.apply_server_side_encryption_by_default else {
        return Err(s3_error!(MalformedXML, "the rule has no default"));
    };
    let encryption = match default.sse_algorithm.as_str() {
        ServerSideEncryption::AES256 => Encryption::S3,
        ServerSideEncryption::AWS_KMS => Encryption::Kms,
        other => return Err(s3_error!(NotImplemented, "`{other}` is not implemented")),
    };
    Ok(world.set_up(&input.bucket, |settings| settings.encryption = Some(encryption))?)
}

pub(super) fn get_object_lock(
    world: &S3World,
    bucket: &str,
) -> S3Result<GetObjectLockConfigurationOutput> {
    let days = world.settings(bucket)?.locked_for_days.ok_or(StoreError::NoObjectLock)?;
    let retention = DefaultRetention {
        days: Some(days),
        mode: Some(ObjectLockRetentionMode::from_static(ObjectLockRetentionMode::COMPLIANCE)),
        years: None,
    };
    let configuration = ObjectLockConfiguration {
        object_lock_enabled: Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED)),
        rule: Some(ObjectLockRule { default_retention: Some(retention) }),
    };
    Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) })
}

pub(super) fn get_replication(
    world: &S3World,
    bucket: &str,
) -> S3Result<GetBucketReplicationOutput> {
    let bucket = world.settings(bucket)?.replicates_to.ok_or(StoreError::NoReplication)?;
    let rule = ReplicationRule {
        delete_marker_replication: None,
        destination: Destination {
            access_control_translation: None,
            account: None,
            bucket,
            encryption_configuration: None,
            metrics: None,
            replication_time: None,
            storage_class: None,
        },
        existing_object_replication: None,
        filter: None,
        id: None,
        prefix: None,
        priority: None,
        source_selection_criteria: None,
        status: ReplicationRuleStatus::from_static(ReplicationRuleStatus::ENABLED),
    };
    let copier = "arn:aws:iam::000000000000:role/replication".to_owned();
    let replication_configuration =
        Some(ReplicationConfiguration { role: copier, rules: vec![rule] });
    Ok(GetBucketReplicationOutput { replication_configuration })
}

pub(super) fn get_lifecycle(
    world: &S3World,
    bucket: &str,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let rules = world.settings(bucket)?.lifecycle;
    if rules.is_empty() {
        return Err(StoreError::NoLifecycle.into());
    }
    let rules = Some(rules.into_iter().map(wire_rule).collect());
    Ok(GetBucketLifecycleConfigurationOutput {
        rules,
        ..GetBucketLifecycleConfigurationOutput::default()
    })
}

pub(super) fn put_lifecycle(
    world: &S3World,
    input: PutBucketLifecycleConfigurationInput,
) -> S3Result<()> {
    let rules = input.lifecycle_configuration.unwrap_or_default().rules;
    let rules = rules.into_iter().map(rule).collect::<S3Result<Vec<_>>>()?;
    if rules.is_empty() {
        return Err(s3_error!(MalformedXML, "a lifecycle configuration has rules"));
    }
    Ok(world.set_up(&input.bucket, |settings| settings.lifecycle = rules)?)
}

fn wire_rule(rule: bucket::LifecycleRule) -> LifecycleRule {
    let abort = |days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) };
    let expire = |days| LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() };
    let filter =
        LifecycleRuleFilter { prefix: Some(rule.prefix), ..LifecycleRuleFilter::default() };
    let status = if rule.enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED };
    LifecycleRule {
        id: Some(rule.id),
        status: ExpirationStatus::from_static(status),
        filter: Some(filter),
        abort_incomplete_multipart_upload: rule.abort_after_days.map(abort),
        expiration: rule.expire_after_days.map(expire),
        noncurrent_version_expiration: None,
        noncurrent_version_transitions: None,
        prefix: None,
        transitions: None,
    }
}

fn rule(rule: LifecycleRule) -> S3Result<bucket::LifecycleRule> {
    let filter = rule.filter.unwrap_or_default();
    refuse_option(
        filter.and.is_some()
            || filter.tag.is_some()
            || filter.object_size_greater_than.is_some()
            || filter.object_size_less_than.is_some(),
        "a filter other than a prefix",
    )?;
    refuse_option(
        rule.noncurrent_version_expiration.is_some()
            || rule.noncurrent_version_transitions.is_some()
            || rule.transitions.is_some(),
        "a rule that moves objects or is for older versions",
    )?;
    let expiration = rule.expiration.unwrap_or_default();
    refuse_option(expiration.date.is_some(), "an expiration by date")?;
    Ok(bucket::LifecycleRule {
        id: rule.id.unwrap_or_default(),
        enabled: rule.status.as_str() == ExpirationStatus::ENABLED,
        prefix: filter.prefix.or(rule.prefix).unwrap_or_default(),
        abort_after_days: rule
            .abort_incomplete_multipart_upload
            .and_then(|abort| abort.days_after_initiation),
        expire_after_days: expiration.days,
    })
}
