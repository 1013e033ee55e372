//! What the options make of writes and deletes.

use super::*;

/// The versions of a key, by content; `-` is a delete marker.
fn versions(world: &S3World, key: &str) -> Vec<String> {
    let versions = world.versions("b").unwrap().remove(key).unwrap_or_default();
    let told = versions.into_iter().map(|version| match version {
        Version::Object(object) => String::from_utf8_lossy(object.content.bytes()).into_owned(),
        Version::DeleteMarker(_) => "-".to_owned(),
    });
    told.collect()
}

#[test]
fn only_a_versioned_bucket_keeps_the_past() {
    let world = world();
    world.put("b", "here", put("new", Condition::None)).unwrap();
    assert_eq!(versions(&world, "here"), ["new"]);
    assert_eq!(world.delete("b", "here", &Condition::None), Ok(None));
    assert_eq!(versions(&world, "here"), [""; 0]);

    world.configure(|options| options.versioned = true);
    world.put("b", "here", put("old", Condition::Absent)).unwrap();
    world.plant_plain("b", "here", "other").unwrap();
    world.copy("b", "here", copy("parts", Condition::Present)).unwrap();
    assert!(world.delete("b", "here", &Condition::None).unwrap().is_some());
    // A key without an object gets its marker too, unless the condition asks for an object.
    assert!(world.delete("b", "here", &Condition::None).unwrap().is_some());
    assert_eq!(world.delete("b", "here", &Condition::Present), Err(StoreError::NoSuchKey));
    assert_eq!(versions(&world, "here"), ["old", "other", "several parts", "-", "-"]);
    world.put("b", "here", put("new", Condition::Absent)).unwrap();
    assert_eq!(versions(&world, "here").last().map(String::as_str), Some("new"));
    assert_eq!(world.objects("b").unwrap().len(), 2);
}

#[test]
fn under_kms_no_etag_is_an_md5() {
    let world = world();
    world.configure(|options| options.encryption = Encryption::Kms);
    let first = world.put("b", "here", put("new", Condition::None)).unwrap();
    let again = world.put("b", "here", put("new", Condition::None)).unwrap();
    assert!(first.etag != NEW && again.etag != NEW && first.etag != again.etag);
    assert_eq!(etag(&world, "here"), Some(again.etag.clone()));
    world.put("b", "here", put("old", Condition::ETag(again.etag))).unwrap();

    let id = world.create_upload("b", "up", UploadRequest::default()).unwrap();
    let part = PartRequest {
        number: 1,
        content: Content::of("new"),
        expected_md5: Some(Content::of("new").md5()),
        checksum: None,
    };
    let part = world.upload_part("b", "up", &id, part).unwrap();
    assert_ne!(part.etag, NEW);
    let parts = vec![ClaimedPart { number: 1, etag: part.etag, sha1: None }];
    let end = CompleteRequest { parts, ..CompleteRequest::default() };
    let whole = world.complete_upload("b", "up", &id, &end).unwrap();
    assert!(whole.etag.ends_with("-1") && whole.checksum.is_none(), "{}", whole.etag);
}

#[test]
fn a_denial_is_of_an_action_below_a_prefix() {
    let world = world();
    let denial = Denial { action: Some(Action::PutObject), key_prefix: "he".into() };
    world.configure(|options| options.denials.push(denial));
    let denied = |key| world.put("b", key, put("new", Condition::None)).err();
    assert_eq!(denied("here"), Some(StoreError::AccessDenied));
    assert_eq!(denied("there"), None);
    assert_eq!(etag(&world, "here").as_deref(), Some(OLD));
    let begun = world.create_upload("b", "here", UploadRequest::default());
    assert_eq!(begun, Err(StoreError::AccessDenied));
    assert_eq!(world.delete("b", "here", &Condition::None), Ok(None));
}
