use super::*;

mod kept;
mod races;

const OLD: &str = "149603e6c03516362a8da23f624db945"; // MD5 of `old`
const NEW: &str = "22af645d1859cb5ca6da0c484f1f37ea"; // MD5 of `new`

/// A bucket with `old` at `here`, a multipart object at `parts`, and nothing at `gone`.
fn world() -> S3World {
    let world = S3World::with_clock(Arc::new(|| SystemTime::UNIX_EPOCH));
    world.create_bucket("b").unwrap();
    world.plant_plain("b", "here", "old").unwrap();
    world.plant_multipart("b", "parts", "several parts", 2).unwrap();
    world
}

fn put(text: &'static str, condition: Condition) -> PutRequest {
    PutRequest { condition, ..PutRequest::new(Content::of(text)) }
}

fn copy(key: &str, condition: Condition) -> CopyRequest {
    CopyRequest {
        source_bucket: "b".into(),
        source_key: key.into(),
        source_condition: Condition::None,
        compute_sha1: true,
        replace_attributes: None,
        condition,
    }
}

fn etag(world: &S3World, key: &str) -> Option<String> {
    world.get("b", key, &Condition::None).ok().map(|object| object.etag)
}

/// A condition, its outcome on an object with the tag [`OLD`], and on a missing key.
type Row = (Condition, Result<(), StoreError>, Result<(), StoreError>);

fn conditions() -> [Row; 5] {
    use StoreError::{NoSuchKey, PreconditionFailed};
    [
        (Condition::None, Ok(()), Ok(())),
        (Condition::Absent, Err(PreconditionFailed), Ok(())),
        (Condition::Present, Ok(()), Err(NoSuchKey)),
        (Condition::ETag(OLD.into()), Ok(()), Err(NoSuchKey)),
        (Condition::ETag(NEW.into()), Err(PreconditionFailed), Err(NoSuchKey)),
    ]
}

#[test]
fn a_condition_decides_every_write_and_a_refused_one_changes_nothing() {
    for (condition, on_old, on_missing) in conditions() {
        for (key, before, expected) in [("here", Some(OLD), on_old), ("gone", None, on_missing)] {
            let check = |name: &str, act: &dyn Fn(&S3World) -> Result<(), StoreError>, after| {
                let world = world();
                assert_eq!(act(&world), expected, "{name} {key} {condition:?}");
                let after = if expected.is_ok() { after } else { before };
                assert_eq!(etag(&world, key).as_deref(), after, "{name} {key} {condition:?}");
            };
            check(
                "put",
                &|world| world.put("b", key, put("new", condition.clone())).map(drop),
                Some(NEW),
            );
            check(
                "copy",
                &|world| {
                    world.plant_plain("b", "source", "new")?;
                    world.copy("b", key, copy("source", condition.clone())).map(drop)
                },
                Some(NEW),
            );
            check("delete", &|world| world.delete("b", key, &condition).map(drop), None);
        }
    }
}

#[test]
fn a_wrong_digest_stores_nothing_and_a_right_sha1_is_kept() {
    let world = world();
    let right = Content::of("new");
    let wrong = Content::of("other");
    for put in [
        PutRequest { expected_sha1: Some(wrong.sha1()), ..PutRequest::new(right.clone()) },
        PutRequest { expected_md5: Some(wrong.md5()), ..PutRequest::new(right.clone()) },
    ] {
        assert_eq!(world.put("b", "here", put), Err(StoreError::BadDigest));
        assert_eq!(etag(&world, "here").as_deref(), Some(OLD));
    }
    let kept = PutRequest { expected_sha1: Some(right.sha1()), ..PutRequest::new(right.clone()) };
    let stored = world.put("b", "here", kept).unwrap();
    assert_eq!(stored.checksum, Some(StoredChecksum::sha1_of(&right)));
    assert_eq!(world.put("b", "here", PutRequest::new(right)).unwrap().checksum, None);
}

