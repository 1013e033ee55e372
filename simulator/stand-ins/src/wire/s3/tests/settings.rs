//! What is set up about a bucket, and what it changes for writers.

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectCannedAcl, ObjectOwnership,
    OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};

use super::*;
use crate::world::bucket::LifecycleRule;

const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
    "Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}"#;

impl Store {
    async fn own(&self, ownership: &str) {
        let rule = OwnershipControlsRule::builder();
        let rule = rule.object_ownership(ObjectOwnership::from(ownership)).build().unwrap();
        let controls = OwnershipControls::builder().rules(rule).build().unwrap();
        let put = self.client.put_bucket_ownership_controls().bucket("bucket");
        put.ownership_controls(controls).send().await.unwrap();
    }

    async fn block(&self, acls: bool, policies: bool) {
        let blocked = PublicAccessBlockConfiguration::builder()
            .block_public_acls(acls)
            .ignore_public_acls(acls)
            .block_public_policy(policies)
            .restrict_public_buckets(policies)
            .build();
        let put = self.client.put_public_access_block().bucket("bucket");
        put.public_access_block_configuration(blocked).send().await.unwrap();
    }

    async fn put_public(&self, key: &str) -> Result<(), String> {
        let put = self.client.put_object().bucket("bucket").key(key);
        let sent = put.acl(ObjectCannedAcl::PublicRead).body(ByteStream::from_static(b"a"));
        sent.send().await.map(drop).map_err(|error| code(&error))
    }

    async fn put_policy(&self, policy: &str) -> Result<(), String> {
        let sent = self.client.put_bucket_policy().bucket("bucket").policy(policy).send().await;
        sent.map(drop).map_err(|error| code(&error))
    }
}

#[tokio::test]
async fn acls_are_taken_where_ownership_and_public_access_allow_them() {
    let store = Store::new().await;
    assert_eq!(store.put_public("a").await, Err("400 AccessControlListNotSupported".into()));
    store.own("BucketOwnerPreferred").await;
    assert_eq!(store.put_public("a").await, Err("403 AccessDenied".into()));
    store.block(false, true).await;
    assert_eq!(store.put_public("a").await, Ok(()));
    let told = store.client.get_bucket_ownership_controls().bucket("bucket").send().await.unwrap();
    let rules = told.ownership_controls.unwrap().rules;
    assert_eq!(rules[0].object_ownership, ObjectOwnership::BucketOwnerPreferred);
    let told = store.client.get_public_access_block().bucket("bucket").send().await.unwrap();
    let blocked = told.public_access_block_configuration.unwrap();
    assert_eq!(
        (blocked.ignore_public_acls, blocked.block_public_policy),
        (Some(false), Some(true))
    );
}

#[tokio::test]
async fn a_public_policy_is_refused_while_those_are_blocked() {
    let store = Store::new().await;
    let get = || store.client.get_bucket_policy().bucket("bucket").send();
    assert_eq!(get().await.map_err(|error| code(&error)), Err("404 NoSuchBucketPolicy".into()));
    assert_eq!(store.put_policy(PUBLIC).await, Err("403 AccessDenied".into()));
    assert_eq!(store.put_policy("no policy").await, Err("400 MalformedPolicy".into()));
    store.block(true, false).await;
    assert_eq!(store.put_policy(PUBLIC).await, Ok(()));
    assert_eq!(get().await.unwrap().policy(), Some(PUBLIC));
}

#[tokio::test]
async fn a_buckets_own_encryption_is_that_of_its_objects() {
    let store = Store::new().await;
    let kms = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
    let rule = ServerSideEncryptionRule::builder();
    let rule = rule.apply_server_side_encryption_by_default(kms.build().unwrap()).build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    let put = store.client.put_bucket_encryption().bucket("bucket");
    put.server_side_encryption_configuration(rules).send().await.unwrap();
    store.put("a", "text", "text").await.unwrap();
    let head = store.client.head_object().bucket("bucket").key("a").send().await.unwrap();
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
}

#[tokio::test]
async fn rules_are_read_as_they_were_planted() {
    let store = Store::new().await;
    let get = || store.client.get_bucket_lifecycle_configuration().bucket("bucket").send();
    let none = get().await.map_err(|error| code(&error));
    assert_eq!(none, Err("404 NoSuchLifecycleConfiguration".into()));
    let rule = LifecycleRule {
        id: "old".to_owned(),
        enabled: true,
        prefix: "0/".to_owned(),
        abort_after_days: Some(2),
        expire_after_days: Some(30),
    };
    store.world.set_up("bucket", |settings| settings.lifecycle.push(rule)).unwrap();
    let rules = get().await.unwrap().rules.unwrap();
    assert_eq!(rules[0].id(), Some("old"));
    assert_eq!(rules[0].filter().unwrap().prefix(), Some("0/"));
    assert_eq!(rules[0].expiration().unwrap().days(), Some(30));
}

#[tokio::test]
async fn buckets_of_long_ago_and_of_others_are_told() {
    let store = Store::new().await;
    let old = |settings: &mut crate::world::bucket::BucketSettings| {
        settings.ownership = None;
        settings.public_access_block = None;
    };
    store.world.set_up("bucket", old).unwrap();
    let ownership = store.client.get_bucket_ownership_controls().bucket("bucket").send().await;
    let ownership = ownership.map_err(|error| code(&error)).map(drop);
    assert_eq!(ownership, Err("404 OwnershipControlsNotFoundError".into()));
    let blocked = store.client.get_public_access_block().bucket("bucket").send().await;
    let blocked = blocked.map_err(|error| code(&error)).map(drop);
    assert_eq!(blocked, Err("404 NoSuchPublicAccessBlockConfiguration".into()));

    store.world.plant_foreign_bucket("theirs");
    let head = store.client.head_bucket().bucket("theirs").send().await;
    assert!(head.map_err(|error| code(&error)).unwrap_err().starts_with("403"));
    let made = store.client.create_bucket().bucket("theirs").send().await;
    assert_eq!(made.map_err(|error| code(&error)).map(drop), Err("409 BucketAlreadyExists".into()));
}

#[tokio::test]
async fn a_bucket_is_where_it_was_made() {
    let store = Store::new().await;
    let make = |bucket: &str, region: Option<&str>| {
        let constraint = region.map(|region| {
            let region = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let make = store.client.create_bucket().bucket(bucket);
        make.set_create_bucket_configuration(constraint).send()
    };
    make("here", None).await.unwrap();
    make("there", Some("eu-west-1")).await.unwrap();
    let refused = make("nowhere", Some("us-east-1")).await.map_err(|error| code(&error));
    assert_eq!(refused.map(drop), Err("400 InvalidLocationConstraint".into()));
    for (bucket, region) in [("here", "us-east-1"), ("there", "eu-west-1")] {
        let head = store.client.head_bucket().bucket(bucket).send().await.unwrap();
        assert_eq!(head.bucket_region(), Some(region));
    }
    let location = store.client.get_bucket_location().bucket("there").send().await.unwrap();
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuWest1));
}
