//! Which verification finds which fault: every cell of the table in docs/VERIFICATION.md.

use std::collections::BTreeMap;
use std::time::SystemTime;

use rehearsal::planting::Expected;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DOMAIN, LEDGER, VERIFICATIONS};
use stand_ins::world::bucket::{Attributes, Content as ObjectContent, Object, StoredChecksum};
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Status};
use stand_ins::world::dynamodb::{Fields, Item, Table, number, text};
use stand_ins::world::mogile::{Content, Fid, FileRow};

use super::session::Session;
use super::witness::{count, witnessed};

/// The columns, in their order.
const COLUMNS: [&str; 6] = [
    "`enqueue verify`",
    "`audit`",
    "`audit report`",
    "`verify`",
    "`verify --deep`",
    "`verify --references`",
];

/// A line of the table: what was planted, whether it is a fault at all, and how a command would name it: by
/// the file's fid, or by the key of an object.
struct Planted {
    words: &'static str,
    is_fault: bool,
    fid: Option<u64>,
    object: Option<String>,
}

/// What each command says, by fid or by `bucket/key`: the name of the finding.
type Said = BTreeMap<String, String>;

#[tokio::test(flavor = "multi_thread")]
async fn each_verification_finds_what_the_page_says() {
    let session = Session::migrated(171, 70).await;
    let files: Vec<Expected> = session.plain().filter(|it| is_long(it)).cloned().collect();
    let again = session.ingest_again(&files[0]);
    session.said(&["migrate"], 0).await;
    let rows = session.stage.world.mogile.row_count();
    session.said(&["enqueue", "verify", "--run", "before"], 0).await;
    session.said(&["work", "--until-empty"], 0).await;

    let mut planted = session.plant_all(&files[1..]);
    let harmless = |words, fid| Planted { words, is_fault: false, fid: Some(fid), object: None };
    planted.push(harmless(
        "Content that was ingested again under a new fid, and migrated again.",
        again,
    ));
    assert!(rows > planted.len(), "each has a file of its own");

    let audit = session.told(&["audit", "--run", "before"], 1).await;
    let listed = session.told(&["verify", "--sample", "0"], 1).await;
    let deep = session.told(&["verify", "--deep"], 1).await;
    let references = session.by_references().await;
    session.set_deliveries(1);
    let sent = session.told(&["enqueue", "verify", "--run", "after"], 0).await;
    let worked = session.told(&["work", "--until-empty"], 1).await;
    // By now the objects are older than the job.
    let witness = witnessed(&session, 1).await;
    let columns = [
        session.by_jobs(&worked),
        by_audit(&audit),
        by_witness(&witness),
        by_listing(&listed),
        by_listing(&deep),
        references,
    ];

    let page = page();
    let mut wrong = Vec::new();
    for Planted { words, is_fault, fid, object } in &planted {
        let Some(cells) = page.get(*words) else {
            wrong.push(format!("the page has no line `{words}`"));
            continue;
        };
        for ((column, said), cell) in COLUMNS.iter().zip(&columns).zip(cells) {
            let by_fid = fid.and_then(|fid| said.get(&fid.to_string()));
            let found = by_fid.or_else(|| said.get(object.as_deref()?));
            let nothing = if *is_fault { "not seen" } else { "no alarm" };
            let is = found.map_or(nothing.to_owned(), |name| format!("`{name}`"));
            if is != *cell {
                wrong.push(format!("{words} {column}: {is}, and the page says {cell}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(page.len(), planted.len(), "each line of the page is planted");

    // Nothing else is said of any file, and each file is in one class.
    let known = |key: &String| {
        let is_its = |it: &Planted| {
            it.fid.map(|fid| fid.to_string()).as_ref() == Some(key)
                || it.object.as_ref() == Some(key)
        };
        planted.iter().any(is_its)
    };
    for (column, said) in COLUMNS.iter().zip(&columns) {
        let unplanned: Vec<_> = said.iter().filter(|(key, _)| !known(key)).collect();
        assert!(unplanned.is_empty(), "{column}: {unplanned:?}");
    }
    let temporary = session.stage.planted.temporary + 1;
    for summary in [&sent, &audit, &listed, &deep] {
        assert_eq!(summary["temporary"], temporary, "{summary}");
    }
    let whole = |column: usize, notes: &[&str]| {
        let failures = columns[column].values().filter(|name| !notes.contains(&name.as_str()));
        sent["sent"]["files"].as_u64().expect("a count") - failures.count() as u64
    };
    assert_eq!(worked["verified"]["files"], whole(0, &["index-length"]), "{worked}");
    assert_eq!(audit["whole"], whole(1, &["withdrawn", "referenced"]), "{audit}");
    assert_eq!(count(&witness, "whole"), whole(2, &[]), "{witness}");
    assert_eq!(listed["whole"]["files"], whole(3, &["extra", "index-length"]), "{listed}");
    let notes = ["extra", "index-length", "etag-not-md5"];
    assert_eq!(deep["whole"]["files"], whole(4, &notes), "{deep}");
    let passes = session.items(VERIFICATIONS);
    let of_run =
        |item: &&Item| Fields(item).the_text("run").is_ok_and(|it| it.starts_with("after#"));
    assert_eq!(worked["verified"]["files"], passes.iter().filter(of_run).count());
}

/// The lines of the page's table: its cells by the words of the first one.
fn page() -> BTreeMap<String, Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/VERIFICATION.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = page.lines().skip_while(|line| !line.starts_with("| what is wrong |"));
    let heading = cells(lines.next().expect("the table"));
    let places =
        COLUMNS.map(|name| heading.iter().position(|cell| cell == name).expect("a column"));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells);
    rows.map(|cells| (cells[0].clone(), places.map(|at| cells[at].clone()).to_vec())).collect()
}

fn is_long(file: &Expected) -> bool {
    file.file.content.length() > 16
}

/// The fids of a sample, each with this name.
fn add(said: &mut Said, name: &str, sample: &Value) {
    let fids = sample["first_fids"].as_array().into_iter().flatten();
    let fids: Vec<_> = fids.filter_map(Value::as_u64).collect();
    let files = sample["files"].as_u64().unwrap_or_default();
    assert_eq!(files, fids.len() as u64, "all fids are named: {name} {sample}");
    said.extend(fids.iter().map(|fid| (fid.to_string(), name.to_owned())));
}

fn by_audit(summary: &Value) -> Said {
    let mut said = Said::new();
    for name in ["without_record", "claimed", "of_another", "doubted", "without_pass"] {
        add(&mut said, name, &summary[name]);
    }
    for name in ["referenced", "withdrawn"] {
        add(&mut said, name, &summary["without_row"][name]);
    }
    said
}

fn by_witness(summary: &Value) -> Said {
    let mut said = Said::new();
    for name in ["wrong", "missing", "changed", "failed", "not_witnessed", "changed_meanwhile"] {
        add(&mut said, name, &summary[name]);
    }
    said
}

fn by_listing(summary: &Value) -> Said {
    let mut said = Said::new();
    for samples in ["different", "unseen", "findings"] {
        for (name, sample) in summary[samples].as_object().into_iter().flatten() {
            add(&mut said, name, sample);
        }
    }
    let extra = summary["extra"]["examples"].as_array().into_iter().flatten();
    let extra: Vec<_> = extra.filter_map(Value::as_str).collect();
    assert_eq!(summary["extra"]["files"], extra.len(), "all are named: {summary}");
    // A file that is missing in its own bucket is named by its fid.
    said.extend(extra.iter().map(|at| ((*at).to_owned(), "extra".to_owned())));
    said
}

impl Session {
    fn by_jobs(&self, summary: &Value) -> Said {
        let mut said = Said::new();
        for (name, sample) in summary["findings"].as_object().into_iter().flatten() {
            add(&mut said, name, sample);
        }
        for item in self.failures() {
            let fields = Fields(&item);
            let fid = fields.the_number("fid").expect("a fid").to_string();
            said.insert(fid, fields.the_text("reason").expect("a reason").to_owned());
        }
        said
    }

    /// What the comparison of the clients' rows says: of contentrepo's by the file or the object that they name,
    /// and of rhino's by their keys.
    async fn by_references(&self) -> Said {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("list").display().to_string();
        self.told(&["verify", "--references", "--failures", &list], 1).await;
        let lines = std::fs::read_to_string(&list).expect("written");
        let mut said = Said::new();
        for line in lines.lines().filter(|line| line.contains('\t')) {
            let columns: Vec<_> = line.split('\t').collect();
            let (kind, bucket, key, sha1) = (columns[1], columns[4], columns[5], columns[7]);
            let new = BUCKETS.iter().find(|(old, _)| *old == bucket).expect("a bucket").1;
            let is_it = |file: &&Expected| file.bucket == new && file.file.sha1 == sha1;
            let at = match (columns[2], self.files().iter().find(is_it)) {
                ("articleFile", _) if kind == "no-object" => continue,
                ("articleFile", _) => key.to_owned(),
                (_, Some(file)) => file.fid.to_string(),
                (_, None) => format!("{new}/{sha1}"),
            };
            said.insert(at, kind.to_owned());
        }
        said
    }

    /// Deletes a file and stores it again; gives its new fid.
    fn ingest_again(&self, file: &Expected) -> u64 {
        let world = &self.stage.world;
        let row = world.mogile.row(Fid(file.fid)).expect("its row");
        let key = row.dkey.expect("its key");
        world.mogile.delete(DOMAIN, &key).expect("it is there");
        self.store(&key, &file.file.content)
    }

    fn store(&self, key: &str, content: &Content) -> u64 {
        let world = &self.stage.world;
        world.mogile.store(world.dmid, key, content, &world.devices[..2]).0
    }

    /// Plants an object with other bytes than the file's, of the same length; gives these.
    fn overwrite(&self, file: &Expected, is_signed: bool) -> ObjectContent {
        let right = ObjectContent::of(file.file.content.read().expect("readable"));
        let bytes: Vec<_> = right.bytes().iter().map(|byte| byte ^ 1).collect();
        let content = ObjectContent::of(bytes);
        let stored = if is_signed { &right } else { &content };
        let checksum = Some(StoredChecksum::sha1_of(stored));
        let object = Object::new(content.clone(), Attributes::default(), SystemTime::now());
        let object = Object { checksum, ..object };
        self.stage.world.s3.plant(file.bucket, &file.file.sha1, object).expect("planted");
        content
    }

    fn rewrite(&self, file: &Expected, (name, value): (&str, &str)) {
        let mut item = self.item(file.fid);
        item.extend([text(name, value)]);
        self.put(LEDGER, item);
    }

    /// Plants one of each; gives them.
    fn plant_all(&self, files: &[Expected]) -> Vec<Planted> {
        let mut files = files.iter();
        let mut planted = Vec::new();
        let world = &self.stage.world;
        let at = |file: &Expected| format!("{}/{}", file.bucket, file.file.sha1);
        let other_bucket = |file: &Expected| {
            BUCKETS
                .iter()
                .map(|(_, new)| *new)
                .find(|new| *new != file.bucket)
                .expect("two buckets")
        };
        let bytes = |file: &Expected| file.file.content.read().expect("readable");
        let mut next = |is_fault, words| {
            let file = files.next().expect("enough files");
            planted.push(Planted { words, is_fault, fid: Some(file.fid), object: None });
            file
        };

        self.lose(next(true, "The object is missing."));
        self.overwrite(next(true, "The object has other bytes of the right length."), false);
        let words =
            "The object has other bytes of the right length, and the ledger agrees with them.";
        let file = next(true, words);
        let wrong = domain::Sha1::of(self.overwrite(file, false).bytes()).to_string();
        self.rewrite(file, ("sha1", &wrong));
        let words = "The object has other bytes of the right length, and S3 stores the right SHA-1 with them.";
        self.overwrite(next(true, words), true);
        let file = next(true, "The object's ETag is not the MD5 of its bytes.");
        let content = ObjectContent::of(bytes(file));
        let checksum = Some(StoredChecksum::sha1_of(&content));
        let object = Object::new(content, Attributes::default(), SystemTime::now());
        let object = Object { checksum, etag: "0".repeat(32), ..object };
        world.s3.plant(file.bucket, &file.file.sha1, object).expect("planted");
        let file = next(true, "The object has another length.");
        world.s3.plant_plain(file.bucket, &file.file.sha1, b"short".to_vec()).expect("planted");
        let file = next(true, "The object is in the other bucket.");
        self.lose(file);
        let misplaced = format!("{}/{}", other_bucket(file), file.file.sha1);
        world.s3.plant_plain(other_bucket(file), &file.file.sha1, bytes(file)).expect("planted");

        let file = next(true, "The ledger has no record of the file.");
        let ledger = Table::new(world.database.clone(), LEDGER.to_owned());
        ledger.delete(&[Item::from([number("fid", file.fid)])]).expect("deleted");
        let file = next(true, "The ledger's record is of another SHA-1.");
        self.rewrite(file, ("sha1", &domain::Sha1::of(b"another").to_string()));
        let file = next(true, "The ledger's record is of another bucket.");
        self.rewrite(file, ("bucket", other_bucket(file)));
        self.rewrite(next(true, "The ledger's record cannot be read."), ("sha1", "no SHA-1"));

        let file = next(false, "A row that was deleted after the migration.");
        let deleted = at(file);
        let key = world.mogile.row(Fid(file.fid)).and_then(|row| row.dkey).expect("its key");
        world.mogile.delete(DOMAIN, &key).expect("it is there");
        let file = next(false, "Another length in the index, and the object is right.");
        let row = world.mogile.row(Fid(file.fid)).expect("its row");
        world.mogile.plant(FileRow { length: Some(7), ..row });
        let file = next(false, "An object that was stored in parts, with the right bytes.");
        let parts = world.s3.plant_multipart(file.bucket, &file.file.sha1, bytes(file), 3);
        parts.expect("planted");
        let file = next(false, "An object without a stored SHA-1, with the right bytes.");
        world.s3.plant_plain(file.bucket, &file.file.sha1, bytes(file)).expect("planted");

        for (words, object) in [
            ("A row that was deleted after the migration.", deleted),
            ("The object is in the other bucket.", misplaced),
        ] {
            let its = planted.iter_mut().find(|it| it.words == words).expect("planted");
            its.object = Some(object);
        }
        planted.extend(self.plant_others());
        planted
    }

    /// Those that are no file's of the corpus.
    fn plant_others(&self) -> Vec<Planted> {
        let world = &self.stage.world;
        let (old, new) = BUCKETS[0];
        let fault = |words, fid| Planted { words, is_fault: true, fid, object: None };

        let highest = world.mogile.rows_after(Fid(0), usize::MAX).last().expect("rows").fid.0;
        let record = Item::from([
            number("fid", highest + 1_000),
            text("sha1", &domain::Sha1::of(b"long gone").to_string()),
            text("md5", "0"),
            text("bucket", new),
            text("proof", "put"),
        ]);
        self.put(LEDGER, record);
        let extra = domain::Sha1::of(b"nobody's").to_string();
        world.s3.plant_plain(new, &extra, b"nobody's".to_vec()).expect("planted");
        let late = Content::from(b"came late".to_vec());
        let late = self.store(&format!("{}-{old}", domain::Sha1::of(b"came late")), &late);
        let upload = Content::from(b"half".to_vec());
        let upload = self.store("0b5c2d2e-6f0a-4b7e-9b0e-3a5b7d1f2c4e.tmp", &upload);
        self.plant_references();
        vec![
            fault("The ledger has a record of a fid that has no row.", Some(highest + 1_000)),
            Planted {
                object: Some(format!("{new}/{extra}")),
                ..fault("An object of content that no row names.", None)
            },
            fault("A row that came after the migration.", Some(late)),
            Planted {
                is_fault: false,
                ..fault("An unfinished upload, `{uuid}.tmp`.", Some(upload))
            },
            Planted {
                object: Some(format!("{new}/{}", domain::Sha1::of(b"in no bucket"))),
                ..fault("A row of contentrepo whose content is in no bucket.", None)
            },
            Planted {
                object: Some("10.1371/journal.not.in.contentrepo".to_owned()),
                ..fault("A row of rhino that contentrepo does not know.", None)
            },
        ]
    }

    /// Plants rows of the clients' databases that refer to nothing.
    fn plant_references(&self) {
        let databases = &self.stage.world.databases;
        let (old, _) = BUCKETS[0];
        let id = format!("SELECT bucketId FROM buckets WHERE bucketName = '{old}'");
        let id = databases.texts(Database::ContentRepo, &id).expect("contentrepo's buckets");
        let bucket: i64 = id[0][0].parse().expect("a number");
        let planted = databases.plant(|planting| {
            planting.object(&ObjectRow {
                bucket,
                key: "10.1371/journal.without.content",
                version: 0,
                sha1: &domain::Sha1::of(b"in no bucket").to_string(),
                size: 12,
                name: None,
                content_type: None,
                status: Status::InUse,
                uuid: "5f7a1c0e-8f0b-4a7b-8a55-0c1d2e3f4a5b",
            })?;
            planting.article_file(&ArticleFileRow {
                ingestion: 999_999,
                item: None,
                file_type: None,
                bucket: old,
                key: "10.1371/journal.not.in.contentrepo",
                uuid: "6f7a1c0e-8f0b-4a7b-8a55-0c1d2e3f4a5c",
                size: 12,
                name: "nowhere.tif",
            })
        });
        planted.expect("planted");
    }
}
