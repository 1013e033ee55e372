use bytes::Bytes;
use domain::ContentHasher;
use domain::content::SourceContent;

use super::*;
use crate::port::VirtualClock;
use crate::world::bucket::{Action, Version};

/// A store with `text` at `here`.
fn objects() -> PortObjects {
    let s3 = S3World::default();
    s3.create_bucket("new-repo").unwrap();
    s3.plant_plain("new-repo", "here", "text").unwrap();
    PortObjects::new(Arc::new(s3), Arc::new(PortFaults::instant()))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    VirtualClock::default().run(future).unwrap()
}

fn target(key: &str, condition: Condition) -> WriteTarget {
    let bucket = S3Bucket::new("new-repo").unwrap();
    WriteTarget {
        address: ObjectAddress { bucket, key: ObjectKey::new(key.to_owned()) },
        condition,
        meta: ObjectMeta::default(),
        length: ByteCount(4),
    }
}

fn content(text: &'static str) -> VerifiedContent {
    let pieces = Box::pin(stream::iter([Ok(Bytes::from(text))]));
    let source = SourceContent { length: ByteCount(text.len() as u64), stream: pieces };
    VerifiedContent::new(source, "a file".into(), ContentHasher::of(text.as_bytes()).sha1)
}

#[test]
fn what_the_policy_denies_is_told_so() {
    let objects = objects();
    let (here, gone) = (target("here", Condition::Absent), target("gone", Condition::Absent));
    let etag = run(objects.head(&here.address)).unwrap().unwrap().etag;
    objects.s3.configure(|options| options.deny(Action::ListBucket));
    assert!(run(objects.head(&here.address)).is_ok());
    let missing = run(objects.head(&gone.address));
    assert!(matches!(missing, Err(StoreError::Denied { .. })), "{missing:?}");
    let listed = run(objects.list(&here.address.bucket, "", None));
    assert!(matches!(listed, Err(StoreError::Denied { .. })), "{listed:?}");

    objects.s3.configure(|options| options.deny(Action::PutObject));
    let put = run(objects.put(&gone, content("text")));
    assert!(matches!(put, Err(StoreError::Denied { .. })), "{put:?}");
    let copied = run(objects.copy(&here.address.key, &gone));
    assert!(matches!(copied, Err(StoreError::Denied { .. })), "{copied:?}");
    objects.s3.configure(|options| options.deny(Action::DeleteObject));
    let deleted = run(objects.delete(&here.address, &etag));
    assert!(matches!(deleted, Err(StoreError::Denied { .. })), "{deleted:?}");
    assert_eq!(objects.s3.objects("new-repo").unwrap().len(), 1);
}

#[test]
fn an_end_that_knows_no_sha1_answers_none() {
    let objects = objects();
    objects.s3.configure(|options| options.answers_no_sha1 = true);
    let (put, copied) = (target("put", Condition::Absent), target("copied", Condition::Absent));
    assert_eq!(run(objects.put(&put, content("text"))).unwrap().sha1, None);
    assert_eq!(run(objects.copy(&put.address.key, &copied)).unwrap().sha1, None);
    assert_eq!(run(objects.head(&copied.address)).unwrap().unwrap().sha1, None);
}

#[test]
fn conditions_look_at_the_current_version_and_older_ones_are_kept() {
    let objects = objects();
    objects.s3.configure(|options| options.versioned = true);
    let here = target("here", Condition::Absent);
    let etag = run(objects.head(&here.address)).unwrap().unwrap().etag;
    let replaced = run(objects.put(&target("here", Condition::Is(etag.clone())), content("more")));
    let replaced = replaced.unwrap().etag;
    let stale = run(objects.delete(&here.address, &etag));
    assert!(matches!(stale, Err(StoreError::Occupied(_))), "{stale:?}");
    run(objects.delete(&here.address, &replaced)).unwrap();
    run(objects.delete(&here.address, &replaced)).unwrap();
    assert_eq!(run(objects.head(&here.address)).unwrap(), None);
    run(objects.put(&here, content("last"))).unwrap();
    let versions = &objects.s3.versions("new-repo").unwrap()["here"];
    let told = versions.iter().map(|version| match version {
        Version::Object(object) => object.content.bytes().clone(),
        Version::DeleteMarker(_) => Bytes::new(),
    });
    assert_eq!(told.collect::<Vec<_>>(), ["text", "more", "", "last"]);
}
