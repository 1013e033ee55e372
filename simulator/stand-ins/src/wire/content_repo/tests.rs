//! The API asked over a socket.

use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;
use crate::embedded::{BUCKETS, EmbeddedWorld};
use crate::world::content_repo::{Signature, Store};

const BUCKET: &str = BUCKETS[0].1;

/// A world with a bucket of S3 that contentrepo can use, and that is in its database.
async fn world() -> EmbeddedWorld {
    let world = EmbeddedWorld::start().await.expect("a world");
    world.databases.plant(|plant| plant.bucket(BUCKET).map(|_| ())).expect("planted");
    let set_up = world.s3.set_up(BUCKET, |bucket| {
        (bucket.ownership, bucket.public_access_block) = (None, None);
    });
    set_up.expect("a bucket");
    let store = Store::S3 { signs: Signature::V4, has_valid_keys: true };
    let restarted = world.content_repo.restart(|settings| {
        (settings.store, settings.reproxies) = (store, true);
    });
    restarted.expect("started");
    world
}

async fn ask(
    world: &EmbeddedWorld,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: String,
) -> (http::response::Parts, Result<Bytes, hyper::Error>) {
    let address = world.content_repo_url.strip_prefix("http://").expect("a URL");
    let address = address.strip_suffix(ROOT).expect("a URL");
    let stream = TcpStream::connect(address).await.expect("connected");
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("connected");
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(format!("{ROOT}/{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request: Request<Full<Bytes>> = request.body(Full::from(body)).expect("a request");
    let (head, body) = sender.send_request(request).await.expect("answered").into_parts();
    (head, body.collect().await.map(http_body_util::Collected::to_bytes))
}

async fn json_of(world: &EmbeddedWorld, method: &str, target: &str) -> (u16, Value) {
    let (head, body) = ask(world, method, target, &[], String::new()).await;
    let body = body.expect("a body");
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post(world: &EmbeddedWorld, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut body = String::new();
    for (name, value) in fields {
        body += "--frontier\r\nContent-Disposition: form-data; name=\"";
        body.extend([name, "\"\r\n\r\n", value, "\r\n"]);
    }
    body += "--frontier--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=frontier")];
    let (head, body) = ask(world, "POST", "objects", &headers, body).await;
    let answer = serde_json::from_slice(&body.expect("a body")).expect("JSON");
    (head.status.as_u16(), answer)
}

#[tokio::test]
async fn an_object_is_posted_read_and_purged() {
    let world = world().await;
    let fields = [
        ("key", "10.1371/a b"),
        ("bucketName", BUCKET),
        ("create", "new"),
        ("contentType", "text/plain"),
        ("file", "content"),
    ];
    let (status, row) = post(&world, &fields).await;
    assert_eq!((status, &row["status"], &row["size"]), (201, &json!("USED"), &json!(7)));
    let uuid = row["uuid"].as_str().expect("a uuid");
    let sha1 = row["checksum"].as_str().expect("a checksum");
    let stored = world.s3.objects(BUCKET).expect("a bucket").remove(sha1).expect("stored");
    assert_eq!(stored.attributes.metadata["key"], "10.1371/a b");
    assert_eq!(stored.attributes.content_type.as_deref(), Some("application/octet-stream"));

    let target = format!("objects/{BUCKET}?key=10.1371%2Fa+b&uuid={uuid}");
    let (head, body) = ask(&world, "GET", &target, &[], String::new()).await;
    assert_eq!((head.status.as_u16(), &*body.expect("a body")), (200, &b"content"[..]));
    assert_eq!(head.headers[CONTENT_TYPE], "text/plain");
    assert_eq!(head.headers[CONTENT_DISPOSITION], "inline; filename=10.1371%2Fa+b");

    let asks = [("x-proxy-capabilities", "reproxy-file")];
    let (head, _) = ask(&world, "GET", &target, &asks, String::new()).await;
    let url = format!("https://{BUCKET}.s3.amazonaws.com/{sha1}");
    assert_eq!(head.headers["x-reproxy-url"], url);

    let deleted = json_of(&world, "DELETE", &format!("{target}&purge=true")).await;
    assert_eq!(deleted.0, 200);
    assert!(world.s3.objects(BUCKET).expect("a bucket").is_empty());
    let (status, answer) = json_of(&world, "GET", &target).await;
    assert_eq!((status, &answer["repoErrorCode"]), (404, &json!(1)));
}

#[tokio::test]
async fn refusals_have_their_status_and_code() {
    let world = world().await;
    let good = [("key", "k"), ("bucketName", BUCKET), ("create", "new"), ("file", "content")];
    for (changed, status, code) in [
        (("key", ""), 400, 11),
        (("bucketName", ""), 400, 10),
        (("bucketName", "none"), 404, 2),
        (("create", "perhaps"), 400, 14),
        (("create", "version"), 400, 32),
        (("file", ""), 400, 19),
    ] {
        let fields = good.map(|field| if field.0 == changed.0 { changed } else { field });
        let (answered, answer) = post(&world, &fields).await;
        assert_eq!((answered, &answer["repoErrorCode"]), (status, &json!(code)), "{changed:?}");
    }
    for (method, target, status) in [
        ("GET", "objects/corpus-prod", 400),
        ("GET", "objects/corpus-prod?key=none", 404),
        ("GET", "objects/corpus-prod?key=k&uuid=x", 400),
        ("DELETE", "objects/corpus-prod?key=k", 400),
        ("GET", "objects/meta/corpus-prod?key=k", 404),
        ("GET", "buckets/none", 404),
        ("GET", "nothing", 404),
        ("PUT", "objects", 404),
    ] {
        assert_eq!(json_of(&world, method, target).await.0, status, "{method} {target}");
    }
}

#[tokio::test]
async fn it_says_what_it_runs_on() {
    let world = world().await;
    let (_, config) = json_of(&world, "GET", "config").await;
    assert_eq!(config["objectStoreBackend"], "class org.plos.repo.service.S3StoreService");
    assert_eq!(config["hasXReproxy"], true);
    let (_, status) = json_of(&world, "GET", "status").await;
    assert_eq!((&status["bucketCount"], &status["writesSinceStart"]), (&json!(1), &json!(0)));
    let (_, buckets) = json_of(&world, "GET", "buckets").await;
    assert_eq!(buckets[0]["bucketName"], BUCKET);
    let (_, bucket) = json_of(&world, "GET", &format!("buckets/{BUCKET}")).await;
    assert_eq!((&bucket["totalObjects"], &bucket["activeObjects"]), (&json!(0), &json!(0)));
}
