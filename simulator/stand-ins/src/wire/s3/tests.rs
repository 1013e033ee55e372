//! The real client against the world's S3, over a loopback socket.

use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::fault::Faults;
use crate::wire::listener::serve;
use crate::world::bucket::{Algorithm, Condition, Content, Object};

mod faults;
mod multipart;
mod options;
mod settings;

struct Store {
    world: Arc<S3World>,
    faults: Arc<Faults>,
    client: Client,
    address: SocketAddr,
}

impl Store {
    /// A store with the empty bucket `bucket`, and a client of it that never retries.
    async fn new() -> Self {
        let world = Arc::new(S3World::default());
        world.create_bucket("bucket").unwrap();
        let faults = Arc::new(Faults::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let backend = Arc::new(S3Backend::new(Arc::clone(&world), "access", "secret"));
        tokio::spawn(serve(listener, backend, Arc::clone(&faults)));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("access", "secret", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self { world, faults, client: Client::from_conf(config), address }
    }

    fn object(&self, key: &str) -> Option<Object> {
        self.world.get("bucket", key, &Condition::None).ok()
    }

    /// PUT with `Content-Type`, `If-None-Match: *` and the SHA-1 of `claimed`.
    async fn put(&self, key: &str, body: &'static str, claimed: &str) -> Result<String, String> {
        let put = self.client.put_object().bucket("bucket").key(key);
        let sent = put
            .body(ByteStream::from_static(body.as_bytes()))
            .checksum_sha1(sha1(claimed))
            .content_type("text/plain")
            .if_none_match("*")
            .send()
            .await;
        let answer = sent.map_err(|error| code(&error))?;
        assert_eq!(answer.checksum_type(), Some(&ChecksumType::FullObject));
        Ok(answer.checksum_sha1().unwrap().to_owned())
    }

    /// COPY that asks for a SHA-1, under `If-None-Match: *` or `If-Match`.
    async fn copy(&self, from: &str, to: &str, if_match: Option<&str>) -> Result<String, String> {
        let copy = self.client.copy_object().bucket("bucket").key(to);
        let copy = copy
            .copy_source(format!("bucket/{from}"))
            .checksum_algorithm(ChecksumAlgorithm::Sha1)
            .set_if_match(if_match.map(str::to_owned))
            .set_if_none_match(if_match.is_none().then(|| "*".to_owned()));
        let answer = copy.send().await.map_err(|error| code(&error))?;
        let result = answer.copy_object_result().unwrap();
        assert_eq!(result.checksum_type(), Some(&ChecksumType::FullObject));
        Ok(result.checksum_sha1().unwrap().to_owned())
    }

    async fn delete(&self, key: &str, if_match: Option<&str>) -> Result<(), String> {
        let delete = self.client.delete_object().bucket("bucket").key(key);
        let sent = delete.set_if_match(if_match.map(str::to_owned)).send().await;
        sent.map(drop).map_err(|error| code(&error))
    }
}

fn sha1(text: &str) -> String {
    BASE64.encode(&Content::of(text.to_owned()).sha1())
}

/// Status and code of S3's refusal, or that there was no answer.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    match (status, error.code()) {
        (Some(status), code) => format!("{status} {}", code.unwrap_or("-")),
        (None, _) => "no answer".to_owned(),
    }
}

#[tokio::test]
async fn a_put_stores_what_its_sha1_says_or_nothing() {
    let store = Store::new().await;
    assert_eq!(store.put("a", "text", "other").await, Err("400 BadDigest".into()));
    assert_eq!(store.object("a"), None);
    assert_eq!(store.put("a", "text", "text").await, Ok(sha1("text")));
    assert_eq!(store.object("a").unwrap().attributes.content_type.as_deref(), Some("text/plain"));
    assert_eq!(store.put("a", "more", "more").await, Err("412 PreconditionFailed".into()));
    assert_eq!(store.object("a").unwrap().content, Content::of("text"));
    store.world.set_single_request_limit_bytes(3);
    assert_eq!(store.put("b", "text", "text").await, Err("400 EntityTooLarge".into()));
}

#[tokio::test]
async fn a_copy_tells_the_sha1_of_what_it_copied() {
    let store = Store::new().await;
    store.world.plant_multipart("bucket", "0/000/a.fid", "several parts", 3).unwrap();
    store.world.plant_plain("bucket", "old", "old").unwrap();
    assert_eq!(store.copy("0/000/a.fid", "new", None).await, Ok(sha1("several parts")));
    assert_eq!(store.object("new").unwrap().content, Content::of("several parts"));
    store.world.plant_plain("bucket", "/0/000/slash.fid", "text").unwrap();
    assert_eq!(store.copy("/0/000/slash.fid", "slash", None).await, Ok(sha1("text")));
    assert_eq!(store.put("/0/000/new.fid", "text", "text").await, Ok(sha1("text")));
    assert!(store.object("/0/000/new.fid").is_some());

    let refused = Err("412 PreconditionFailed".to_owned());
    assert_eq!(store.copy("new", "old", None).await, refused);
    assert_eq!(store.copy("new", "old", Some("\"00\"")).await, refused);
    assert_eq!(store.object("old").unwrap().content, Content::of("old"));
    let etag = format!("\"{}\"", store.object("old").unwrap().etag);
    assert_eq!(store.copy("new", "old", Some(&etag)).await, Ok(sha1("several parts")));
    assert_eq!(store.copy("none", "a", None).await, Err("404 NoSuchKey".into()));
    store.world.set_single_request_limit_bytes(3);
    assert_eq!(store.copy("new", "b", None).await, Err("400 InvalidRequest".into()));
}

