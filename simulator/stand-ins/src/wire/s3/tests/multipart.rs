//! Multipart uploads, from their beginning to either end.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use sha1::{Digest, Sha1};

use super::*;
use crate::world::bucket::UploadId;

/// An upload with SHA-1 to `bucket/big`.
struct BigUpload {
    store: Store,
    id: String,
}

impl BigUpload {
    /// Parts may be of four bytes and more.
    async fn new() -> Self {
        let store = Store::new().await;
        store.world.configure(|options| options.minimum_part_bytes = 4);
        let id = Self::begun(&store).await;
        Self { store, id }
    }

    async fn begun(store: &Store) -> String {
        let create = store.client.create_multipart_upload().bucket("bucket").key("big");
        let create = create.checksum_algorithm(ChecksumAlgorithm::Sha1);
        let create = create.checksum_type(ChecksumType::Composite).content_type("image/tiff");
        let answer = create.metadata("made-by", "a test").send().await.unwrap();
        assert_eq!(answer.checksum_algorithm(), Some(&ChecksumAlgorithm::Sha1));
        answer.upload_id().unwrap().to_owned()
    }

    /// Sends a part with the SHA-1 of `claimed`, if any; its name for the end of the upload.
    async fn part(
        &self,
        number: i32,
        text: &'static str,
        claimed: Option<&str>,
    ) -> Result<CompletedPart, String> {
        let part = self.store.client.upload_part().bucket("bucket").key("big");
        let part = part.upload_id(&self.id).part_number(number);
        let part = part.set_checksum_sha1(claimed.map(sha1));
        let sent = part.body(ByteStream::from_static(text.as_bytes())).send().await;
        let answer = sent.map_err(|error| code(&error))?;
        assert_eq!(answer.checksum_sha1().map(str::to_owned), claimed.map(sha1));
        let named = CompletedPart::builder().part_number(number);
        let named = named.set_e_tag(answer.e_tag).set_checksum_sha1(answer.checksum_sha1);
        Ok(named.build())
    }

