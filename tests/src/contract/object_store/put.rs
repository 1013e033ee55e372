use bytes::Bytes;
use domain::ports::StoreError;
use domain::{Condition, ETag, Proof, Sha1, SourceError};

use super::{Stage, broken_off, bytes_of, flowing, is_missing, is_occupied, whole};

/// Content of every size arrives with its SHA-1.
pub(super) async fn new_objects(stage: &Stage<'_>) {
    let most = stage.end.sizes().single_request_bytes;
    for length in [0, 1, 7_001, 7_002, 40_000, most] {
        let (key, content) = (format!("put/{length}"), bytes_of(length));
        let stored = stage.put(&key, Condition::Absent, whole(&content)).await;
        let stored = stored.unwrap_or_else(|error| panic!("{length} bytes: {error}"));
        assert_eq!(stored.sha1, Some(Sha1::of(&content)), "{length} bytes");
        assert_eq!(stored.proof, Proof::Put, "{length} bytes");
        assert_eq!(stored.etag, stage.etag(&key).await, "{length} bytes");
        stage.holds(&key, Some(&content), "a new object").await;
    }
}

/// A write is carried out where its condition holds, and changes nothing where it does not.
pub(super) async fn conditions(stage: &Stage<'_>) {
    let [first, second, third] = [100, 200, 300].map(bytes_of);
    let key = "put/conditional";
    let old = stage.put(key, Condition::Absent, whole(&first)).await.expect("stored").etag;
    let again = stage.put(key, Condition::Absent, whole(&second)).await;
    is_occupied("a second creation", again);
    let same = stage.put(key, Condition::Absent, whole(&first)).await;
    is_occupied("the same content again", same);
    stage.holds(key, Some(&first), "refused creations").await;

    let new = stage.put(key, Condition::Is(old.clone()), whole(&second)).await;
    let new = new.expect("replaced");
    assert_eq!(new.sha1, Some(Sha1::of(&second)));
    stage.holds(key, Some(&second), "replaced").await;
    let outdated = stage.put(key, Condition::Is(old), whole(&third)).await;
    is_occupied("a replacement of what is there no more", outdated);
    stage.holds(key, Some(&second), "a stale replacement").await;

    let nothing = stage.put("put/nothing", Condition::Is(new.etag), whole(&third)).await;
    is_missing("a replacement of nothing", nothing);
    stage.holds("put/nothing", None, "a replacement of nothing").await;
}

/// Whatever is wrong with the source, it is told as the source's, and nothing changes.
pub(super) async fn failing_sources(stage: &Stage<'_>) {
    let sizes = stage.end.sizes();
    let old = bytes_of(50);
    let there = "put/there";
    let etag = stage.put(there, Condition::Absent, whole(&old)).await.expect("stored").etag;
    // In one request, in parts, and in parts of which one arrived before the end.
    for length in [1, 20_000, sizes.single_request_bytes + 1, sizes.part_bytes * 2 + 1] {
        for (key, condition, holds) in [
            ("put/free", Condition::Absent, None),
            (there, Condition::Is(etag.clone()), Some(&old)),
        ] {
            each_failure(stage, length, key, &condition, holds).await;
        }
    }
    let empty = flowing(&Bytes::new(), 0, Sha1::of(b"something"), None);
    let answer = stage.put("put/free", Condition::Absent, empty).await;
    let told = matches!(answer, Err(StoreError::Source(SourceError::WrongContent { .. })));
    assert!(told, "nothing in place of something: {answer:?}");
    stage.holds("put/free", None, "nothing in place of something").await;

    // That it is occupied may be told first; the source's failure is as true.
    let broken = flowing(&bytes_of(5_000), 20_000, Sha1::of(b""), Some(broken_off()));
    let answer = stage.put(there, Condition::Is(ETag("0".repeat(32))), broken).await;
    let told = matches!(answer, Err(StoreError::Source(_) | StoreError::Occupied(_)));
    assert!(told, "a broken source for an occupied place: {answer:?}");
    stage.holds(there, Some(&old), "a broken source for an occupied place").await;
}

async fn each_failure(
    stage: &Stage<'_>,
    length: usize,
    key: &str,
    condition: &Condition,
    holds: Option<&Bytes>,
) {
    let (content, right) = (bytes_of(length), Sha1::of(&bytes_of(length)));
    let half = content.slice(..length - length / 2 - 1);
    let check = async |what: &str, source, wanted: fn(&SourceError) -> bool| {
        let answer = stage.put(key, condition.clone(), source).await;
        let told = matches!(&answer, Err(StoreError::Source(error)) if wanted(error));
        assert!(told, "{length} bytes, {what}: {answer:?}");
        stage.holds(key, holds, what).await;
        let unfinished = stage.end.unfinished_uploads().await.expect("a count");
        assert_eq!(unfinished, 0, "{length} bytes, {what}");
    };
    let wrong_content = flowing(&content, length, Sha1::of(b"another"), None);
    check("of another SHA-1", wrong_content, |error| {
        matches!(error, SourceError::WrongContent { .. })
    })
    .await;
    let truncated = flowing(&half, length, right, None);
    check("truncated", truncated, |error| matches!(error, SourceError::WrongLength { .. })).await;
    let too_long = flowing(&bytes_of(length + 7_001), length, right, None);
    check("too long", too_long, |error| matches!(error, SourceError::WrongLength { .. })).await;
    let broken = flowing(&half, length, right, Some(broken_off()));
    check("broken off", broken, |error| matches!(error, SourceError::Unreachable { .. })).await;
}