#[tokio::test]
async fn a_delete_asks_for_the_etag_it_was_given() {
    let store = Store::new().await;
    store.world.plant_plain("bucket", "a", "text").unwrap();
    let etag = format!("\"{}\"", store.object("a").unwrap().etag);
    assert_eq!(store.delete("a", Some("\"00\"")).await, Err("412 PreconditionFailed".into()));
    assert!(store.object("a").is_some());
    assert_eq!(store.delete("a", Some(&etag)).await, Ok(()));
    assert_eq!(store.object("a"), None);
    assert_eq!(store.delete("a", Some(&etag)).await, Err("404 NoSuchKey".into()));
    assert_eq!(store.delete("a", None).await, Ok(()));
}

#[tokio::test]
async fn a_head_shows_checksums_to_those_who_ask() {
    let store = Store::new().await;
    store.put("full", "text", "text").await.unwrap();
    store.world.plant_multipart("bucket", "parts", "text", 2).unwrap();
    store.world.plant_plain("bucket", "plain", "text").unwrap();
    for (key, ending, kind) in [
        ("full", Some("="), Some(ChecksumType::FullObject)),
        ("parts", Some("-2"), Some(ChecksumType::Composite)),
        ("plain", None, None),
    ] {
        let head = || store.client.head_object().bucket("bucket").key(key);
        let unasked = head().send().await.unwrap();
        assert_eq!((unasked.content_length(), unasked.checksum_sha1()), (Some(4), None));
        let asked = head().checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let sha1 = asked.checksum_sha1();
        assert_eq!(sha1.is_some(), ending.is_some(), "{key}");
        assert!(sha1.is_none_or(|sha1| sha1.ends_with(ending.unwrap_or_default())), "{sha1:?}");
        assert_eq!(asked.checksum_type().cloned(), kind, "{key}");
    }
    let missing = store.client.head_object().bucket("bucket").key("none").send().await;
    assert_eq!(code(&missing.unwrap_err()), "404 NotFound");
}

#[tokio::test]
async fn a_get_gives_the_content_or_a_range_of_it() {
    let store = Store::new().await;
    store.put("a", "0123456789", "0123456789").await.unwrap();
    let get = || store.client.get_object().bucket("bucket").key("a");
    for (range, expected) in
        [(None, "0123456789"), (Some("bytes=2-4"), "234"), (Some("bytes=-3"), "789")]
    {
        let get = get().set_range(range.map(str::to_owned)).checksum_mode(ChecksumMode::Enabled);
        let answer = get.send().await.unwrap();
        assert_eq!(answer.content_range().is_some(), range.is_some());
        assert_eq!(answer.body.collect().await.unwrap().to_vec(), expected.as_bytes());
    }
    let beyond = get().range("bytes=10-").send().await.unwrap_err();
    assert_eq!(code(&beyond), "416 InvalidRange");
    store.world.plant_plain("bucket", "empty", "").unwrap();
    let get = store.client.get_object().bucket("bucket").key("empty").range("bytes=-1");
    assert_eq!(code(&get.send().await.unwrap_err()), "416 InvalidRange");
}

#[tokio::test]
async fn a_listing_pages_over_a_thousand_keys() {
    let store = Store::new().await;
    for number in 0..1203 {
        store.world.plant_plain("bucket", &format!("0/{number:04} ä&"), "x").unwrap();
    }
    let listing = store.client.list_objects_v2().bucket("bucket").prefix("0/");
    let pages = listing.into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.contents().len()).collect();
    assert_eq!(sizes, [1000, 203]);
    let last = pages[1].contents().last().unwrap();
    assert_eq!((last.key(), last.size()), (Some("0/1202 ä&"), Some(1)));
    assert_eq!(store.faults.counts().get(&(Service::S3, "LIST".into())), Some(&2));
    let rolled = store.client.list_objects_v2().bucket("bucket").delimiter("/").send();
    assert_eq!(rolled.await.unwrap().common_prefixes()[0].prefix(), Some("0/"));
}

