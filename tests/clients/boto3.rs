//! Another's client, `boto3` from `PyPI`, reads back what the adapters wrote: objects by PUT, COPY
//! and in parts, checksums validated, and the ledger's items as s3migrate's readers do. With the
//! world's queues it does all that is done with queues and dead letters.
//!
//! It runs in a virtual environment of its own. Without Python or the package index the tests are
//! skipped, and say so; with `REQUIRE_BOTO3=1` they fail instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapters::dynamodb::DynamoLedger;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use bytes::Bytes;
use domain::content::{SourceContent, VerifiedContent};
use domain::ports::{Ledger, ObjectStore};
use domain::{
    ByteCount, Condition, ObjectAddress, ObjectKey, ObjectMeta, S3Bucket, Sha1, WriteTarget,
};
use futures_util::stream;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, LEDGER, QUEUE, SINGLE_REQUEST_BYTES};
use tests::contract::ends::{dynamodb_of, s3_of};
use tests::contract::ledger::ours;
use tests::python::{self, Package};
use tokio::process::Command;

/// For all that the client does.
const SESSION: Duration = Duration::from_mins(1);
const PART_BYTES: u64 = 1024 * 1024;

pub(crate) const BOTO3: Package =
    Package { module: "boto3", wanted: "boto3>=1.36", required_by: "REQUIRE_BOTO3" };

#[tokio::test]
async fn boto3_reads_back_what_was_written() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(BOTO3, home).await else { return };
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let parts = Parts::new(SINGLE_REQUEST_BYTES, PART_BYTES, PART_BYTES * 2);
    let store =
        S3ObjectStore::new(&s3_of(&world).await, Conditionals::Sound, parts, Arc::default());
    let plant = async |key: &str, content| {
        world.s3.plant_plain(BUCKETS[0].1, key, content).expect("the bucket");
    };
    write_objects(&store, SINGLE_REQUEST_BYTES, plant).await;
    let ledger = DynamoLedger::new(&dynamodb_of(&world).await, LEDGER.to_owned(), Arc::default());
    read_back(&python, world.environment(), &ledger, PART_BYTES).await;
}

/// Lets boto3 read objects that [`write_objects`] wrote, and a record of this ledger.
pub(crate) async fn read_back(
    python: &Path,
    environment: &BTreeMap<&'static str, String>,
    ledger: &dyn Ledger,
    part_bytes: u64,
) {
    let record = ours(4_294_967_297);
    ledger.record(std::slice::from_ref(&record)).await.expect("recorded");
    let mut client = session(python, "session.py", environment);
    client
        .env("PART_BYTES", part_bytes.to_string())
        .env("BUCKET", BUCKETS[0].1)
        .env("FID", record.fid.to_string())
        .env("RECORD_SHA1", record.sha1.to_string())
        .env("RECORD_MD5", &record.etag.0)
        .env("RECORD_BUCKET", record.bucket.as_str());
    python::run(client, SESSION).await.expect("every step as it should be");
}

#[tokio::test]
async fn boto3_finds_the_queues_as_it_knows_them() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(BOTO3, home).await else { return };
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let client = session(&python, "jobs.py", world.environment());
    python::run(client, SESSION).await.expect("every step as it should be");
    assert_eq!(world.sqs.counts(QUEUE).expect("it is there").all(), 0);
}

/// A script of this folder, for this world.
fn session(python: &Path, script: &str, environment: &BTreeMap<&'static str, String>) -> Command {
    let mut client = Command::new(python);
    client
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/boto3").join(script))
        .envs(environment)
        .env("TABLE", LEDGER)
        .env("NO_PROXY", "127.0.0.1");
    client
}

/// One object of each way of writing, under the key that is its SHA-1; the names of the ways in
/// their dispositions.
pub(crate) async fn write_objects(
    store: &dyn ObjectStore,
    single_request_bytes: u64,
    plant: impl AsyncFnOnce(&str, Bytes),
) {
    let large = usize::try_from(single_request_bytes).expect("little") + 12_345;
    for (way, length) in [("put", 100_000), ("empty", 0), ("parts", large)] {
        let content: Bytes = (0..length).map(|at: usize| (at * 7).to_le_bytes()[1]).collect();
        let target = target(way, &content);
        store.put(&target, whole(content)).await.unwrap_or_else(|error| panic!("{way}: {error}"));
    }
    let intermediary = "/0/000/000/0000000001.fid";
    let content = Bytes::from_static(b"laid there by somebody else");
    plant(intermediary, content.clone()).await;
    let source = ObjectKey::new(intermediary.to_owned());
    store.copy(&source, &target("copy", &content)).await.expect("copied");
}

fn whole(content: Bytes) -> VerifiedContent {
    let (expected, length) = (Sha1::of(&content), ByteCount(content.len() as u64));
    let stream = Box::pin(stream::iter([Ok(content)]));
    VerifiedContent::new(SourceContent { length, stream }, "dev1".to_owned(), expected)
}

fn target(way: &str, content: &Bytes) -> WriteTarget {
    let bucket = S3Bucket::new(BUCKETS[0].1).expect("a name");
    WriteTarget {
        address: ObjectAddress { bucket, key: ObjectKey::of_content(&Sha1::of(content)) },
        condition: Condition::Absent,
        meta: ObjectMeta {
            content_type: Some("application/x-test".to_owned()),
            content_disposition: Some(way.to_owned()),
        },
        length: ByteCount(content.len() as u64),
    }
}
