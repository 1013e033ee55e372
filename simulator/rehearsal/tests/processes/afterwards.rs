//! `config` and `intermediaries delete`: the real commands around the cut-over.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use domain::journal::{
    ClientDatabase, Content as Said, CutoverBegun, Direction, Entry, NameRename, NamesBefore,
    SealedEntry, StoredHead,
};
use domain::{IntermediaryForm, ObjectKey, Timestamp};
use serde_json::json as json_of;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, JOURNAL, LEDGER};
use stand_ins::world::dynamodb::{self, Fields, Item, number, text as value};
use stand_ins::world::mogile::Content;

use crate::cli::{json, mogile2s3, text};

async fn run(
    environment: &BTreeMap<&str, String>,
    arguments: &[&str],
    code: i32,
) -> (Output, String) {
    let output = mogile2s3(environment, arguments).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (output, said)
}

/// A client that answers so for ever. Each request must be for this path.
fn client(path: &'static str, answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("a request");
            let line = format!("GET /v1/{path} HTTP/1.1\r\n");
            assert!(request[..read].starts_with(line.as_bytes()), "{path}");
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ";
            write!(stream, "{head}{}\r\n\r\n{answer}", answer.len()).expect("an answer");
        }
    });
    url
}

fn store(class: &str) -> String {
    json_of!({ "version": "1.9", "objectStoreBackend": class, "hasXReproxy": false }).to_string()
}

