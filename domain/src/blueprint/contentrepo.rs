//! What a stock contentrepo needs of a bucket, beside the right to it. Its S3 client is the AWS SDK for
//! Java 1.7.2, as read in its source.

use super::policy::is_public_read;
use super::{AccessProfile, Block, BucketState, Encryption, Ownership};
use crate::S3Bucket;

/// The only region whose buckets it can sign for by Signature V4, with the resource below.
const REGION: &str = "us-east-1";

/// How it can sign requests to buckets of this region, or why it cannot and what can be done. It signs
/// with Signature V2, and S3 refuses that for buckets made after 2020-06-24 (Amazon S3 user guide,
/// "AWS Signature Version 2 turned off"). Regions opened after January 2014 have never taken V2 (Amazon
/// S3 API reference, "Signature Version 2").
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
         {resource}, or take buckets made before that date (not in a region opened after January 2014, \
         such as eu-central-1: it never took such signatures), or build contentrepo with a newer AWS SDK \
         and a region"
    ))
}

/// What to add where a need is not met, and no profile says that a stock contentrepo reads the bucket.
#[must_use]
pub fn without_profile(why: &str) -> String {
    format!(
        "{why}. ACCESS_PROFILE does not say who is to read the bucket: where that is no stock contentrepo, this \
         does not matter"
    )
}

/// One need of a stock contentrepo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What must hold.
    pub fact: &'static str,
    /// What was seen; or why it does not hold, and what to do.
    pub seen: Result<String, String>,
}

/// What it needs of any bucket in this region.
#[must_use]
pub fn signing(region: &str) -> Need {
    Need { fact: "a stock contentrepo can sign its requests", seen: signatures(region) }
}

/// What it needs of this bucket in this region.
#[must_use]
pub fn needs(region: &str, bucket: &S3Bucket, found: &BucketState) -> Vec<Need> {
    let kms = found.encryption == Some(Encryption::Kms);
    let acls = found.ownership != Ownership::Enforced && !found.blocked.contains(&Block::Acls);
    let provision = provision(AccessProfile::ContentrepoLegacy);
    vec![
        signing(region),
        need(
            "a stock contentrepo finds the MD5 of an object in its ETag",
            !kms,
            "SSE-S3",
            "the default encryption is aws:kms or aws:kms:dsse, so that each of its reads of an object \
             in one part fails at the end, and each write after 5 tries: set SSE-S3 as the default before anything is migrated, or build \
             contentrepo without that comparison",
        ),
        need(
            "the ACL `public-read` of its writes is accepted",
            acls,
            "ACLs are accepted",
            &format!("S3 refuses ACLs here, and so each write of a stock contentrepo: {provision}"),
        ),
        Need {
            fact: "its readers can follow unsigned URLs",
            seen: unsigned_reads(
                bucket,
                found,
                &[Block::Policies, Block::OldPolicies, Block::OldAcls],
                &provision,
            ),
        },
    ]
}

/// What anybody needs who follows unsigned URLs, in a bucket of the profile `public-policy`.
#[must_use]
pub fn public_reads(bucket: &S3Bucket, found: &BucketState) -> Vec<Need> {
    let provision = provision(AccessProfile::PublicPolicy);
    let fact = "anybody can follow unsigned URLs";
    vec![
        need(
            "the objects can be read without a right to a key of KMS",
            found.encryption != Some(Encryption::Kms),
            "SSE-S3",
            "the default encryption is aws:kms or aws:kms:dsse, which no anonymous reader can read: \
             set SSE-S3 as the default before anything is migrated",
        ),
        Need {
            fact,
            seen: unsigned_reads(bucket, found, &[Block::Policies, Block::OldPolicies], &provision),
        },
    ]
}

fn provision(profile: AccessProfile) -> String {
    format!(
        "run `mogile2s3 provision`, with --access-profile {profile}, and where the bucket has objects \
         with --change-access"
    )
}

/// Whether anybody can read files by their URLs alone, for which these ways must be open. What the account
/// blocks for all its buckets, no bucket shows; what somebody's own policy allows, only a read shows.
fn unsigned_reads(
    bucket: &S3Bucket,
    found: &BucketState,
    needed: &[Block],
    provision: &str,
) -> Result<String, String> {
    if needed.iter().any(|block| found.blocked.contains(block)) {
        return Err(format!("public access is blocked, and its readers get 403: {provision}"));
    }
    match &found.policy {
        None => Err(format!(
            "no policy lets anybody read the migrated files, and its readers get 403: {provision}"
        )),
        Some(policy) if is_public_read(policy, bucket) => Ok(
            "the policy lets anybody read files, and this bucket does not block it; the account may: \
             aws s3control get-public-access-block"
                .to_owned(),
        ),
        Some(_) => Ok("public access is not blocked. The policy is not the one that `provision` writes: \
                       whether it lets anybody read files, a read without AWS keys shows"
            .to_owned()),
    }
}

fn need(fact: &'static str, holds: bool, seen: &str, why: &str) -> Need {
    Need { fact, seen: if holds { Ok(seen.to_owned()) } else { Err(why.to_owned()) } }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::blueprint::policy::public_read;

    fn bucket() -> S3Bucket {
        S3Bucket::new("corpus-prod").expect("a name")
    }

    fn fit() -> BucketState {
        BucketState {
            empty: true,
            ownership: AccessProfile::ContentrepoLegacy.ownership(),
            blocked: AccessProfile::ContentrepoLegacy.blocked(),
            policy: Some(public_read(&bucket())),
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
            let needs = needs(region, &bucket(), found);
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
        // Nothing is blocked, and nothing is allowed.
        let silent = BucketState { policy: None, ..fit() };
        check("us-east-1", &silent, &[3], "no policy lets anybody read");
        let own = BucketState { policy: Some("{}".to_owned()), ..fit() };
        check("us-east-1", &own, &[], "");
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