#[test]
fn a_copy_of_several_parts_has_a_checksum_of_its_whole_content() {
    let world = world();
    let whole = StoredChecksum::sha1_of(&Content::of("several parts"));
    let source = world.get("b", "parts", &Condition::None).unwrap();
    assert_ne!(source.checksum.unwrap().value, whole.value);
    for compute_sha1 in [true, false] {
        let copy = CopyRequest { compute_sha1, ..copy("parts", Condition::None) };
        let copied = world.copy("b", "copy", copy).unwrap();
        assert_eq!(copied.checksum.as_ref(), Some(&whole));
        assert!(!copied.etag.contains('-'));
    }
    let unasked = CopyRequest { compute_sha1: false, ..copy("here", Condition::None) };
    assert_eq!(world.copy("b", "copy", unasked).unwrap().checksum, None);
}

#[test]
fn metadata_have_an_end() {
    let world = world();
    let named = |bytes: usize| {
        // The names of both headers count, too.
        let (content_type, disposition) = ("text/plain".to_owned(), "n".repeat(bytes - 41));
        let (content_type, content_disposition) = (Some(content_type), Some(disposition));
        Attributes { content_type, content_disposition, ..Attributes::default() }
    };
    let kept = |bytes: usize| {
        let metadata = BTreeMap::from([("n".to_owned(), "v".repeat(bytes - 1))]);
        Attributes { metadata, ..Attributes::default() }
    };
    for (attributes, answer) in [
        (named(2048), Ok(())),
        (named(2049), Err(StoreError::MetadataTooLarge)),
        (kept(2048), Ok(())),
        (kept(2049), Err(StoreError::MetadataTooLarge)),
    ] {
        let put =
            PutRequest { attributes: attributes.clone(), ..PutRequest::new(Content::of("x")) };
        assert_eq!(world.put("b", "put", put).map(drop), answer);
        let upload = UploadRequest { attributes, ..UploadRequest::default() };
        assert_eq!(world.create_upload("b", "parts", upload).map(drop), answer);
    }
}

#[test]
fn attributes_go_along_with_a_copy_unless_replaced() {
    let world = world();
    let typed = |kind: &str| Attributes { content_type: Some(kind.into()), ..Default::default() };
    let source = PutRequest { attributes: typed("image/png"), ..PutRequest::new(Content::of("x")) };
    world.put("b", "source", source).unwrap();
    let copied = world.copy("b", "copy", copy("source", Condition::None)).unwrap();
    assert_eq!(copied.attributes, typed("image/png"));
    let replacing = CopyRequest {
        replace_attributes: Some(typed("text/xml")),
        ..copy("source", Condition::None)
    };
    assert_eq!(world.copy("b", "source", replacing).unwrap().attributes, typed("text/xml"));
}

#[test]
fn one_request_has_its_limit_and_a_copy_onto_itself_must_change_something() {
    let world = world();
    let same = CopyRequest { compute_sha1: false, ..copy("here", Condition::None) };
    assert_eq!(world.copy("b", "here", same), Err(StoreError::CopyOntoItself));
    world.set_single_request_limit_bytes(2);
    let put = world.put("b", "new", put("new", Condition::None));
    assert_eq!(put, Err(StoreError::EntityTooLarge));
    let copied = world.copy("b", "new", copy("here", Condition::None));
    assert_eq!(copied, Err(StoreError::CopySourceTooLarge));
}

#[test]
fn missing_buckets_and_sources_are_told_apart() {
    let world = world();
    assert_eq!(world.create_bucket("b"), Err(StoreError::BucketAlreadyOwnedByYou));
    assert_eq!(world.head_bucket("c"), Err(StoreError::NoSuchBucket));
    assert_eq!(world.delete("c", "here", &Condition::None), Err(StoreError::NoSuchBucket));
    let to_nowhere = world.copy("c", "here", copy("here", Condition::None));
    assert_eq!(to_nowhere, Err(StoreError::NoSuchBucket));
    let from_nothing = world.copy("b", "here", copy("gone", Condition::None));
    assert_eq!(from_nothing, Err(StoreError::NoSuchKey));
}
