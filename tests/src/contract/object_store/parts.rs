use domain::{Condition, Proof, Sha1};

use super::{Stage, bytes_of, is_missing, is_occupied, whole};

/// Content above what one request takes arrives whole and proven, however its parts fall.
pub(super) async fn whole_in_parts(stage: &Stage<'_>) {
    let sizes = stage.end.sizes();
    let above = sizes.single_request_bytes + 1;
    let even = sizes.part_bytes * (above.div_ceil(sizes.part_bytes) + 1);
    for length in [above, even, even + 1] {
        let (key, content) = (format!("parts/{length}"), bytes_of(length));
        let stored = stage.put(&key, Condition::Absent, whole(&content)).await;
        let stored = stored.unwrap_or_else(|error| panic!("{length} bytes: {error}"));
        assert_eq!(stored.sha1, Some(Sha1::of(&content)), "{length} bytes");
        assert_eq!(stored.proof, Proof::Multipart, "{length} bytes");
        assert_eq!(stored.etag, stage.etag(&key).await, "{length} bytes");
        stage.holds(&key, Some(&content), "in parts").await;
        // What is stored with it is a composite, which proves nothing to whoever comes later.
        let found = stage.end.store().head(&stage.at(&key)).await.expect("an answer");
        assert_eq!(found.expect("an object").sha1, None, "{length} bytes");
    }
}

/// The condition is the whole's, and nothing half stays where it does not hold.
pub(super) async fn conditions(stage: &Stage<'_>) {
    let above = stage.end.sizes().single_request_bytes;
    let [old, first, second] = [40, above + 1, above + 2].map(bytes_of);
    let key = "parts/conditional";
    let etag = stage.put(key, Condition::Absent, whole(&old)).await.expect("stored").etag;
    is_occupied("a creation", stage.put(key, Condition::Absent, whole(&first)).await);
    stage.holds(key, Some(&old), "a refused creation in parts").await;

    stage.put(key, Condition::Is(etag.clone()), whole(&first)).await.expect("replaced");
    stage.holds(key, Some(&first), "replaced in parts").await;
    let outdated = stage.put(key, Condition::Is(etag.clone()), whole(&second)).await;
    is_occupied("a stale replacement", outdated);
    stage.holds(key, Some(&first), "a stale replacement in parts").await;

    let nothing = stage.put("parts/nothing", Condition::Is(etag), whole(&second)).await;
    is_missing("a replacement of nothing", nothing);
    stage.holds("parts/nothing", None, "a replacement of nothing in parts").await;
    assert_eq!(stage.end.unfinished_uploads().await.expect("a count"), 0, "nothing half");
}
