//! `pymogilefs` and `boto3` against the servers of `rehearse --world containers`: the tracker whose tables are in
//! MySQL, and LocalStack.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use adapters::dynamodb::DynamoLedger;
use adapters::s3::{Conditionals, Parts, S3ObjectStore};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::config::RequestChecksumCalculation;
use futures_util::FutureExt;
use oracle::state::Replica;
use rehearsal::containers::Bare;
use stand_ins::embedded::{BUCKETS, LEDGER};
use tests::containers::{are_required, engine_answers, say};
use tests::contract::ends::settings;
use tests::python;

use crate::boto3::{BOTO3, read_back, write_objects};
use crate::pymogilefs::{PYMOGILEFS, run_session};

/// LocalStack takes no smaller parts.
const PART_BYTES: u64 = 5 << 20;

#[tokio::test]
async fn other_clients_work_with_the_servers_of_a_rehearsal() {
    if !engine_answers().await.expect("an engine") {
        return;
    }
    if std::env::var_os("SIM_TRACKER_IMAGE").is_none() {
        assert!(!are_required(), "SIM_TRACKER_IMAGE names no image: docker/build-images.sh");
        say("SKIPPED: this test needs the tracker's image, which docker/build-images.sh builds");
        return;
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(pymogilefs) = python::with(PYMOGILEFS, home).await else { return };
    let Some(boto3) = python::with(BOTO3, home).await else { return };
    let world = Box::pin(Bare::start()).await.expect("the servers");
    let tested = AssertUnwindSafe(async {
        stores_and_deletes(&pymogilefs, &world).await;
        reads_what_was_written(&boto3, &world).await;
    });
    let tested = tested.catch_unwind().await;
    world.remove().await.expect("removed");
    if let Err(panic) = tested {
        resume_unwind(panic);
    }
}

async fn stores_and_deletes(python: &Path, world: &Bare) {
    run_session(python, &world.environment()["MOGILE_TRACKERS"]).await;
    let before = world.mogile_state().await.expect("the tables");
    let keys: Vec<_> = before.rows.values().filter_map(|row| row.key.as_deref()).collect();
    assert_eq!(keys, ["odd key=&%", "three"]);
    let three = before.rows.iter().find(|(_, row)| row.key.as_deref() == Some("three"));
    let (fid, row) = three.expect("stored again");
    assert_eq!(before.replicas[&(*fid, row.devices[0])], Replica::Bytes("again".into()));
    // Four uploads burned four fids; what was deleted and what was overwritten is queued.
    assert_eq!(*fid, 4);
    let queued = "SELECT fid FROM file_to_delete2 ORDER BY fid";
    assert_eq!(world.numbers(queued).await.expect("a queue"), [1, 2]);
    let under_way = world.numbers("SELECT fid FROM tempfile").await;
    assert_eq!(under_way.expect("uploads"), Vec::<u64>::new());

    world.restart_tracker().await.expect("started again");
    assert_eq!(world.mogile_state().await.expect("the tables"), before);
}

async fn reads_what_was_written(python: &Path, world: &Bare) {
    let environment = world.environment();
    let endpoint = &environment["AWS_ENDPOINT_URL"];
    let config = settings(endpoint, "test", "test").await;
    let own = aws_sdk_s3::config::Builder::from(&config)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    let s3 = aws_sdk_s3::Client::from_conf(own.build());
    let bucket = BUCKETS[0].1;
    s3.create_bucket().bucket(bucket).send().await.expect("a bucket");
    let parts = Parts::new(PART_BYTES, PART_BYTES, PART_BYTES * 2);
    let store = S3ObjectStore::new(&config, Conditionals::Unsound, parts, Arc::default());
    let plant = async |key: &str, content: bytes::Bytes| {
        let put = s3.put_object().bucket(bucket).key(key).body(content.into());
        put.send().await.expect("laid there");
    };
    write_objects(&store, PART_BYTES, plant).await;

    let fid = AttributeDefinition::builder().attribute_name("fid");
    let fid = fid.attribute_type(ScalarAttributeType::N).build().expect("whole");
    let key = KeySchemaElement::builder().attribute_name("fid").key_type(KeyType::Hash);
    let table = aws_sdk_dynamodb::Client::new(&config).create_table().table_name(LEDGER);
    let table = table.attribute_definitions(fid).key_schema(key.build().expect("whole"));
    table.billing_mode(BillingMode::PayPerRequest).send().await.expect("a table");
    let ledger = DynamoLedger::new(&config, LEDGER.to_owned(), Arc::default());
    read_back(python, &environment, &ledger, PART_BYTES).await;
}
