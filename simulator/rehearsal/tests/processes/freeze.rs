//! `freeze` and `freeze check`: the real commands, on a store that is still and on one that is not.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json as json_of};
use stand_ins::embedded::{BUCKETS, DOMAIN, EmbeddedWorld, IGNORED_BUCKET};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::databases::{ArticleFileRow, ObjectRow, Status};
use stand_ins::world::mogile::{Content, Fid, OpenFile};
use tokio::time::sleep;

use crate::cli::{json, mogile2s3, text};

const FREEZE: [&str; 6] =
    ["freeze", "--means", "cron is off", "--window", "1s", "--operator=alice"];

fn content(number: u32) -> Vec<u8> {
    format!("content {number}").into_bytes()
}

fn sha1(number: u32) -> String {
    domain::Sha1::of(&content(number)).to_string()
}

fn store(world: &EmbeddedWorld, key: &str, number: u32) -> Fid {
    let bytes = Content::from(content(number));
    world.mogile.store(world.dmid, key, &bytes, &world.devices[..2])
}

fn key(number: u32) -> String {
    format!("{}-{}", sha1(number), BUCKETS[0].0)
}

const UPLOAD: &str = "f81d4fae-7dec-11d0-a765-000000000001.tmp";

/// Two files with their rows in both clients, an upload that nobody finished, and an ignored file.
async fn world() -> (EmbeddedWorld, [Fid; 4]) {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let fids = [
        store(&world, &key(1), 1),
        store(&world, &key(2), 2),
        store(&world, UPLOAD, 3),
        store(&world, &format!("{}-{IGNORED_BUCKET}", sha1(4)), 4),
    ];
    let planted = world.databases.plant(|rows| {
        let bucket = rows.bucket(BUCKETS[0].0)?;
        for number in [1, 2] {
            plant_rows(rows, bucket, number)?;
        }
        Ok(())
    });
    planted.expect("planted");
    (world, fids)
}

fn plant_rows(
    rows: &stand_ins::world::databases::Planting<'_>,
    bucket: i64,
    number: u32,
) -> anyhow::Result<()> {
    let (key, uuid) =
        (format!("10.1371/{number}"), format!("b2d3a0c4-0000-4000-8000-{number:012}"));
    rows.object(&ObjectRow {
        bucket,
        key: &key,
        version: 0,
        sha1: &sha1(number),
        size: content(number).len() as u64,
        name: None,
        content_type: None,
        status: Status::InUse,
        uuid: &uuid,
    })?;
    rows.article_file(&ArticleFileRow {
        ingestion: 1,
        item: None,
        file_type: None,
        bucket: BUCKETS[0].0,
        key: &key,
        uuid: &uuid,
        size: content(number).len() as u64,
        name: &key,
    })
}

