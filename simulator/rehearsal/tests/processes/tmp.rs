//! `tmp`: the real commands, on uploads of every kind.
//!
//! A list of a day ago is what a list of now wrote, written again with an older time: no flag of the
//! commands changes what they take for old.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Output;
use std::time::SystemTime;

use domain::Timestamp;
use domain::journal::{Entry, SealedEntry};
use serde_json::{Value, json as json_of};
use stand_ins::embedded::{BUCKETS, DOMAIN, EmbeddedWorld, IGNORED_BUCKET, JOURNAL, LEDGER};
use stand_ins::fault::{Rule, Service};
use stand_ins::world::databases::{ObjectRow, Status};
use stand_ins::world::dynamodb::{self, Fields, Item, number, text as value};
use stand_ins::world::mogile::{CloseFile, Content, Fid, OpenFile, OpenedFile};

use crate::cli::{json, mogile2s3, text};

/// The key of an upload.
fn tmp(number: u32) -> String {
    format!("f81d4fae-7dec-11d0-a765-{number:012x}.tmp")
}

fn sha1(bytes: &[u8]) -> String {
    domain::Sha1::of(bytes).to_string()
}

/// Stores a file, and gives its fid.
fn store(world: &EmbeddedWorld, key: &str, bytes: &[u8]) -> Fid {
    world.mogile.store(world.dmid, key, &Content::from(bytes.to_vec()), &world.devices[..2])
}

/// contentrepo refers to these.
fn refer(world: &EmbeddedWorld, contents: &[&[u8]]) {
    let planted = world.databases.plant(|rows| {
        let bucket = rows.bucket(BUCKETS[0].0)?;
        for (number, content) in contents.iter().enumerate() {
            let object = ObjectRow {
                bucket,
                key: &format!("10.1371/{number}"),
                version: 0,
                sha1: &sha1(content),
                size: content.len() as u64,
                name: None,
                content_type: None,
                status: Status::InUse,
                uuid: &format!("b2d3a0c4-0000-4000-8000-{number:012}"),
            };
            rows.object(&object)?;
        }
        Ok(())
    });
    planted.expect("planted");
}

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

/// Writes the journal's only entry again, as of so many minutes ago.
fn make_older(world: &EmbeddedWorld, minutes: u64) {
    let items = dynamodb::items(&world.database, JOURNAL).expect("a table");
    let is_first = |item: &&Item| Fields(item).number("sequence") == Ok(Some(1));
    let first = items.iter().find(is_first).expect("an entry");
    let entry = Entry::parse(Fields(first).the_text("line").expect("a line")).expect("an entry");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let now = u64::try_from(now.as_millis()).expect("small");
    let at = Timestamp(now - minutes * 60_000);
    let Entry { migration, by, writer, content, .. } = entry;
    let older = SealedEntry::new(&migration, None, at, (&by, writer), content).expect("small");
    let hash = older.hash.to_string();
    let key = |sequence| [value("migration", LEDGER), number("sequence", sequence)];
    let put = |item: Item| dynamodb::put(&world.database, JOURNAL, item).expect("put");
    let line = [value("line", &older.line), value("hash", &hash)];
    put(key(1).into_iter().chain(line).collect());
    put(key(0).into_iter().chain([number("last", 1), value("hash", &hash)]).collect());
}

/// A world with uploads of every kind.
struct Uploads {
    world: EmbeddedWorld,
    environment: BTreeMap<&'static str, String>,
    /// Over: as a file, as one of an ignored bucket, as an object, and needed by nobody.
    over: [Fid; 4],
    /// The only copy of what contentrepo refers to.
    only: Fid,
    /// Files, and one of an ignored bucket.
    files: [Fid; 3],
    ignored: Fid,
    /// Of other keys.
    odd: [Fid; 3],
    /// One that is open, and gets its row and its name behind the list.
    open: OpenedFile,
    /// One that gets another name behind the list.
    renamed: Fid,
}

