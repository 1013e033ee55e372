//! What is wrong with the buckets for those who read them afterwards is said before anything is
//! migrated.

use stand_ins::embedded::BUCKETS;
use stand_ins::world::bucket::{Encryption, LifecycleRule};

use super::session::Session;

fn expires(prefix: &str) -> LifecycleRule {
    LifecycleRule {
        id: "theirs".to_owned(),
        enabled: true,
        prefix: prefix.to_owned(),
        expire_after_days: Some(30),
        ..LifecycleRule::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_of_a_rule_that_deletes_files() {
    let session = Session::new(91, 4).await;
    let s3 = &session.stage.world.s3;
    let (_, bucket) = BUCKETS[0];
    for (prefix, code) in [("", 1), ("ab", 1), ("logs/", 0)] {
        s3.set_up(bucket, |settings| settings.lifecycle = vec![expires(prefix)]).expect("set up");
        for command in [&["doctor"][..], &["doctor", "--read-only"]] {
            let said = session.said(command, code).await;
            let bad =
                format!("BAD  bucket {bucket}: does not hold: no lifecycle rule deletes files");
            assert_eq!(said.contains(&bad), code == 1, "{prefix}: {said}");
            assert_eq!(
                said.contains("rule `theirs` deletes objects with keys of 40"),
                code == 1,
                "{prefix}: {said}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_contentrepo_is_told_of_before_anything_is_migrated() {
    let mut session = Session::new(92, 4).await;
    let unmet = |said: &str| said.matches("BAD  ").count();
    // As S3 makes buckets: where nobody asks for a stock contentrepo, nothing stops.
    let said = session.said(&["doctor"], 0).await;
    assert_eq!(unmet(&said), 0, "{said}");
    let caution = "!    bucket corpus-prod: does not hold: the ACL `public-read` of its writes";
    assert!(said.contains(caution) && said.contains("ACCESS_PROFILE does not say who"), "{said}");
    session.set("ACCESS_PROFILE", "contentrepo-legacy");
    let said = session.said(&["doctor"], 1).await;
    assert_eq!(unmet(&said), 2 * BUCKETS.len(), "ACLs and public reads of each bucket: {said}");
    assert!(said.contains("--access-profile contentrepo-legacy"), "{said}");
    session.said(&["provision", "--buckets-only", "--change-access"], 0).await;
    let said = session.said(&["doctor"], 0).await;
    assert!(said.contains("awssdk_config_override.json"), "{said}");

    let (_, bucket) = BUCKETS[0];
    let kms = |settings: &mut stand_ins::world::bucket::BucketSettings| {
        settings.encryption = Some(Encryption::Kms);
    };
    session.stage.world.s3.set_up(bucket, kms).expect("set up");
    let said = session.said(&["doctor"], 1).await;
    assert!(unmet(&said) == 1 && said.contains("set SSE-S3 as the default"), "{said}");

    assert_eq!(session.told(&["plan"], 0).await["hazards"], serde_json::json!([]));
    session.set("AWS_S3_REGION_NAME", "eu-west-1");
    let hazard = session.told(&["plan"], 1).await["hazards"][0].to_string();
    for words in ["eu-west-1", "AWS_S3_REGION_NAME=us-east-1", "before that date", "newer AWS SDK"]
    {
        assert!(hazard.contains(words), "{hazard}");
    }
    session.set("ACCESS_PROFILE", "public-policy");
    assert_eq!(session.told(&["plan"], 0).await["hazards"], serde_json::json!([]));
}
