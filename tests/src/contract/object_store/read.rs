use bytes::{Bytes, BytesMut};
use domain::ports::StoreError;
use domain::{ByteCount, Condition, ETag, Sha1};
use futures_util::TryStreamExt;

use super::{Kind, Stage, bytes_of, is_missing, is_occupied, whole};

/// HEAD tells length and entity tag, and a SHA-1 only if it is one of the whole content.
pub(super) async fn heads(stage: &Stage<'_>) {
    let content = bytes_of(9_000);
    stage.put("head/with-sha1", Condition::Absent, whole(&content)).await.expect("stored");
    stage.plant("head/plain", &content, Kind::Plain).await;
    stage.plant("head/composite", &content, Kind::Multipart).await;
    for (key, sha1) in [
        ("head/with-sha1", Some(Sha1::of(&content))),
        ("head/plain", None),
        ("head/composite", None),
    ] {
        let found = stage.end.store().head(&stage.at(key)).await.expect("an answer");
        let found = found.unwrap_or_else(|| panic!("{key} is there"));
        assert_eq!((found.sha1, found.length), (sha1, ByteCount(9_000)), "{key}");
        assert!(!found.etag.0.is_empty() && !found.etag.0.contains('"'), "{key}: {found:?}");
    }
    let absent = stage.end.store().head(&stage.at("head/absent")).await.expect("an answer");
    assert_eq!(absent, None);
}

/// What is read is the object that was meant, or nothing.
pub(super) async fn contents(stage: &Stage<'_>) {
    for length in [0, 1, 100_000] {
        let (key, content) = (format!("read/{length}"), bytes_of(length));
        stage.plant(&key, &content, Kind::Plain).await;
        let read = read(stage, &key, &stage.etag(&key).await).await.expect("content");
        assert!(read == content, "{length} bytes");
    }
    let parts = bytes_of(stage.end.sizes().part_bytes + 1);
    stage.plant("read/parts", &parts, Kind::Multipart).await;
    let etag = stage.etag("read/parts").await;
    assert!(read(stage, "read/parts", &etag).await.expect("content") == parts, "of parts");

    is_occupied("another's etag", read(stage, "read/1", &etag).await);
    is_missing("nothing", read(stage, "read/nothing", &etag).await);
}

/// What is deleted is the object that was meant, or nothing.
pub(super) async fn deletions(stage: &Stage<'_>) {
    let [old, new] = [20, 21].map(bytes_of);
    stage.plant("delete/it", &old, Kind::Plain).await;
    let outdated = stage.etag("delete/it").await;
    stage.plant("delete/it", &new, Kind::Plain).await;
    let etag = stage.etag("delete/it").await;
    let delete = async |key, etag| stage.end.store().delete(&stage.at(key), etag).await;
    is_occupied("another's etag", delete("delete/it", &outdated).await);
    stage.holds("delete/it", Some(&new), "a refused deletion").await;
    for again in ["the first", "another"] {
        delete("delete/it", &etag).await.unwrap_or_else(|error| panic!("{again}: {error}"));
        stage.holds("delete/it", None, "deleted").await;
    }
}

async fn read(stage: &Stage<'_>, key: &str, etag: &ETag) -> Result<Bytes, StoreError> {
    let pieces = stage.end.store().read(&stage.at(key), etag).await?;
    let whole = pieces.try_fold(BytesMut::new(), async |mut whole, piece| {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    whole.await.map(BytesMut::freeze)
}