    async fn parts(&self, texts: &[&'static str]) -> Vec<CompletedPart> {
        let mut parts = Vec::new();
        for (number, text) in (1..).zip(texts) {
            parts.push(self.part(number, text, Some(text)).await.unwrap());
        }
        parts
    }

    /// The end of the upload with these parts, not sent yet.
    fn end(&self, parts: Vec<CompletedPart>) -> CompleteMultipartUploadFluentBuilder {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let end = self.store.client.complete_multipart_upload().bucket("bucket").key("big");
        end.upload_id(&self.id).multipart_upload(parts)
    }

    fn is_under_way(&self) -> bool {
        self.store.world.uploads("bucket").unwrap().contains_key(&UploadId(self.id.clone()))
    }
}

/// The code of the refusal, whatever the answer was else.
fn refusal(
    answer: Result<CompleteMultipartUploadOutput, SdkError<CompleteMultipartUploadError>>,
) -> String {
    code(&answer.unwrap_err())
}

/// The composite checksum of these parts.
fn composite(texts: &[&str]) -> String {
    let sha1s = texts.iter().map(|text| Sha1::digest(text.as_bytes())).collect::<Vec<_>>();
    format!("{}-{}", BASE64.encode(&Sha1::digest(sha1s.concat())), texts.len())
}

#[tokio::test]
async fn parts_become_an_object_with_a_composite_checksum() {
    let upload = BigUpload::new().await;
    upload.part(2, "replaced", Some("replaced")).await.unwrap();
    let parts = upload.parts(&["first", "second", "3"]).await;
    upload.part(7, "left out", Some("left out")).await.unwrap();
    let whole = composite(&["first", "second", "3"]);
    let end = upload.end(parts).if_none_match("*").checksum_sha1(&whole).mpu_object_size(12);
    let answer = end.send().await.unwrap();
    assert_eq!(answer.checksum_sha1(), Some(whole.as_str()));
    assert_eq!(answer.checksum_type(), Some(&ChecksumType::Composite));
    assert!(answer.e_tag().unwrap().ends_with("-3\""), "{answer:?}");
    assert!(!upload.is_under_way());

    let store = &upload.store;
    let object = store.object("big").unwrap();
    assert_eq!(object.content, Content::of("firstsecond3"));
    assert_eq!(object.attributes.content_type.as_deref(), Some("image/tiff"));
    assert_eq!(object.attributes.metadata["made-by"], "a test");
    assert_eq!(answer.e_tag(), Some(format!("\"{}\"", object.etag).as_str()));
    let head = store.client.head_object().bucket("bucket").key("big");
    let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(head.checksum_sha1(), Some(whole.as_str()));
    assert_eq!(store.copy("big", "copy", None).await, Ok(sha1("firstsecond3")));
    for (operation, count) in [("CREATE_MULTIPART", 1), ("PART", 5), ("COMPLETE", 1)] {
        let counted = store.faults.counts().get(&(Service::S3, operation.into())).copied();
        assert_eq!(counted, Some(count), "{operation}");
    }
}

#[tokio::test]
async fn a_part_has_its_own_sha1_and_a_number_within_bounds() {
    let upload = BigUpload::new().await;
    for (number, claimed, expected) in [
        (1, Some("other"), "400 BadDigest"),
        (1, None, "400 InvalidRequest"),
        (0, Some("text"), "400 InvalidArgument"),
        (10_001, Some("text"), "400 InvalidArgument"),
    ] {
        assert_eq!(upload.part(number, "text", claimed).await, Err(expected.into()), "{number}");
    }
    upload.part(10_000, "text", Some("text")).await.unwrap();
    let uploads = upload.store.world.uploads("bucket").unwrap();
    assert_eq!(uploads.values().next().unwrap().parts.len(), 1);
}

#[tokio::test]
async fn an_upload_has_a_composite_sha1_or_none() {
    let store = Store::new().await;
    for (algorithm, kind, expected) in [
        (None, None, Ok(())),
        (Some(ChecksumAlgorithm::Sha1), None, Ok(())),
        (Some(ChecksumAlgorithm::Sha1), Some(ChecksumType::FullObject), Err("400 InvalidRequest")),
        (None, Some(ChecksumType::Composite), Err("400 InvalidRequest")),
        (Some(ChecksumAlgorithm::Crc32), None, Err("501 NotImplemented")),
    ] {
        let create = store.client.create_multipart_upload().bucket("bucket").key("big");
        let create = create.set_checksum_algorithm(algorithm).set_checksum_type(kind);
        let begun = create.send().await.map(drop).map_err(|error| code(&error));
        assert_eq!(begun, expected.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn a_refused_end_leaves_the_upload_and_no_object() {
    let upload = BigUpload::new().await;
    let parts = upload.parts(&["first", "two", "3"]).await;
    let pick = |picked: &[usize]| picked.iter().map(|&at| parts[at].clone()).collect::<Vec<_>>();
    let part = |etag: &str, sha1: Option<String>| {
        let part = CompletedPart::builder().part_number(1).e_tag(etag);
        vec![part.set_checksum_sha1(sha1).build()]
    };
    let etag = parts[0].e_tag().unwrap();
    for (end, expected) in [
        (upload.end(vec![]), "400 MalformedXML"),
        (upload.end(pick(&[2, 0])), "400 InvalidPartOrder"),
        (upload.end(pick(&[0, 0])), "400 InvalidPartOrder"),
        (upload.end(pick(&[0, 1, 2])), "400 EntityTooSmall"),
        (upload.end(part("\"00\"", Some(sha1("first")))), "400 InvalidPart"),
        (upload.end(part(etag, Some(sha1("other")))), "400 InvalidPart"),
        (upload.end(part(etag, None)), "400 InvalidRequest"),
        (upload.end(pick(&[0, 2])).checksum_sha1(composite(&["3", "first"])), "400 BadDigest"),
        (upload.end(pick(&[0, 2])).mpu_object_size(7), "400 InvalidRequest"),
        (upload.end(pick(&[0, 2])).if_match("\"00\""), "404 NoSuchKey"),
    ] {
        assert_eq!(refusal(end.send().await), expected);
        assert!(upload.is_under_way() && upload.store.object("big").is_none(), "{expected}");
    }
    upload.store.world.plant_plain("bucket", "big", "other").unwrap();
    let end = upload.end(pick(&[0, 2])).if_none_match("*");
    assert_eq!(refusal(end.send().await), "412 PreconditionFailed");
    assert!(upload.is_under_way());
    let other = format!("\"{}\"", upload.store.object("big").unwrap().etag);
    upload.end(pick(&[0, 2])).if_match(other).send().await.unwrap();
    assert_eq!(upload.store.object("big").unwrap().content, Content::of("first3"));
}

#[tokio::test]
async fn an_upload_ends_once() {
    let upload = BigUpload::new().await;
    let parts = upload.parts(&["text"]).await;
    let abort = || {
        let abort = upload.store.client.abort_multipart_upload().bucket("bucket").key("big");
        abort.upload_id(&upload.id).send()
    };
    abort().await.unwrap();
    assert_eq!(upload.store.world.uploads("bucket").unwrap().len(), 0);
    assert_eq!(code(&abort().await.unwrap_err()), "404 NoSuchUpload");
    assert_eq!(refusal(upload.end(parts).send().await), "404 NoSuchUpload");
    assert_eq!(upload.part(1, "text", Some("text")).await, Err("404 NoSuchUpload".into()));
    let aborted = (Service::S3, "ABORT".to_owned());
    assert_eq!(upload.store.faults.counts().get(&aborted), Some(&2));
}

#[tokio::test]
async fn what_is_under_way_can_be_listed() {
    let upload = BigUpload::new().await;
    upload.parts(&["first", "second", "3"]).await;
    let second = BigUpload::begun(&upload.store).await;
    let client = &upload.store.client;
    let parts = client.list_parts().bucket("bucket").key("big").upload_id(&upload.id).max_parts(2);
    let pages = parts.into_paginator().send().try_collect().await.unwrap();
    let sizes = pages.iter().map(|page| page.parts().iter().map(|part| part.size().unwrap()));
    assert_eq!(sizes.map(Iterator::collect::<Vec<_>>).collect::<Vec<_>>(), [vec![5, 6], vec![1]]);
    assert_eq!(pages[0].parts()[1].checksum_sha1(), Some(sha1("second").as_str()));

    let page = |key: Option<String>, id: Option<String>| {
        let uploads = client.list_multipart_uploads().bucket("bucket").prefix("b").max_uploads(1);
        uploads.set_key_marker(key).set_upload_id_marker(id).send()
    };
    let first = page(None, None).await.unwrap();
    assert_eq!(first.uploads()[0].upload_id(), Some(upload.id.as_str()));
    let last = page(first.next_key_marker, first.next_upload_id_marker).await.unwrap();
    assert_eq!(last.uploads()[0].upload_id(), Some(second.as_str()));
    assert_eq!(last.is_truncated(), Some(false));
    let elsewhere = client.list_multipart_uploads().bucket("bucket").prefix("a").send();
    assert_eq!(elsewhere.await.unwrap().uploads().len(), 0);
}

#[tokio::test]
async fn of_many_conditional_writers_exactly_one_wins() {
    for _ in 0..5 {
        let upload = BigUpload::new().await;
        upload.store.world.plant_plain("bucket", "source", "copied").unwrap();
        let parts = upload.parts(&["uploaded"]).await;
        let store = &upload.store;
        let mut races = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let client = store.client.clone();
            let put = client.put_object().bucket("bucket").key("big").if_none_match("*");
            let put = put.body(ByteStream::from_static(b"put"));
            races.spawn(async { put.send().await.map(|_| "put").map_err(|error| code(&error)) });
            let copy = client.copy_object().bucket("bucket").key("big").if_none_match("*");
            let copy = copy.copy_source("bucket/source");
            races
                .spawn(async { copy.send().await.map(|_| "copied").map_err(|error| code(&error)) });
            let end = upload.end(parts.clone()).if_none_match("*");
            races.spawn(async {
                end.send().await.map(|_| "uploaded").map_err(|error| code(&error))
            });
        }
        let (won, lost): (Vec<_>, Vec<_>) =
            races.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 23), "{won:?} {lost:?}");
        let winner = won.into_iter().flatten().next().unwrap();
        assert_eq!(store.object("big").unwrap().content, Content::of(winner));
        assert_eq!(upload.is_under_way(), winner != "uploaded");
        let expected = |lost: &str| lost == "412 PreconditionFailed" || lost == "404 NoSuchUpload";
        assert!(lost.iter().filter_map(|lost| lost.as_ref().err()).all(|lost| expected(lost)));
    }
}