/// The last entry of the journal.
fn last(world: &EmbeddedWorld) -> Option<Entry> {
    let items = dynamodb::items(&world.database, JOURNAL).expect("a table");
    let sequence = |item: &Item| Fields(item).number("sequence").expect("a number").unwrap_or(0);
    let last = items.iter().max_by_key(|item| sequence(item)).filter(|item| sequence(item) > 0)?;
    Some(Entry::parse(Fields(last).the_text("line").expect("a line")).expect("an entry"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_configuration_is_printed_and_checked() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let folder = tempfile::tempdir().expect("a folder");
    let mut environment = world.environment().clone();
    environment.insert("ACCESS_PROFILE", "contentrepo-legacy".to_owned());
    let secret = environment["AWS_SECRET_ACCESS_KEY"].clone();

    let (output, said) = run(&environment, &["config", "--json"], 0).await;
    let texts = json(&output)["texts"].clone();
    assert!(!said.contains(&secret) && said.contains("THE-SECRET-ACCESS-KEY"), "{said}");
    assert_eq!(texts["renames"][1], json_of!([BUCKETS[0].0, BUCKETS[0].1]), "{texts}");
    let (_, said) = run(&environment, &["config", "--with-keys"], 0).await;
    assert!(said.contains(&secret) && said.contains("point of no return"), "{said}");
    environment.insert("AWS_S3_REGION_NAME", "eu-west-1".to_owned());
    let (_, said) = run(&environment, &["config"], 1).await;
    assert!(said.contains("PROBLEM") && !said.contains("AWSS3V4SignerType\"}}]}\ncon"), "{said}");
    environment.remove("AWS_S3_REGION_NAME");

    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.to_str().expect("a name").to_owned()
    };
    let resource = texts["resource"].as_str().expect("a text").replace("THE-", "an-");
    let good = write("context.xml", &format!("<Context><!-- {resource} -->{resource}</Context>"));
    let rhino = |bucket: &str| {
        format!(
            "contentRepo:\n  corpus:\n    bucket: {bucket}\n  editorial:\n    bucket: {bucket}\n"
        )
    };
    let old = write("old.yaml", &rhino(BUCKETS[0].0));
    let new = write("rhino.yaml", &rhino(BUCKETS[0].1));
    let outcome = |world: &EmbeddedWorld| {
        let content = last(world).expect("an entry").content;
        let Said::Evidence(evidence) = content else { panic!("{content:?}") };
        (evidence.step, json_of!(evidence.outcome), evidence.place.account)
    };
    let of = |outcome: &str| {
        let account = Some("123456789012".to_owned());
        ("config check".to_owned(), json_of!(outcome), account)
    };
    run(&environment, &["config", "--check", &good, "--check", &old], 1).await;
    assert_eq!(outcome(&world), of("differs"));
    // One client alone is no proof of both.
    run(&environment, &["config", "--check", &good], 0).await;
    assert_eq!(outcome(&world), of("incomplete"));
    run(&environment, &["config", "--check", &good, "--check", &new], 0).await;
    assert_eq!(outcome(&world), of("clean"));
    let neither = write("pom.xml", "<project/>");
    run(&environment, &["config", "--check", &neither], 2).await;

    let s3 = client("config", store("class org.plos.repo.service.S3StoreService"));
    let mogile = client("config", store("class org.plos.repo.service.MogileStoreService"));
    let buckets = json_of!({ "corpus": { "bucket": BUCKETS[0].1, "secondaryBuckets": [] } });
    let running = client("config?type=repo", buckets.to_string());
    environment.insert("CONTENTREPO_URL", format!("{s3},{mogile}"));
    environment.insert("RHINO_URL", running.clone());
    let (output, said) = run(&environment, &["config", "--check-url", "--json"], 1).await;
    let states = json(&output)["running"].clone();
    let states: Vec<_> = (0..3).map(|at| states[at]["state"].clone()).collect();
    assert_eq!(states, ["done", "not-yet", "done"], "{said}");
    environment.insert("CONTENTREPO_URL", s3.clone());
    run(&environment, &["config", "--check-url"], 0).await;
    assert_eq!(outcome(&world), of("clean"));
    // Something else answers there.
    let other = client("config?type=repo", "<html>".to_owned());
    let (_, said) = run(&environment, &["config", "--check-url", &other], 3).await;
    assert!(said.contains("no JSON"), "{said}");
    assert_eq!(outcome(&world), of("incomplete"));
}

/// Writes entries behind each other, as the cut-over does.
fn write_journal(world: &EmbeddedWorld, contents: Vec<Said>) {
    let mut head = None;
    for content in contents {
        let sealed =
            SealedEntry::new(LEDGER, head, Timestamp(1), ("ann", 1), content).expect("small");
        let hash = sealed.hash.to_string();
        let key = |sequence| [value("migration", LEDGER), number("sequence", sequence)];
        let put = |item: Item| dynamodb::put(&world.database, JOURNAL, item).expect("put");
        let line = [value("line", &sealed.line), value("hash", &hash)];
        put(key(sealed.sequence).into_iter().chain(line).collect());
        put(key(0)
            .into_iter()
            .chain([number("last", sealed.sequence), value("hash", &hash)])
            .collect());
        let stored = domain::journal::Head { sequence: sealed.sequence, hash: sealed.hash };
        head = StoredHead::Names(stored).named().cloned();
    }
}

fn cut_over(database: ClientDatabase) -> [Said; 2] {
    let renames = BUCKETS.iter().map(|(from, to)| {
        let (from, to) = ((*from).to_owned(), (*to).to_owned());
        NameRename { id: None, from, to }
    });
    let names = NamesBefore { renames: renames.collect(), ..NamesBefore::default() };
    let begun = CutoverBegun::new(database, Direction::ToS3, "db:3306/clients", names);
    let step = database.step(Direction::ToS3).to_owned();
    [Said::CutoverBegun(Box::new(begun)), Said::StepDone { step }]
}

#[tokio::test(flavor = "multi_thread")]
async fn intermediaries_of_proven_files_are_deleted_behind_both_cut_overs() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let environment = world.environment();
    let (old, new) = BUCKETS[0];
    let mut keys = Vec::new();
    for number in 0..5_u8 {
        let bytes = vec![number; 100];
        let key = format!("{}-{old}", domain::Sha1::of(&bytes));
        let content = Content::from(bytes.clone());
        let fid = world.mogile.store(world.dmid, &key, &content, &world.devices[..2]);
        let form = IntermediaryForm::ALL[usize::from(number % 2)];
        let key = ObjectKey::intermediary(domain::Fid(fid.0), form).to_string();
        world.s3.plant_plain(new, &key, bytes).expect("planted");
        keys.push(key);
    }
    let there = || {
        let objects = world.s3.objects(new).expect("a bucket");
        keys.iter().filter(|key| objects.contains_key(*key)).count()
    };
    run(environment, &["migrate"], 0).await;
    // Not one of these is proven: it came behind the migration.
    let bytes = b"late".to_vec();
    let key = format!("{}-{old}", domain::Sha1::of(&bytes));
    let late =
        world.mogile.store(world.dmid, &key, &Content::from(bytes.clone()), &world.devices[..2]);
    let late = ObjectKey::intermediary(domain::Fid(late.0), IntermediaryForm::Plain).to_string();
    world.s3.plant_plain(new, &late, bytes).expect("planted");

    let delete = ["intermediaries", "delete"];
    let (_, said) = run(environment, &delete, 4).await;
    assert!(said.contains("contentrepo is not done"), "{said}");
    let [contentrepo, rhino] = [ClientDatabase::Contentrepo, ClientDatabase::Rhino].map(cut_over);
    write_journal(&world, contentrepo.into_iter().chain(rhino).collect());

    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list").to_str().expect("a name").to_owned();
    let (output, said) = run(environment, &["intermediaries", "delete", "--json"], 1).await;
    let report = json(&output);
    let counted = [&report["intermediaries"]["files"], &report["deletable"]["files"]];
    assert_eq!((counted, there()), ([&json_of!(6), &json_of!(5)], 5), "{said}");
    assert_eq!(last(&world).expect("an entry").sequence, 4);

    let really = ["intermediaries", "delete", "--execute", "--operator=ann", "--list", &list];
    let (_, said) = run(environment, &really, 1).await;
    assert!(said.contains("unproven"), "{said}");
    assert_eq!(there(), 0);
    assert!(world.s3.objects(new).expect("a bucket").contains_key(&late));
    let listed = std::fs::read_to_string(&list).expect("a list");
    assert_eq!(listed.matches("\tdeleted\n").count(), 5, "{listed}");
    assert!(
        listed.contains(&format!("{new}\t{late}\t")) && listed.contains("\tunproven\n"),
        "{listed}"
    );
    let entry = last(&world).expect("an entry");
    assert_eq!((entry.sequence, entry.by.as_str()), (6, "ann"));
    let Said::IntermediariesDeleted { deleted, .. } = entry.content else { panic!("{entry:?}") };
    assert_eq!(deleted, 5);
}