#[tokio::test]
async fn a_checksum_behind_a_streamed_body_is_checked_too() {
    let store = Store::new().await;
    let config = store.client.config().to_builder();
    let client = Client::from_conf(
        config.request_checksum_calculation(RequestChecksumCalculation::WhenSupported).build(),
    );
    let stream = ByteStream::from_body_1_x(http_body_util::Full::new(bytes::Bytes::from("text")));
    let put = client.put_object().bucket("bucket").key("a").body(stream).content_length(4);
    let put = put.checksum_algorithm(ChecksumAlgorithm::Crc32);
    let answer = put.send().await.unwrap();
    assert!(answer.checksum_crc32().is_some());
    let object = store.object("a").unwrap();
    assert_eq!(object.content, Content::of("text"));
    assert_eq!(object.checksum.unwrap().algorithm, Algorithm::Crc32);

    let wrong = store.client.put_object().bucket("bucket").key("a").checksum_crc32("AAAAAA==");
    let refused = wrong.body(ByteStream::from_static(b"text")).send().await.unwrap_err();
    assert_eq!(code(&refused), "400 BadDigest");
}

#[tokio::test]
async fn strangers_and_bodies_that_break_off_change_nothing() {
    let store = Store::new().await;
    store.world.plant_plain("bucket", "a", "text").unwrap();
    let mut stranger = TcpStream::connect(store.address).await.unwrap();
    let request = b"GET /bucket/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stranger.write_all(request).await.unwrap();
    let mut answer = String::new();
    stranger.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("AccessDenied"), "{answer}");

    for (key, promised, stored) in [("whole", 4, true), ("broken", 6, false)] {
        let head = signed_put(&store.client, key, promised).await;
        let mut stream = TcpStream::connect(store.address).await.unwrap();
        stream.write_all(format!("{head}text").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(store.object(key).is_some(), stored, "{key}");
    }
}

/// The head of a signed PUT of so many bytes.
async fn signed_put(client: &Client, key: &str, length: i64) -> String {
    let expiry = PresigningConfig::expires_in(Duration::from_mins(1)).unwrap();
    let put = client.put_object().bucket("bucket").key(key).content_length(length);
    let signed = put.presigned(expiry).await.unwrap();
    let uri: http::Uri = signed.uri().parse().unwrap();
    let (host, target) = (uri.authority().unwrap(), uri.path_and_query().unwrap());
    let headers = signed.headers().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    assert!(headers.contains("content-length"), "{headers}");
    format!("PUT {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n")
}

#[test]
fn requests_are_classified_by_method_path_headers_and_query() {
    let backend = S3Backend::new(Arc::default(), "access", "secret");
    for (method, uri, copy, operation, target) in [
        ("PUT", "/b/a%20b?x-id=PutObject", false, "PUT", "/b/a b?x-id=PutObject"),
        ("PUT", "/b/0/1.fid?x-id=CopyObject", true, "COPY", "/b/0/1.fid?x-id=CopyObject"),
        ("HEAD", "/b/k", false, "HEAD", "/b/k"),
        ("GET", "/b/%C3%A9%zz", false, "GET", "/b/é%zz"),
        ("DELETE", "/b/k?x-id=DeleteObject", false, "DELETE", "/b/k?x-id=DeleteObject"),
        ("DELETE", "/b/k?versionId=v", false, "DELETE_VERSION", "/b/k?versionId=v"),
        ("GET", "/b?versions&prefix=a", false, "LIST_VERSIONS", "/b?versions&prefix=a"),
        ("POST", "/b?delete", false, "DELETE", "/b?delete"),
        ("GET", "/b?list-type=2&prefix=0%2F", false, "LIST", "/b?list-type=2&prefix=0/"),
        ("GET", "/b/?list-type=2", false, "LIST", "/b/?list-type=2"),
        ("HEAD", "/b", false, "HEAD_BUCKET", "/b"),
        ("PUT", "/b/", false, "CREATE_BUCKET", "/b/"),
        ("GET", "/?x-id=ListBuckets", false, "OTHER", "/?x-id=ListBuckets"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", false, "PART", "/b/k?partNumber=1&uploadId=u"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", true, "OTHER", "/b/k?partNumber=1&uploadId=u"),
        ("POST", "/b/k?uploads", false, "CREATE_MULTIPART", "/b/k?uploads"),
        ("POST", "/b/k?uploadId=u", false, "COMPLETE", "/b/k?uploadId=u"),
        ("DELETE", "/b/k?x-id=Abort&uploadId=u", false, "ABORT", "/b/k?x-id=Abort&uploadId=u"),
        ("GET", "/b/k?uploadId=u&max-parts=9", false, "LIST_PARTS", "/b/k?uploadId=u&max-parts=9"),
        ("GET", "/b?uploads&prefix=a", false, "LIST_UPLOADS", "/b?uploads&prefix=a"),
    ] {
        let mut request = Request::builder().method(method).uri(uri);
        if copy {
            request = request.header("x-amz-copy-source", "b/k");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(backend.classify(&head), (operation.to_owned(), target.to_owned()), "{uri}");
    }
}
