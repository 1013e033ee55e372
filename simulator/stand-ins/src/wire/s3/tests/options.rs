//! What the options of the world change in its answers.

use aws_sdk_s3::types::ServerSideEncryption;

use super::*;
use crate::world::bucket::{Action, Denial, Encryption, Version};

#[tokio::test]
async fn a_versioned_bucket_keeps_what_was_replaced_and_deleted() {
    let store = Store::new().await;
    store.world.configure(|options| options.versioned = true);
    store.put("a", "first", "first").await.unwrap();
    let etag = format!("\"{}\"", store.object("a").unwrap().etag);
    let put = store.client.put_object().bucket("bucket").key("a").if_match(&etag);
    let put = put.body(ByteStream::from_static(b"second")).send().await.unwrap();
    assert!(put.version_id().is_some());
    assert_eq!(store.delete("a", Some(&etag)).await, Err("412 PreconditionFailed".into()));
    let deleted = store.client.delete_object().bucket("bucket").key("a").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    assert_eq!(store.object("a"), None);
    // A condition is one of the current version, and there is none.
    assert_eq!(store.delete("a", Some(&etag)).await, Err("404 NoSuchKey".into()));
    let listed = store.client.list_objects_v2().bucket("bucket").send().await.unwrap();
    assert_eq!(listed.contents().len(), 0);
    store.put("a", "third", "third").await.unwrap();

    let versions = &store.world.versions("bucket").unwrap()["a"];
    let told = versions.iter().map(|version| match version {
        Version::Object(object) => String::from_utf8(object.content.bytes().to_vec()).unwrap(),
        Version::DeleteMarker(marker) => marker.version_id.clone(),
    });
    let marker = deleted.version_id().unwrap();
    assert_eq!(told.collect::<Vec<_>>(), ["first", "second", marker, "third"]);
}

#[tokio::test]
async fn what_kms_encrypts_has_an_etag_that_is_no_md5() {
    let store = Store::new().await;
    let md5 = "\"1cb251ec0d568de6a929b520c4aed8d1\""; // of `text`
    let head = || store.client.head_object().bucket("bucket").key("a").send();
    store.put("a", "text", "text").await.unwrap();
    let plain = head().await.unwrap();
    assert_eq!(plain.e_tag(), Some(md5));
    assert_eq!(plain.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
    store.world.configure(|options| options.encryption = Encryption::Kms);
    assert_eq!(head().await.unwrap().e_tag(), Some(md5));
    store.copy("a", "a", Some(md5)).await.unwrap();
    let encrypted = head().await.unwrap();
    assert_eq!(encrypted.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_ne!(encrypted.e_tag(), Some(md5));
    store.copy("a", "a", encrypted.e_tag()).await.unwrap();
    assert_ne!(head().await.unwrap().e_tag(), encrypted.e_tag());
}

fn denied<T>() -> Result<T, String> {
    Err("403 AccessDenied".to_owned())
}

#[tokio::test]
async fn a_missing_right_is_a_403_and_changes_nothing() {
    use Action::{DeleteObject, GetObject, ListBucket, PutObject};
    let store = Store::new().await;
    store.world.plant_plain("bucket", "here", "text").unwrap();
    let set = |denials: &[Action]| {
        store.world.configure(|options| {
            options.denials.clear();
            for &action in denials {
                options.deny(action);
            }
        });
    };
    let head = async |key: &'static str| {
        let head = store.client.head_object().bucket("bucket").key(key).send().await;
        // The answer to a HEAD has no body, and so no code.
        head.map(drop).map_err(|error| error.raw_response().unwrap().status().as_u16())
    };
    set(&[PutObject]);
    assert_eq!(store.put("new", "text", "text").await, denied());
    assert_eq!(store.copy("here", "new", None).await, denied());
    assert_eq!(head("new").await, Err(404));
    set(&[GetObject]);
    assert_eq!(store.copy("here", "new", None).await, denied());
    assert_eq!(store.delete("here", Some("\"00\"")).await, denied());
    assert_eq!(head("here").await, Err(403));
    set(&[ListBucket]);
    assert_eq!((head("here").await, head("new").await), (Ok(()), Err(403)));
    assert_eq!(store.copy("gone", "new", None).await, denied());
    let list = store.client.list_objects_v2().bucket("bucket").send().await.unwrap_err();
    assert_eq!(code(&list), "403 AccessDenied");
    set(&[DeleteObject]);
    assert_eq!(store.delete("here", None).await, denied());
    let elsewhere = Denial { action: None, key_prefix: "0/".to_owned() };
    store.world.configure(|options| options.denials = vec![elsewhere]);
    assert_eq!(store.copy("0/a.fid", "new", None).await, denied());
    assert_eq!(store.delete("here", None).await, Ok(()));
    assert_eq!(store.world.objects("bucket").unwrap().len(), 0);
}

#[tokio::test]
async fn an_end_that_knows_no_sha1_answers_none() {
    let store = Store::new().await;
    store.world.configure(|options| options.answers_no_sha1 = true);
    let put = store.client.put_object().bucket("bucket").key("a").checksum_sha1(sha1("text"));
    let put = put.body(ByteStream::from_static(b"text")).send().await.unwrap();
    assert_eq!((put.checksum_sha1(), put.checksum_type()), (None, None));
    let copy = store.client.copy_object().bucket("bucket").key("b").copy_source("bucket/a");
    let copy = copy.checksum_algorithm(ChecksumAlgorithm::Sha1).send().await.unwrap();
    assert_eq!(copy.copy_object_result().unwrap().checksum_sha1(), None);
    let head = store.client.head_object().bucket("bucket").key("b");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!((head.checksum_sha1(), head.checksum_type()), (None, None));
    let listed = store.client.list_objects_v2().bucket("bucket").send().await.unwrap();
    assert!(listed.contents().iter().all(|object| object.checksum_algorithm().is_empty()));
}

#[tokio::test]
async fn a_write_with_an_acl_is_refused_unless_the_buckets_take_them() {
    use aws_sdk_s3::types::ObjectCannedAcl;

    let store = Store::new().await;
    let put = async |acl: ObjectCannedAcl| {
        let put = store.client.put_object().bucket("bucket").key("a").acl(acl);
        let answer = put.body(ByteStream::from_static(b"text")).send().await;
        answer.map(drop).map_err(|error| {
            let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
            (status, error.code().unwrap_or_default().to_owned())
        })
    };
    let refused = Err((400, "AccessControlListNotSupported".to_owned()));
    assert_eq!(put(ObjectCannedAcl::PublicRead).await, refused);
    assert_eq!(store.object("a"), None);
    assert_eq!(put(ObjectCannedAcl::BucketOwnerFullControl).await, Ok(()));
    store.world.configure(|options| options.takes_acls = true);
    assert_eq!(put(ObjectCannedAcl::PublicRead).await, Ok(()));
}
