//! Reads and changes the settings of buckets.

use std::collections::BTreeSet;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use domain::blueprint::{Block, BucketChange, BucketState, Encryption, Ownership};
use domain::ports::SiteError;

use super::refusal::{Refusal, done, present};
use super::{AwsSite, System, lifecycle};

/// Where S3 takes no location constraint (API reference, `CreateBucket`).
const UNNAMED_REGION: &str = "us-east-1";

impl AwsSite {
    pub(super) async fn look_at_bucket(
        &self,
        name: &str,
    ) -> Result<Option<BucketState>, SiteError> {
        if !self.has_bucket(name).await? {
            return Ok(None);
        }
        let listed = self.s3.list_objects_v2().bucket(name).max_keys(1).send();
        let listed = self.answer(System::S3, "LIST", listed).await.map_err(|it| it.error)?;
        let versions = self.s3.get_bucket_versioning().bucket(name).send();
        let versions = self.answer(System::S3, "GetBucketVersioning", versions).await;
        let versions = versions.map_err(|refusal| refusal.error)?;
        let rules = lifecycle::rules(self.lifecycle(name).await?.as_ref());
        Ok(Some(BucketState {
            empty: listed.contents().is_empty(),
            ownership: self.ownership(name).await?,
            blocked: self.blocked(name).await?,
            policy: self.policy(name).await?,
            encryption: self.encryption(name).await?,
            abort_rule: rules.abort,
            rules_for_objects: rules.for_objects,
            rules_that_delete_files: rules.that_delete_files,
            versioned: versions.status == Some(BucketVersioningStatus::Enabled),
        }))
    }

    /// Whether there is a bucket of this name in this account and region.
    async fn has_bucket(&self, name: &str) -> Result<bool, SiteError> {
        let head = self.s3.head_bucket().bucket(name).send();
        match self.answer(System::S3, "HEAD_BUCKET", head).await {
            Ok(head) => match head.bucket_region {
                Some(region) if region != self.region => Err(SiteError::Elsewhere { region }),
                Some(_) | None => Ok(true),
            },
            Err(Refusal { status: 404, .. }) => Ok(false),
            Err(Refusal { status: 403, .. }) => Err(SiteError::Closed { right: "s3:ListBucket" }),
            // For a bucket in another region the answer names that region. For wrong AWS keys it
            // names none.
            Err(Refusal { bucket_region: Some(region), .. }) if region != self.region => {
                Err(SiteError::Elsewhere { region })
            }
            Err(refusal) => Err(refusal.error),
        }
    }

    /// Reads who owns new objects. A bucket from before 2023 may have no ownership controls; then
    /// the writer of an object owns it.
    async fn ownership(&self, name: &str) -> Result<Ownership, SiteError> {
        let request = self.s3.get_bucket_ownership_controls().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketOwnershipControls", request).await;
        let answer = present(answer, &["OwnershipControlsNotFoundError"])?;
        let controls = answer.and_then(|answer| answer.ownership_controls);
        let Some(controls) = controls else { return Ok(Ownership::Writer) };
        let Some(rule) = controls.rules.first() else { return Ok(Ownership::Writer) };
        rule.object_ownership.as_str().parse().map_err(|error| unknown("ownership", error))
    }

    async fn blocked(&self, name: &str) -> Result<BTreeSet<Block>, SiteError> {
        let request = self.s3.get_public_access_block().bucket(name).send();
        let answer = self.answer(System::S3, "GetPublicAccessBlock", request).await;
        let answer = present(answer, &["NoSuchPublicAccessBlockConfiguration"])?;
        let found = answer.and_then(|answer| answer.public_access_block_configuration);
        let Some(found) = found else { return Ok(BTreeSet::new()) };
        let is_on = |block: &Block| match block {
            Block::Acls => found.block_public_acls == Some(true),
            Block::OldAcls => found.ignore_public_acls == Some(true),
            Block::Policies => found.block_public_policy == Some(true),
            Block::OldPolicies => found.restrict_public_buckets == Some(true),
        };
        Ok(Block::ALL.iter().copied().filter(is_on).collect())
    }

