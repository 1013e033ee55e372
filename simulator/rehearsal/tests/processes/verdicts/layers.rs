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

mod planting;

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
}
