use std::sync::Arc;

use adapters::calls::Calls;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use domain::{Check, Health, S3Bucket, Timestamp};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use tests::contract::ends::s3_of;

/// The facts that do not hold, of all.
pub fn bad(checks: &[Check]) -> Vec<&str> {
    assert_eq!(checks.len(), 8, "{checks:#?}");
    let bad = checks.iter().filter(|check| check.health != Health::Good);
    bad.map(|check| check.fact.as_str()).collect()
}

/// Sends the canaries out, and sees that nothing of them stays.
async fn canaries(world: &EmbeddedWorld, conditionals: Conditionals) -> Vec<Check> {
    let (_, name) = BUCKETS[0];
    let bucket = S3Bucket::new(name).expect("a name");
    let config = s3_of(world).await;
    let calls = Arc::new(Calls::default());
    let store = S3ObjectStore::new(&config, conditionals, Parts::default(), calls);
    let checks = store.canaries(&bucket, Timestamp(1_767_225_600_123)).await;
    assert!(world.s3.objects(name).expect("the bucket").is_empty(), "{checks:#?}");
    assert!(world.s3.uploads(name).expect("the bucket").is_empty(), "{checks:#?}");
    checks
}

#[tokio::test]
async fn every_canary_comes_back_from_a_sound_end() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    for conditionals in [Conditionals::Sound, Conditionals::Unsound] {
        let checks = canaries(&world, conditionals).await;
        assert_eq!(bad(&checks), [""; 0], "{checks:#?}");
    }
}

#[tokio::test]
async fn an_end_without_sha1s_is_told_by_every_canary_that_needs_one() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    world.s3.configure(|options| options.answers_no_sha1 = true);
    let checks = canaries(&world, Conditionals::Sound).await;
    let wanted = [
        "a PUT tells the SHA-1, and so does HEAD",
        "a COPY tells the SHA-1",
        "a COPY of a multipart object tells a full SHA-1",
    ];
    assert_eq!(bad(&checks), wanted, "{checks:#?}");
}