impl Uploads {
    async fn new() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let environment = world.environment().clone();
        let repo = BUCKETS[0].0;
        let key = |bytes: &[u8], bucket| format!("{}-{bucket}", sha1(bytes));
        let files = ["one", "two", "three"].map(|words| {
            let bytes = words.as_bytes();
            store(&world, &key(bytes, repo), bytes)
        });
        let over = [
            store(&world, &tmp(1), b"one"),
            store(&world, &tmp(2), b"ignored"),
            store(&world, &tmp(3), b"object"),
            store(&world, &tmp(4), b"nobody's"),
        ];
        let ignored = store(&world, &key(b"ignored", IGNORED_BUCKET), b"ignored");
        let object = world.s3.plant_plain(BUCKETS[1].1, &sha1(b"object"), b"object".to_vec());
        object.expect("a bucket");
        let only = store(&world, &tmp(5), b"only copy");
        refer(&world, &[b"one", b"two", b"three", b"only copy"]);
        let odd = ["a.tmp".to_owned(), format!("{}.bak", tmp(6)), tmp(7).replace('-', "")];
        let odd = odd.map(|key| store(&world, &key, b"odd"));
        let open = OpenFile { domain: DOMAIN, key: &tmp(8), ..OpenFile::default() };
        let open = world.mogile.create_open(open).expect("a device");
        let renamed = store(&world, &tmp(9), b"renamed");
        Self { world, environment, over, only, files, ignored, odd, open, renamed }
    }

    /// Behind the list one upload ends, and one is closed.
    fn go_on(&self) {
        let (mogile, open) = (&self.world.mogile, &self.open);
        let key = format!("{}-{}", sha1(b"renamed"), BUCKETS[0].0);
        mogile.rename(DOMAIN, &tmp(9), &key).expect("free");
        let destination = open.destinations.first().expect("one");
        let (fid, device, path) = (open.fid, destination.device, &*destination.path);
        mogile.set_replica(fid, device, Content::from(b"open".to_vec()));
        let (domain, key, size) = (DOMAIN, &*tmp(8), Some(4));
        mogile.create_close(CloseFile { domain, key, fid, device, path, size }).expect("closed");
    }

    fn has(&self, fid: Fid) -> bool {
        self.world.mogile.row(fid).is_some()
    }

    async fn run(&self, arguments: &[&str], code: i32) -> String {
        run(&self.environment, arguments, code).await.1
    }

    async fn json(&self, arguments: &[&str], code: i32) -> Value {
        json(&run(&self.environment, &[arguments, &["--json"]].concat(), code).await.0)
    }

    /// Nothing is deleted before a day has passed.
    async fn list_and_wait(&self) {
        let said = self.run(&["tmp", "delete"], 1).await;
        assert!(said.contains("6 never seen by a list"), "{said}");
        let listed = self.json(&["tmp", "list", "--operator", "ann"], 0).await;
        assert_eq!(listed["temporary"]["files"], 6, "{listed}");
        let others = (&listed["alike"]["files"], &listed["entries"]);
        assert_eq!(others, (&2.into(), &1.into()), "{listed}");
        let said = self.run(&["tmp", "delete", "--execute"], 1).await;
        assert!(said.contains("6 may still be under way: run this again after"), "{said}");
        make_older(&self.world, 24 * 60 + 9);
        self.run(&["tmp", "delete", "--execute"], 1).await;
        assert!(self.over.iter().all(|fid| self.has(*fid)));
        make_older(&self.world, 24 * 60 + 11);
    }

    /// A dry run changes nothing, and says less where less can be looked at.
    async fn look(&self) {
        let before = self.world.faults.counts();
        let dry = self.json(&["tmp", "delete"], 1).await;
        let classes = ["deletable", "deleted"].map(|class| dry[class]["files"].clone());
        assert_eq!(classes, [4, 0], "{dry}");
        // Without contentrepo nobody knows which bucket needs it. The trackers list the same index.
        let mut alone = self.environment.clone();
        alone.insert("CONTENTREPO_DATABASE_URL", String::new());
        alone.insert("MOGILE_DATABASE_URL", String::new());
        let (_, said) = run(&alone, &["tmp", "delete"], 1).await;
        assert!(said.contains("give CONTENTREPO_DATABASE_URL"), "{said}");
        let dry = json(&run(&alone, &["tmp", "delete", "--json"], 1).await.0);
        let classes = ["deletable", "undecided"].map(|class| dry[class]["files"].clone());
        assert_eq!(classes, [0, 5], "{dry}");
        // What is the only copy may go where the file is named by itself.
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("fids");
        let file = file.to_str().expect("a path");
        let also_unique = ["tmp", "delete", "--also-unique", file];
        std::fs::write(file, format!("# looked at\n{}\n", self.files[0])).expect("written");
        let dry = self.json(&also_unique, 1).await;
        assert_eq!(dry["only_copies"][0]["fid"], self.only.0, "{dry}");
        std::fs::write(file, format!("{}\n", self.only)).expect("written");
        let dry = self.json(&also_unique, 1).await;
        assert_eq!((&dry["only_copies"], &dry["deletable"]["files"]), (&json_of!([]), &5.into()));
        for (fids, words) in
            [("1-9", "has a range, from fid 1 on"), ("", "names no fid"), ("x", "line 1")]
        {
            std::fs::write(file, fids).expect("written");
            let said = self.run(&also_unique, 2).await;
            assert!(said.contains(&format!("--also-unique: `{file}`")), "{said}");
            assert!(said.contains(words), "{words}: {said}");
        }
        self.run(&["tmp", "delete", "--also-unique"], 2).await;
        let since = self.world.faults.counts_since(&before);
        let writes = ["TransactWriteItems", "delete", "rename"];
        assert!(!since.keys().any(|(_, name)| writes.contains(&name.as_str())), "{since:?}");
    }

    /// The line that the report prints heals the only copy.
    async fn heal(&self, said: &str) {
        let line = said.lines().find(|line| line.contains("printf")).expect("a line for trackers");
        let request = line.split('\'').nth(3).expect("a request").to_owned();
        let tracker = self.environment["MOGILE_TRACKERS"].clone();
        let answer = tokio::task::spawn_blocking(move || send(&tracker, &request));
        assert!(answer.await.expect("sent").starts_with("OK"), "{said}");
        let healed = self.world.mogile.row(self.only).and_then(|row| row.dkey);
        assert_eq!(healed, Some(format!("{}-{}", sha1(b"only copy"), BUCKETS[0].0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_uploads_are_deleted_a_day_after_a_list_saw_them() {
    let uploads = Uploads::new().await;
    uploads.list_and_wait().await;
    uploads.go_on();
    uploads.look().await;
    let said = uploads.run(&["tmp", "delete", "--execute", "--operator", "ann"], 1).await;
    let Uploads { world, over, only, files, ignored, odd, open, renamed, .. } = &uploads;
    assert!(over.iter().all(|fid| !uploads.has(*fid)), "{said}");
    let stay = files.iter().chain(odd).chain([ignored, only, renamed, &open.fid]);
    assert!(stay.into_iter().all(|fid| uploads.has(*fid)), "{said}");
    assert!(said.contains("1 never seen by a list"), "{said}");
    assert!(said.contains("6 of 6 uploads looked at, 4 deleted"), "{said}");
    let export = uploads.run(&["runbook", "export"], 0).await;
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<_> = lines[1..3].iter().map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, ["temporary-condemned", "temporary-deleted"], "{export}");
    assert_eq!(lines[1]["files"][3]["sha1"], sha1(b"nobody's"), "{export}");
    assert_eq!(lines[2]["deleted"], 4, "{export}");

    // When what is odd or ignored is away, too, as many rows are in the index as in the ledger.
    uploads.heal(&said).await;
    for fid in odd.iter().chain([ignored, &open.fid]) {
        world.mogile.drop_row(*fid);
    }
    uploads.run(&["migrate"], 0).await;
    let plan = uploads.json(&["plan"], 0).await;
    let fids = uploads.json(&["fids"], 0).await;
    assert_eq!((&plan["rows"], fids["fids"].as_array().map(Vec::len)), (&5.into(), Some(5)));
    uploads.run(&["tmp", "delete"], 0).await;
}

/// Sends a line to a tracker, as the report says; gives the answer.
pub fn send(tracker: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(tracker).expect("it listens");
    stream.write_all(format!("{request}\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_or_is_wrong_ends_without_a_deletion() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    let mut environment = world.environment().clone();
    let fid = store(&world, &tmp(1), b"nobody's");
    store(&world, &format!("{}-{}", sha1(b"one"), BUCKETS[0].0), b"one");
    run(&environment, &["tmp", "list", "--operator", "ann"], 0).await;
    make_older(&world, 24 * 60 + 11);
    let execute = ["tmp", "delete", "--execute", "--operator", "ann"];
    // An empty contentrepo is another store's.
    let (_, said) = run(&environment, &execute, 2).await;
    let words = ["refers to 0 of 1 files", "correct CONTENTREPO_DATABASE_URL"];
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
    // Needed, and an object of the bucket has it, too.
    refer(&world, &[b"one", b"nobody's"]);
    let object = (BUCKETS[0].1, sha1(b"nobody's"));
    world.s3.plant_plain(object.0, &object.1, b"nobody's".to_vec()).expect("a bucket");
    for (service, operation, code, words) in [
        (Service::Tracker, "file_info", 3, "source-unreachable"),
        (Service::S3, "HEAD", 3, "s3-unreachable"),
        (Service::DynamoDb, "BatchGetItem", 3, "check the way to DynamoDB"),
        (Service::Tracker, "delete", 3, "PERHAPS DELETED"),
    ] {
        let fault = stand_ins::fault::Fault::RequestLost;
        let rule = Rule { operation: Some(operation.to_owned()), ..Rule::always(service, fault) };
        world.faults.add(rule);
        let (_, said) = run(&environment, &execute, code).await;
        assert!(said.contains(words), "{operation}: {said}");
        world.faults.clear();
        assert!(world.mogile.row(fid).is_some(), "{operation}");
    }
    for (name, wrong, code) in [
        ("MOGILE_DOMAIN", "nobody", 2),
        ("BUCKETS", "mogilefs-prod-repo:no-such-bucket", 2),
        ("BUCKETS", "", 2),
        ("MOGILE_TRACKERS", "", 2),
        ("CONTENTREPO_DATABASE_URL", "mysql://u:p@127.0.0.1:1/repo", 3),
    ] {
        let right = environment.insert(name, wrong.to_owned()).expect("a setting");
        run(&environment, &execute, code).await;
        environment.insert(name, right);
        assert!(world.mogile.row(fid).is_some(), "{name}");
    }
    // A journal that was changed proves nothing.
    let items = dynamodb::items(&world.database, JOURNAL).expect("a table");
    let is_first = |item: &Item| Fields(item).number("sequence") == Ok(Some(1));
    let first = items.into_iter().find(is_first).expect("an entry");
    let line = Fields(&first).the_text("line").expect("a line").replace("ann", "bob");
    let changed: Item = first.into_iter().chain([value("line", &line)]).collect();
    dynamodb::put(&world.database, JOURNAL, changed).expect("put");
    let (_, said) = run(&environment, &execute, 4).await;
    assert!(said.contains("runbook check"), "{said}");
    assert!(world.mogile.row(fid).is_some());
}
