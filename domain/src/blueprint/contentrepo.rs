//! What a stock contentrepo needs of a bucket, beside the right to it. Its S3 client is the AWS SDK for
//! Java 1.7.2, as read in its source.

use super::{Block, BucketState, Encryption, Ownership};

/// The only region whose buckets it can sign for by Signature V4, with the resource below.
const REGION: &str = "us-east-1";

/// How it can sign requests to buckets of this region, or why it cannot and what can be done. It signs
/// with Signature V2, and S3 refuses that for buckets made after 2020-06-24 (Amazon S3 user guide,
/// "AWS Signature Version 2 turned off").
pub fn signatures(region: &str) -> Result<String, String> {
    let resource = r#"the class-path resource awssdk_config_override.json with {"serviceSigners":[{"key":"s3","config":{"signerType":"AWSS3V4SignerType"}}]}"#;
    if region == REGION {
        return Ok(format!(
            "a stock contentrepo is refused by a bucket made after 2020-06-24, except with {resource}: \
             try it with one file before the migration"
        ));
    }
    Err(format!(
        "a stock contentrepo cannot use a bucket made after 2020-06-24 in {region}: S3 refuses its \
         signatures. Either take buckets in {REGION} (AWS_S3_REGION_NAME={REGION}) and give contentrepo \
         {resource}, or take buckets made before that date, or build contentrepo with a newer AWS SDK \
         and a region"
    ))
}

/// One need of a stock contentrepo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What must hold.
    pub fact: &'static str,
    /// What was seen; or why it does not hold, and what to do.
    pub seen: Result<String, String>,
}

/// What it needs of this bucket in this region.
#[must_use]
pub fn needs(region: &str, found: &BucketState) -> Vec<Need> {
    let kms = found.encryption == Some(Encryption::Kms);
    let acls = found.ownership != Ownership::Enforced && !found.blocked.contains(&Block::Acls);
    let public = [Block::Policies, Block::OldPolicies, Block::OldAcls];
    let open = public.iter().all(|block| !found.blocked.contains(block));
    let provision = "run `mogile2s3 provision --access-profile contentrepo-legacy`, where the bucket \
                     has objects with --change-access";
    vec![
        Need { fact: "a stock contentrepo can sign its requests", seen: signatures(region) },
        need(
            "a stock contentrepo finds the MD5 of an object in its ETag",
            !kms,
            "SSE-S3",
            "the default encryption is aws:kms, so that each of its reads fails at the end and each \
             write after 5 tries: set SSE-S3 as the default before anything is migrated, or build \
             contentrepo without that comparison",
        ),
        need(
            "the ACL `public-read` of its writes is accepted",
            acls,
            "ACLs are accepted",
            &format!("S3 refuses ACLs here, and so each write of a stock contentrepo: {provision}"),
        ),
        need(
            "its readers can follow unsigned URLs",
            open,
            "public access is not blocked",
            &format!("public access is blocked, and its readers get 403: {provision}"),
        ),
    ]
}

fn need(fact: &'static str, holds: bool, seen: &str, why: &str) -> Need {
    Need { fact, seen: if holds { Ok(seen.to_owned()) } else { Err(why.to_owned()) } }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::blueprint::AccessProfile;

    fn fit() -> BucketState {
        BucketState {
            empty: true,
            ownership: AccessProfile::ContentrepoLegacy.ownership(),
            blocked: AccessProfile::ContentrepoLegacy.blocked(),
            policy: None,
            encryption: Some(Encryption::S3),
            abort_rule: None,
            rules_for_objects: Vec::new(),
            rules_that_delete_files: Vec::new(),
            versioned: false,
        }
    }

    #[test]
    fn each_need_that_is_not_met_is_said_with_a_way_out() {
        let check = |region: &str, found: &BucketState, unmet: &[usize], way_out: &str| {
            let needs = needs(region, found);
            let bad = |at: &usize| needs[*at].seen.is_err();
            let bad: Vec<_> = (0..needs.len()).filter(bad).collect();
            assert_eq!(bad, unmet, "{needs:?}");
            for at in bad {
                let why = needs[at].seen.clone().expect_err("unmet");
                assert!(why.contains(way_out), "{why}");
            }
        };
        check("us-east-1", &fit(), &[], "");
        check("eu-west-1", &fit(), &[0], "AWS_S3_REGION_NAME=us-east-1");
        let kms = BucketState { encryption: Some(Encryption::Kms), ..fit() };
        check("us-east-1", &kms, &[1], "SSE-S3");
        let enforced = BucketState { ownership: Ownership::Enforced, ..fit() };
        check("us-east-1", &enforced, &[2], "--access-profile contentrepo-legacy");
        let acls = BucketState { blocked: BTreeSet::from([Block::Acls]), ..fit() };
        check("us-east-1", &acls, &[2], "--change-access");
        let policies = BucketState { blocked: BTreeSet::from([Block::OldPolicies]), ..fit() };
        check("us-east-1", &policies, &[3], "403");
        // As S3 makes a bucket today.
        let blocked = Block::ALL.iter().copied().collect();
        let as_made = BucketState { ownership: Ownership::Enforced, blocked, ..fit() };
        check("us-east-1", &as_made, &[2, 3], "--change-access");
    }

    #[test]
    fn even_in_us_east_1_it_needs_the_resource() {
        let how = signatures("us-east-1").expect("there is a way");
        assert!(how.contains("awssdk_config_override.json"), "{how}");
    }
}
