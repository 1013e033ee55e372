use bytes::Bytes;
use domain::{ByteCount, Condition, ListedObject, ObjectKey};
use futures_util::{StreamExt, stream};

use super::{Kind, Stage, bytes_of, whole};

/// More keys than one page takes.
const MANY: usize = 1_013;
/// What S3 puts on a page.
const PAGE: usize = 1_000;

/// Page after page gives every key once, in the order of its bytes.
pub(super) async fn pages(stage: &Stage<'_>) {
    let keys: Vec<_> = (0..MANY).map(|number| format!("many/{number:05}")).collect();
    let content = bytes_of(3);
    stream::iter(&keys)
        .for_each_concurrent(16, |key| stage.plant(key, &content, Kind::Plain))
        .await;

    let (first, more) = list(stage, "many/", None).await;
    assert_eq!((first.len(), more), (PAGE, true));
    let (second, more) = list(stage, "many/", first.last()).await;
    assert!(!more, "{} keys on the second page", second.len());
    let told: Vec<_> = first.iter().chain(&second).map(|object| object.key.as_str()).collect();
    assert_eq!(told, keys);

    let etag = stage.etag(&keys[0]).await;
    let key = ObjectKey::new(keys[0].clone());
    let (length, has_sha1, is_archived) = (ByteCount(3), false, false);
    let last_modified = first[0].last_modified;
    assert!(last_modified.is_some(), "a listing says when an object was written");
    let expected = ListedObject { key, length, etag, last_modified, has_sha1, is_archived };
    assert_eq!(first[0], expected);
    // Exactly one page, and what follows the last key.
    let (page, more) = list(stage, "many/000", None).await;
    assert_eq!((page.len(), more), (100, false));
    let (page, more) = list(stage, "many/", second.last()).await;
    assert_eq!((page.len(), more), (0, false));
}

/// A listing says of which objects a SHA-1 of the whole content is stored: those that a HEAD proves.
pub(super) async fn stored_sha1s(stage: &Stage<'_>) {
    let content = bytes_of(10);
    let large = bytes_of(stage.end.sizes().single_request_bytes + 1);
    stage.plant("sha1/1-plain", &content, Kind::Plain).await;
    stage.plant("sha1/2-parts", &large, Kind::Multipart).await;
    for (key, content) in [("sha1/3-put", &content), ("sha1/4-put-in-parts", &large)] {
        stage.put(key, Condition::Absent, whole(content)).await.expect("stored");
    }
    stage.copy("sha1/1-plain", "sha1/5-copy").await.expect("copied");
    let (listed, _) = list(stage, "sha1/", None).await;
    let listed: Vec<_> = listed.iter().map(|object| object.has_sha1).collect();
    assert_eq!(listed, [false, false, true, false, true]);
}

/// Keys come by their prefix alone: a folder's name is not another's, and a slash in front counts.
pub(super) async fn prefixes(stage: &Stage<'_>) {
    let keys = ["/5/1.fid", "/5/2.fid", "5/1.fid", "5/10.fid", "5/2.fid", "5/Z", "5/a", "50/1.fid"];
    for key in keys {
        stage.plant(key, &Bytes::from_static(b"x"), Kind::Plain).await;
    }
    let check = async |prefix: &str, after: Option<&str>, wanted: &[&str]| {
        let after = after.map(|key| ObjectKey::new(key.to_owned()));
        let page = stage.end.store().list(&stage.end.bucket(), prefix, after.as_ref()).await;
        let page = page.expect("a page");
        let told: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!((told.as_slice(), page.more), (wanted, false), "{prefix} after {after:?}");
    };
    check("5/", None, &keys[2..7]).await;
    check("/5/", None, &keys[..2]).await;
    check("5", None, &keys[2..]).await;
    check("5/", Some("5/10.fid"), &keys[4..7]).await;
    // After a key that is not there, and after one before the prefix.
    check("5/", Some("5/100"), &keys[4..7]).await;
    check("5/", Some("/5/2.fid"), &keys[2..7]).await;
    check("5/", Some("6"), &[]).await;
    check("nothing/", None, &[]).await;
}

async fn list(
    stage: &Stage<'_>,
    prefix: &str,
    after: Option<&ListedObject>,
) -> (Vec<ListedObject>, bool) {
    let after = after.map(|object| &object.key);
    let page = stage.end.store().list(&stage.end.bucket(), prefix, after).await;
    let page = page.expect("a page");
    (page.objects, page.more)
}
