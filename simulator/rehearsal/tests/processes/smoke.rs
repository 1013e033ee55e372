//! `smoke`: the real command, behind a cut-over, beside a freeze that it must not break.

use std::collections::BTreeMap;

use serde_json::{Value, json as json_of};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::bucket::{self, Condition, PutRequest};
use stand_ins::world::content_repo::{NewObject, Signature, Store};
use stand_ins::world::databases::{ArticleFileRow, ObjectRow, Status};
use stand_ins::world::mogile::Content;

use crate::cli::{json, mogile2s3, text};

const BUCKET: &str = BUCKETS[0].1;
const CONTENT: &[u8] = b"content";

/// A store behind the cut-over: one file in MogileFS and in S3, its rows under the new names, contentrepo on S3.
async fn world() -> EmbeddedWorld {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let sha1 = domain::Sha1::of(CONTENT).to_string();
    let dkey = format!("{sha1}-{}", BUCKETS[0].0);
    world.mogile.store(world.dmid, &dkey, &Content::from(CONTENT.to_vec()), &world.devices[..2]);
    for (_, bucket) in BUCKETS {
        let set_up = world.s3.set_up(bucket, |it| {
            (it.ownership, it.public_access_block) = (None, None);
        });
        set_up.expect("a bucket");
    }
    world.s3.put(BUCKET, &sha1, PutRequest::new(bucket::Content::of(CONTENT))).expect("written");
    let (key, uuid) = ("10.1371/1", "b2d3a0c4-0000-4000-8000-000000000001");
    let planted = world.databases.plant(|rows| {
        let (bucket, _) = (rows.bucket(BUCKET)?, rows.bucket(BUCKETS[1].1)?);
        let size = CONTENT.len() as u64;
        rows.object(&ObjectRow {
            bucket,
            key,
            version: 0,
            sha1: &sha1,
            size,
            name: None,
            content_type: None,
            status: Status::InUse,
            uuid,
        })?;
        rows.article_file(&ArticleFileRow {
            ingestion: 1,
            item: None,
            file_type: None,
            bucket: BUCKET,
            key,
            uuid,
            size,
            name: key,
        })
    });
    planted.expect("planted");
    let store = Store::S3 { signs: Signature::V4, has_valid_keys: true };
    world.content_repo.restart(|settings| settings.store = store).expect("started");
    world
}

async fn run(environment: &BTreeMap<&str, String>, arguments: &str, code: i32) -> (Value, String) {
    let arguments: Vec<_> = arguments.split_whitespace().chain(["--json"]).collect();
    let output = mogile2s3(environment, &arguments).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(!said.contains("rehearsal-password"), "{said}");
    let value = if output.stdout.is_empty() { Value::Null } else { json(&output) };
    (value, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smoke_test_breaks_no_freeze_and_names_what_readers_miss() {
    let world = world().await;
    let mut environment = world.environment().clone();
    environment.insert("CONTENTREPO_URL", world.content_repo_url.clone());
    run(&environment, "freeze --means x --window 1s --operator=ann", 0).await;

    let (clean, _) = run(&environment, "smoke --operator=ann", 0).await;
    let counted = |value: &Value| ["s3_whole", "api_whole"].map(|name| value[name].as_u64());
    assert_eq!(counted(&clean), [Some(1), Some(1)], "{clean}");
    assert_eq!(clean["ingested"].as_array().map(Vec::len), Some(2), "{clean}");
    // The freeze, each of two objects before creation and purge, and the result.
    assert_eq!(clean["entry"], 6, "{clean}");
    let export = mogile2s3(&environment, &["runbook", "export"]).await;
    let exported = text(&export.stdout);
    let last = exported.lines().find(|line| line.contains(r#""kind":"evidence""#));
    let last: Value = serde_json::from_str(last.unwrap_or_default()).expect("an entry");
    assert_eq!((&last["step"], &last["outcome"]), (&json_of!("smoke"), &json_of!("clean")));
    assert_eq!(last["place"]["account"], "123456789012", "{last}");

    let (check, _) = run(&environment, "freeze check", 0).await;
    assert_eq!(check["holds"], true, "{check}");
    let same = format!("smoke --trial {} --operator=ann", world.content_repo_url);
    let (_, said) = run(&environment, &same, 2).await;
    assert!(said.contains("a trial writes"), "{said}");

    // Somebody else's object is no part of it.
    let new = NewObject {
        key: Some("theirs".to_owned()),
        bucket: Some(BUCKET.to_owned()),
        create: Some("new".to_owned()),
        file: Some(bytes::Bytes::from_static(b"theirs")),
        ..NewObject::default()
    };
    world.content_repo.create(new).expect("created");
    let (check, _) = run(&environment, "freeze check", 1).await;
    let changes = check["changes"].as_array().expect("changes").clone();
    assert!(changes.contains(&json_of!("contentrepo")), "{check}");
    assert!(changes.contains(&json_of!("node-writes")), "{check}");

    let sha1 = domain::Sha1::of(CONTENT).to_string();
    world.s3.delete(BUCKET, &sha1, &Condition::None).expect("deleted");
    let (differs, _) = run(&environment, "smoke --operator=ann --no-ingest", 1).await;
    assert_eq!(differs["findings"][0]["kind"], "missing", "{differs}");
}