    async fn policy(&self, name: &str) -> Result<Option<String>, SiteError> {
        let request = self.s3.get_bucket_policy().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketPolicy", request).await;
        Ok(present(answer, &["NoSuchBucketPolicy"])?.and_then(|answer| answer.policy))
    }

    async fn encryption(&self, name: &str) -> Result<Option<Encryption>, SiteError> {
        let request = self.s3.get_bucket_encryption().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketEncryption", request).await;
        let answer = present(answer, &["ServerSideEncryptionConfigurationNotFoundError"])?;
        let rules = answer.and_then(|answer| answer.server_side_encryption_configuration);
        let rules = rules.map(|configuration| configuration.rules).unwrap_or_default();
        let default = rules.first().and_then(|rule| rule.apply_server_side_encryption_by_default());
        Ok(default.map(|default| {
            // Every other encryption needs a key, or two: a reader then needs a permission for the
            // key.
            let is_plain = default.sse_algorithm == ServerSideEncryption::Aes256;
            if is_plain { Encryption::S3 } else { Encryption::Kms }
        }))
    }

    pub(super) async fn set_up_bucket(
        &self,
        name: &str,
        change: &BucketChange,
    ) -> Result<(), SiteError> {
        match change {
            BucketChange::Create => self.create_bucket(name).await,
            BucketChange::Ownership(ownership) => {
                let rule = OwnershipControlsRule::builder()
                    .object_ownership(ObjectOwnership::from(ownership.name()))
                    .build();
                let rule = rule.map_err(incomplete)?;
                let controls = OwnershipControls::builder().rules(rule).build();
                let request = self
                    .s3
                    .put_bucket_ownership_controls()
                    .bucket(name)
                    .ownership_controls(controls.map_err(incomplete)?)
                    .send();
                self.put("PutBucketOwnershipControls", request).await
            }
            BucketChange::Block(blocked) => {
                let blocked = PublicAccessBlockConfiguration::builder()
                    .block_public_acls(blocked.contains(&Block::Acls))
                    .ignore_public_acls(blocked.contains(&Block::OldAcls))
                    .block_public_policy(blocked.contains(&Block::Policies))
                    .restrict_public_buckets(blocked.contains(&Block::OldPolicies))
                    .build();
                let request = self.s3.put_public_access_block().bucket(name);
                let request = request.public_access_block_configuration(blocked).send();
                self.put("PutPublicAccessBlock", request).await
            }
            BucketChange::Policy(policy) => {
                let request = self.s3.put_bucket_policy().bucket(name).policy(policy).send();
                self.put("PutBucketPolicy", request).await
            }
            BucketChange::Encrypt(encryption) => self.encrypt(name, *encryption).await,
            BucketChange::AbortUploads { days } => self.abort_uploads(name, *days).await,
        }
    }

    async fn create_bucket(&self, name: &str) -> Result<(), SiteError> {
        let constraint = (self.region != UNNAMED_REGION).then(|| {
            let region = BucketLocationConstraint::from(self.region.as_str());
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let request = self.s3.create_bucket().bucket(name);
        let request = request.set_create_bucket_configuration(constraint).send();
        match self.answer(System::S3, "CREATE_BUCKET", request).await {
            Err(refusal) if refusal.is(&["BucketAlreadyExists"]) => Err(SiteError::SomebodyElses),
            answer => done(answer, &["BucketAlreadyOwnedByYou"]),
        }
    }

    async fn encrypt(&self, name: &str, encryption: Encryption) -> Result<(), SiteError> {
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from(encryption.name()))
            .build()
            .map_err(incomplete)?;
        let rule = ServerSideEncryptionRule::builder();
        let rule = rule.apply_server_side_encryption_by_default(default).build();
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build();
        let request = self.s3.put_bucket_encryption().bucket(name);
        let request = request.server_side_encryption_configuration(rules.map_err(incomplete)?);
        self.put("PutBucketEncryption", request.send()).await
    }
}

/// The error for a request that lacks a field. Our requests have every field.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn incomplete(error: BuildError) -> SiteError {
    SiteError::Refused { call: "building the request", why: error.to_string() }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unknown(what: &'static str, error: domain::UnknownName) -> SiteError {
    SiteError::Refused { call: "understanding the bucket", why: format!("its {what}: {error}") }
}
