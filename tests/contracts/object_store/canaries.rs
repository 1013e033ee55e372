use std::sync::Arc;

use adapters::calls::Calls;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use bytes::Bytes;
use domain::{Check, Health, S3Bucket, Timestamp};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;
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
        "the answers to a PUT and a HEAD have the SHA-1",
        "the answer to a COPY has the SHA-1",
        "the answer to a COPY of a multipart object has a full SHA-1",
    ];
    assert_eq!(bad(&checks), wanted, "{checks:#?}");
}

/// A conditional DELETE is answered by 500: nothing was seen of what the end does with one.
#[tokio::test]
async fn an_end_that_fails_is_not_taken_for_an_unsound_one() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    for conditionals in [Conditionals::Sound, Conditionals::Unsound] {
        let fault = Fault::Refuse { status: 500, code: "InternalError".to_owned() };
        let operation = Some("DELETE".to_owned());
        let rule = Rule { operation, times: 1, ..Rule::always(Service::S3, fault) };
        world.faults.add(rule);
        let checks = canaries(&world, conditionals).await;
        assert_eq!(
            bad(&checks),
            ["a DELETE with another object's ETag is refused and leaves the object alone"]
        );
        let told = checks.iter().find(|check| check.health == Health::Bad).expect("one");
        assert!(!told.detail.contains("S3_CONDITIONAL_COPY"), "{told:?}");
        world.faults.clear();
    }
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_keeps_none_of_the_canaries() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    world.s3.configure(|options| options.versioned = true);
    let (_, name) = BUCKETS[0];
    // What the doctor's copy of an intermediary leaves; and somebody's own version.
    let others = ["mogile2s3-canary/copy-of-an-intermediary", "mogile2s3-canary-of-mine"];
    for key in others {
        world.s3.plant_plain(name, key, Bytes::from_static(b"a")).expect("the bucket");
        world.s3.delete(name, key, &Condition::None).expect("it was there");
    }
    let checks = canaries(&world, Conditionals::Sound).await;
    assert_eq!(bad(&checks), [""; 0], "{checks:#?}");
    let left: Vec<_> = world.s3.versions(name).expect("the bucket").into_keys().collect();
    assert_eq!(left, ["mogile2s3-canary-of-mine"]);
}