/// Runs the command; returns its JSON and all that it said.
async fn run(
    environment: &BTreeMap<&str, String>,
    arguments: &[&str],
    code: i32,
) -> (Value, String) {
    let output = mogile2s3(environment, &[arguments, &["--json"]].concat()).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let value = if output.stdout.is_empty() { Value::Null } else { json(&output) };
    (value, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_store_is_frozen_and_what_changes_later_is_named() {
    let (world, [_, second, upload, ignored]) = world().await;
    let environment = world.environment();
    let (none, _) = run(environment, &["freeze", "check"], 1).await;
    assert_eq!((&none["holds"], &none["freeze"]), (&json_of!(false), &Value::Null));

    let (frozen, _) = run(environment, &FREEZE, 0).await;
    let state = &frozen["state"];
    let counts =
        [&state["content"]["rows"], &state["other"]["rows"], &state["rhino"]["rows"]["all"]];
    assert_eq!(counts, [&json_of!(2), &json_of!(2), &json_of!(2)], "{frozen}");
    assert_eq!(state["contentrepo"]["rows"], json_of!({ "used": 2 }), "{frozen}");
    let (check, _) = run(environment, &["freeze", "check"], 0).await;
    let freeze = &check["freeze"];
    let by = [&freeze["by"], &freeze["means"], &freeze["entry"]];
    assert_eq!(by, [&json_of!("alice"), &json_of!("cron is off"), &json_of!(1)], "{check}");
    assert_eq!((&check["holds"], &check["changes"]), (&json_of!(true), &json_of!([])), "{check}");

    // A failover: another server answers by the same name.
    world.mysql.configure(|options| options.number = 1);
    let plain = mogile2s3(environment, &["freeze", "check"]).await;
    let said = text(&plain.stdout);
    assert_eq!(plain.status.code(), Some(1), "{said}");
    assert!(
        said.contains("ANOTHER SERVER answers as") && said.contains("now  server_id 2"),
        "{said}"
    );
    world.mysql.configure(|options| options.number = 0);

    // What has no content may go.
    world.mogile.drop_row(ignored);
    let (check, _) = run(environment, &["freeze", "check"], 0).await;
    assert_eq!(check["changes"], json_of!(["other-rows", "last-file-deleted"]), "{check}");
    // An upload that was begun before gets its name late.
    assert!(world.mogile.change_key(upload, Some(UPLOAD), &key(3)));
    let (check, _) = run(environment, &["freeze", "check"], 1).await;
    let changes = json_of!(["content", "other-rows", "last-file-deleted"]);
    assert_eq!((&check["holds"], &check["changes"]), (&json_of!(false), &changes), "{check}");

    // The next freeze counts from then on.
    run(environment, &FREEZE, 0).await;
    run(environment, &["freeze", "check"], 0).await;
    world.mogile.drop_row(second);
    let (check, _) = run(environment, &["freeze", "check"], 1).await;
    assert_eq!(check["freeze"]["entry"], 2, "{check}");
    let mut other = environment.clone();
    other.insert("BUCKETS", format!("{}:elsewhere", BUCKETS[0].0));
    let (check, said) = run(&other, &["freeze", "check"], 1).await;
    assert_eq!(
        (&check["changes"], &check["now"]["content"]["rows"]),
        (&json_of!(["settings"]), &json_of!(0)),
        "{said}"
    );
    let plain = mogile2s3(environment, &["freeze", "check"]).await;
    let said = text(&plain.stdout);
    for words in
        ["The freeze DOES NOT HOLD", "CHANGED: files of mapped", "then 3 rows", "now  2 rows"]
    {
        assert!(said.contains(words), "`{words}`: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_in_the_window_is_named_and_nothing_is_journalled() {
    let (world, _) = world().await;
    let environment = world.environment();
    let freeze = ["freeze", "--means", "none", "--window", "1h", "--operator=alice"];
    let rows = async {
        for number in 5.. {
            let planted = world.databases.plant(|rows| plant_rows(rows, 1, number));
            planted.expect("planted");
            sleep(Duration::from_secs(1)).await;
        }
    };
    let (report, said) = tokio::select! {
        done = run(environment, &freeze, 1) => done,
        () = rows => unreachable!("it has no end"),
    };
    let moved: Vec<_> = report["movements"].as_array().into_iter().flatten().collect();
    let is_seen = |name: &str| moved.iter().any(|movement| !movement[name].is_null());
    assert!(is_seen("contentrepo-row") && is_seen("rhino-row"), "{said}");

    let open = OpenFile { domain: DOMAIN, key: UPLOAD, ..OpenFile::default() };
    let opened = world.mogile.create_open(open).expect("opened");
    let (report, said) = run(environment, &FREEZE, 1).await;
    let expected = json_of!([{ "uploads": { "rows": 1, "newest": opened.fid.0 } }]);
    assert_eq!(report["movements"], expected, "{said}");
    let (none, _) = run(environment, &["freeze", "check"], 1).await;
    assert_eq!(none["freeze"], Value::Null);
}

/// A node of contentrepo: each of its answers is the next of these, and the last one for ever.
fn node(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let mut answers = answers.iter();
        let mut answer = answers.next().copied().unwrap_or_default();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            assert!(request[..read].starts_with(b"GET /v1/status HTTP/1.1\r\n"));
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ";
            write!(stream, "{head}{}\r\n\r\n{answer}", answer.len()).expect("an answer");
            answer = answers.next().copied().unwrap_or(answer);
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_writes_is_seen() {
    const QUIET: &str = r#"{"serviceStarted":"Mon","writesSinceStart":7}"#;
    const WROTE: &str = r#"{"serviceStarted":"Mon","writesSinceStart":8}"#;
    let (world, _) = world().await;
    let environment = world.environment();
    let freeze = async |answers, code| {
        let url = node(answers);
        let (report, said) =
            run(environment, &[&FREEZE[..], &["--contentrepo-url", &url]].concat(), code).await;
        (report, said, url)
    };
    let (report, said, url) = freeze(&[QUIET, WROTE], 1).await;
    let expected = json_of!([{ "node-writes": { "node": url, "before": 7, "now": 8 } }]);
    assert_eq!(report["movements"], expected, "{said}");
    let (_, said, _) = freeze(&["{}"], 3).await;
    assert!(said.contains("does not answer as contentrepo does"), "{said}");

    // Two readings, a look in the window and one behind it are quiet.
    let (report, said, url) = freeze(&[QUIET, QUIET, QUIET, QUIET, WROTE], 0).await;
    let counted = json_of!([{ "url": url, "started": "Mon", "writes": 7 }]);
    assert_eq!(report["state"]["nodes"], counted, "{said}");
    let with_node = ["freeze", "check", "--contentrepo-url", &url];
    let (check, said) = run(environment, &with_node, 1).await;
    assert_eq!(check["changes"], json_of!(["node-writes"]), "{said}");
    let plain = mogile2s3(environment, &["freeze", "check"]).await;
    assert!(text(&plain.stdout).contains("not compared: the writes"), "{}", text(&plain.stdout));
    assert_eq!(plain.status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_of_nothing_is_refused() {
    let (world, _) = world().await;
    let environment = world.environment();
    let with = |name: &'static str, value: &str| {
        let mut changed = environment.clone();
        changed.insert(name, value.to_owned());
        changed
    };
    for (name, value, named) in [
        ("CONTENTREPO_URL", "http://u:secret@repo/v1", "the URL number 1 cannot be used"),
        ("MOGILE_DATABASE_URL", "", "MOGILE_DATABASE_URL is not set"),
        ("RHINO_DATABASE_URL", "", "RHINO_DATABASE_URL is not set"),
        ("CONTENTREPO_DATABASE_URL", "", "CONTENTREPO_DATABASE_URL is not set"),
        ("MOGILE_DOMAIN", "nowhere", "nowhere"),
        ("BUCKETS", "absent:elsewhere", "none of the 4 rows"),
    ] {
        let (_, said) = run(&with(name, value), &FREEZE, 2).await;
        assert!(said.contains(named), "{name}={value}: {said}");
    }
    let (_, said) = run(environment, &["freeze", "--means", " "], 2).await;
    assert!(said.contains("--means is empty"), "{said}");
    let denied = Fault::Refuse { status: 1142, code: "SELECT command denied".to_owned() };
    let rule = Rule::once(Service::Mysql, "SELECT tempfile", "", denied);
    world.faults.add(Rule { times: Rule::ALWAYS, ..rule });
    let (_, said) = run(environment, &FREEZE, 3).await;
    assert!(said.contains("on the table `tempfile` too"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_key_ends_the_freeze() {
    let (world, [first, ..]) = world().await;
    let environment = world.environment();
    run(environment, &FREEZE, 0).await;
    // As `rekey` journals it, before the change.
    let journal = rekey_entry(&world, first);
    journal.expect("written");
    let (check, said) = run(environment, &["freeze", "check"], 1).await;
    assert_eq!(check["rekeyed"], json_of!({ "entry": 2, "fid": first.0 }), "{said}");
    // Nobody knows what came of that change.
    let (_, said) = run(environment, &FREEZE, 4).await;
    assert!(said.contains("run the same `rekey` again"), "{said}");
}

fn rekey_entry(world: &EmbeddedWorld, fid: Fid) -> anyhow::Result<()> {
    use domain::journal::{Content, Entry, Head, SealedEntry};
    use stand_ins::embedded::{JOURNAL, LEDGER};
    use stand_ins::world::dynamodb::{self, Fields, number, text as value};
    let items = dynamodb::items(&world.database, JOURNAL)?;
    let line = items.iter().find_map(|item| Fields(item).the_text("line").ok().map(str::to_owned));
    let line = line.expect("the freeze");
    let (before, hash) = (Entry::parse(&line)?, domain::digest::Sha256::of(line.as_bytes()));
    let content = Content::RekeyBegun {
        domain: DOMAIN.to_owned(),
        fid: domain::Fid(fid.0),
        from: "a".to_owned(),
        to: "b".to_owned(),
        length: domain::ByteCount(1),
        way: "database".to_owned(),
    };
    let behind = Some(Head { sequence: before.sequence, hash });
    let entry = SealedEntry::new(LEDGER, behind, before.at, ("bob", 7), content)?;
    let hash = entry.hash.to_string();
    let key = |sequence| [value("migration", LEDGER), number("sequence", sequence)];
    let put = |item| dynamodb::put(&world.database, JOURNAL, item);
    let line = [value("line", &entry.line), value("hash", &hash)];
    put(key(entry.sequence).into_iter().chain(line).collect())?;
    put(key(0)
        .into_iter()
        .chain([number("last", entry.sequence), value("hash", &hash)])
        .collect())?;
    Ok(())
}
