//! S3's own witness: manifests, jobs as S3 does them, and what their reports prove.

mod aws;

use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde_json::{Value, json};
use stand_ins::embedded::BUCKETS;
use stand_ins::fault::{Fault, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::mogile::Content;
use tempfile::TempDir;

use self::aws::Shell;
use super::printed::command;
use super::session::Session;

const WORK: &str = "work-private";

/// A session, and a folder for its files.
struct Witness {
    session: Session,
    folder: TempDir,
}

/// What is done to the rows of a report.
type Change<'a> = &'a dyn Fn(&str) -> String;

/// One run of all jobs: the command that judges their reports.
struct Run {
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Witness {
    async fn of(seed: u64, files: usize) -> Self {
        let session = Session::migrated(seed, files).await;
        session.stage.world.s3.create_bucket(WORK).expect("made");
        Self { session, folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a name").to_owned()
    }

    /// Writes manifests into a folder, and does what is printed.
    async fn run(&self, name: &str, more: &[&str]) -> Run {
        Run::of(&self.session, (&self.path(name), name), more).await
    }

    async fn told(&self, run: &Run, more: &[&str], code: i32) -> Value {
        run.told(&self.session, more, code).await
    }

    async fn said(&self, run: &Run, more: &[&str], code: i32) -> String {
        let arguments: Vec<_> = run.arguments.iter().map(String::as_str).collect();
        self.session.said(&[&arguments[..], more].concat(), code).await
    }
}

/// What S3's own witness says of all files of a session. The report ends with this exit code.
pub(super) async fn witnessed(session: &Session, code: i32) -> Value {
    session.stage.world.s3.create_bucket(WORK).expect("made");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("all");
    let run = Run::of(session, (out.to_str().expect("a name"), "all"), &[]).await;
    run.told(session, &[], code).await
}

impl Run {
    /// Writes manifests into this folder, and does what is printed.
    async fn of(session: &Session, (out, name): (&str, &str), more: &[&str]) -> Self {
        let upload = format!("s3://{WORK}/{name}");
        let manifest = ["audit", "manifest", "--out", out, "--upload-to", &upload];
        let role = ["--role-arn", "arn:aws:iam::123456789012:role/witness"];
        let said = session.said(&[&manifest[..], &role, more].concat(), 0).await;
        let mut shell = Shell::default();
        shell.follow(&session.stage.world.s3, &said);
        let judge = command(&said, "audit report");
        let arguments = judge.split(' ').map(str::to_owned).collect();
        Self { arguments, folder: PathBuf::from(out) }
    }

    async fn told(&self, session: &Session, more: &[&str], code: i32) -> Value {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        session.told(&[&arguments[..], more].concat(), code).await
    }

    /// The values of an option.
    fn values(&self, option: &str) -> Vec<PathBuf> {
        let two = self.arguments.windows(2).filter(|two| two[0] == option);
        two.map(|two| PathBuf::from(&two[1])).collect()
    }

    /// The file with the rows that succeeded, of the first job.
    fn results(&self) -> PathBuf {
        let folder = self.values("--report")[0].join("results");
        let mut files = folder.read_dir().expect("results").flatten().map(|entry| entry.path());
        files.next().expect("a file")
    }

    /// Changes a file; gives what it was.
    fn edit(path: &Path, change: impl FnOnce(&str) -> String) -> String {
        let before = fs::read_to_string(path).expect("readable");
        fs::write(path, change(&before)).expect("written");
        before
    }

    /// Changes the rows of the first job, and their MD5 with them, as if S3 had written these.
    fn edit_rows(&self, change: impl FnOnce(&str) -> String) -> [(PathBuf, String); 2] {
        let (results, manifest) =
            (self.results(), self.values("--report")[0].join("manifest.json"));
        let md5 = |path: &Path| {
            let md5: [u8; 16] = Md5::digest(fs::read(path).expect("readable")).into();
            data_encoding::HEXLOWER.encode(&md5)
        };
        let old = md5(&results);
        let rows = Self::edit(&results, change);
        let new = md5(&results);
        let listed = Self::edit(&manifest, |text| text.replace(&old, &new));
        [(results, rows), (manifest, listed)]
    }
}

fn put_back(files: impl IntoIterator<Item = (PathBuf, String)>) {
    for (path, text) in files {
        fs::write(path, text).expect("written");
    }
}

pub(super) fn count(told: &Value, class: &str) -> u64 {
    told[class]["files"].as_u64().or_else(|| told[class].as_u64()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_report_is_clean_and_a_damaged_one_is_named() {
    let it = Witness::of(171, 24).await;
    let files = it.session.files().len() as u64;
    let run = it.run("first", &[]).await;
    let told = it.told(&run, &[], 0).await;
    assert_eq!((count(&told, "whole"), told["jobs"].as_array().map(Vec::len)), (files, Some(2)));
    let said = it.said(&run, &[], 0).await;
    assert!(said.contains("S3 itself has computed the right SHA-1"), "{said}");
    let out = run.folder.to_str().expect("a name");
    let upload = ["--upload-to", "s3://work-private/x"];
    let again = [&["audit", "manifest", "--out", out][..], &upload].concat();
    let said = it.session.said(&again, 2).await;
    assert!(said.contains("is there already"), "{said}");
    let left = run.folder.read_dir().expect("a folder").flatten().map(|entry| entry.file_name());
    let parts = left.filter(|name| name.to_string_lossy().contains(".part")).count();
    assert_eq!(parts, 0);

    // Files that are not what S3 wrote.
    let results = run.results();
    let whole = Run::edit(&results, |rows| rows[..rows.len() / 2].to_owned());
    let said = it.said(&run, &[], 2).await;
    assert!(said.contains("is not whole") && said.contains("download the report"), "{said}");
    fs::remove_file(&results).expect("removed");
    let said = it.said(&run, &[], 2).await;
    assert!(said.contains("No such file"), "{said}");
    fs::write(&results, whole).expect("written");

    // Reports that S3 would not have written.
    let first_twice = |rows: &str| rows.lines().next().expect("a row").to_owned() + "\n" + rows;
    let without_first = |rows: &str| rows.split_once('\n').expect("two rows").1.to_owned();
    let one_failed = |rows: &str| rows.replacen("succeeded,200,", "failed,AccessDenied,403", 1);
    let composite = |rows: &str| rows.replacen("FULL_OBJECT", "COMPOSITE", 1);
    let lower_and_swapped = |rows: &str| {
        rows.to_lowercase()
            .replace("succeeded,200,", "succeeded,,200")
            .replace("checksumalgorithm", "checksumAlgorithm")
            .replace("checksumtype", "checksumType")
            .replace("full_object", "FULL_OBJECT")
            .replace("sha1", "SHA1")
    };
    // As AWS's example has it, whose quotes are no CSV.
    let no_csv = |rows: &str| {
        let (first, rest) = rows.split_once('\n').expect("two rows");
        let object = first.split_once(",,").expect("no version").0;
        let words = r#""error details: {""failureMessage"":"Task 2845: Key not found", ""errorCode"": "404"}""#;
        format!("{object},,failed,200,PermanentFailure,{words}\n{rest}")
    };
    let no_base64 = |rows: &str| lower_and_swapped(rows).replace("checksum_base64", "other");
    for (change, code, class, words) in [
        (&first_twice as Change<'_>, 3, "whole", "1 rows come again"),
        (&without_first, 3, "not_witnessed", "1 lines have no row"),
        (&one_failed, 3, "failed", "failed 403 AccessDenied"),
        (&composite, 3, "failed", "of type `COMPOSITE`"),
        (&no_csv, 3, "failed", "Key not found"),
        (&no_base64, 0, "whole", "Clean"),
    ] {
        let before = run.edit_rows(change);
        let told = it.told(&run, &[], code).await;
        assert!(count(&told, class) > 0, "{words}: {told}");
        let said = it.said(&run, &[], code).await;
        assert!(said.contains(words), "{words}: {said}");
        put_back(before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_proves_nothing_is_refused() {
    let it = Witness::of(172, 16).await;
    let run = it.run("first", &[]).await;
    let described = run.values("--job")[0].clone();
    let change = |place: &'static str, value: Value| {
        move |text: &str| {
            let mut job: Value = serde_json::from_str(text).expect("JSON");
            *job.pointer_mut(place).expect(place) = value;
            job.to_string()
        }
    };
    let operation = "/Job/Operation/S3ComputeObjectChecksum/ChecksumAlgorithm";
    for (place, value, code, words) in [
        ("/Job/Status", json!("Active"), 3, "not every job is complete"),
        ("/Job/Status", json!("Failed"), 3, "--client-request-token $(uuidgen)"),
        ("/Job/CreationTime", Value::Null, 2, "is not what `aws s3control describe-job` gives"),
        ("/Job/CreationTime", json!("2020-01-01T00:00:00Z"), 3, "since their job was created"),
        (operation, json!("SHA256"), 2, "does not compute full-object checksums by SHA-1"),
        ("/Job/Report/ReportScope", json!("FailedTasksOnly"), 2, "FailedTasksOnly"),
        ("/Job/JobId", json!("another"), 2, "no file of job `another`"),
        ("/Job/Manifest/Location/ETag", json!("0".repeat(32)), 2, "has read another manifest"),
        ("/Job/Manifest/Location/ETag", json!("0-2"), 0, "Clean"),
        ("/Job/ProgressSummary/TotalNumberOfTasks", json!(1), 3, "the job had 1 tasks"),
    ] {
        let before = Run::edit(&described, change(place, value));
        let said = it.said(&run, &[], code).await;
        assert!(said.contains(words), "{place}: {said}");
        put_back([(described.clone(), before)]);
    }

    // Files that do not belong together, and a report too few.
    let [manifests, reports, jobs] =
        ["--manifest", "--report", "--job"].map(|option| run.values(option));
    let one = |manifest: usize, rest: usize| {
        let paths = [&manifests[manifest], &reports[rest], &jobs[rest]];
        let named = ["--manifest", "--report", "--job"].into_iter().zip(paths);
        let named = named
            .flat_map(|(name, path)| [name.to_owned(), path.to_str().expect("a name").to_owned()]);
        let arguments = ["audit", "report"].map(str::to_owned).into_iter().chain(named).collect();
        Run { arguments, folder: run.folder.clone() }
    };
    let said = it.said(&one(1, 0), &[], 2).await;
    assert!(said.contains("has read another manifest"), "{said}");
    let said = it.said(&one(0, 0), &["--manifest", "x"], 2).await;
    assert!(said.contains("give all three once for each job"), "{said}");
    let bucket = manifests[0].file_stem().and_then(|name| name.to_str()).expect("a name");
    let told = it.told(&one(0, 0), &[], 3).await;
    assert!(count(&told, "not_witnessed") > 0, "{told}");
    let told = it.told(&one(0, 0), &["--bucket", bucket], 0).await;
    assert!(count(&told, "of_other_buckets") > 0, "{told}");
    let said = it.said(&one(0, 0), &["--bucket", bucket], 0).await;
    assert!(
        said.contains(&format!("files of {bucket} S3")) && said.contains("NOT JUDGED"),
        "{said}"
    );
    let said = it.said(&run, &["--bucket", bucket], 2).await;
    assert!(said.contains("which no --bucket names"), "{said}");
    let all = it.path("all.txt");
    let fids: Vec<_> = it.session.files().iter().map(|file| file.fid.to_string()).collect();
    fs::write(&all, fids.join("\n") + "\n").expect("written");
    let said = it.said(&run, &["--exclude-file", &all], 2).await;
    assert!(said.contains("is left to judge"), "{said}");
    let said = it.said(&one(0, 0), &["--bucket", "other-bucket"], 2).await;
    assert!(said.contains("is none to which BUCKETS"), "{said}");
    let upload = format!("s3://{bucket}/x");
    let out = it.path("public");
    let said =
        it.session.said(&["audit", "manifest", "--out", &out, "--upload-to", &upload], 2).await;
    assert!(said.contains("give a private bucket"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_the_job_is_not_proven_until_the_next_one() {
    let it = Witness::of(173, 24).await;
    let run = it.run("first", &[]).await;
    let world = &it.session.stage.world;
    let plain: Vec<_> = it.session.plain().take(2).collect();
    let [changed, lost] = plain[..] else { panic!("two files") };
    let content = changed.file.content.read().expect("readable");
    world.s3.plant_multipart(changed.bucket, &changed.file.sha1, content, 2).expect("planted");
    let late = format!("{}-{}", domain::Sha1::of(b"late"), BUCKETS[0].0);
    let late = world.mogile.store(
        world.dmid,
        &late,
        &Content::from(b"late".to_vec()),
        &world.devices[..2],
    );
    it.session.said(&["migrate"], 0).await;

    let failures = it.path("failures.tsv");
    let told = it.told(&run, &["--failures", &failures], 3).await;
    let fids = |class: &str| told[class]["first_fids"].clone();
    assert_eq!(fids("changed"), json!([changed.fid]), "{told}");
    assert_eq!(fids("not_witnessed"), json!([late.0]), "{told}");
    assert_eq!(told["differs"], false, "{told}");
    let lines = fs::read_to_string(&failures).expect("the list");
    assert!(lines.contains("\tchanged\t") && lines.contains("\tnot-witnessed\t"), "{lines}");

    // Missing objects are worse than those of which nothing is known, and the exit code is that of these.
    it.session.lose(lost);
    let told = it.told(&run, &[], 3).await;
    assert_eq!((&told["differs"], count(&told, "missing")), (&json!(true), 1), "{told}");
    let said = it.said(&run, &[], 3).await;
    it.session.follow(&said, "migrate --again", 0).await;

    // It is there again, with the same bytes and the same ETag. S3 has not read it.
    let failures = it.path("again.tsv");
    let told = it.told(&run, &["--failures", &failures], 3).await;
    let mut both = [changed.fid, lost.fid];
    both.sort_unstable();
    assert_eq!(told["changed"]["first_fids"], json!(both), "{told}");

    // S3 looks at the rest, and both reports together prove all.
    let next = it.run("second", &["--fids", &format!("@{failures}")]).await;
    let both =
        Run { arguments: [&run.arguments, &next.arguments[2..]].concat(), folder: next.folder };
    it.told(&both, &[], 0).await;

    // Without the way to S3 nothing is said.
    it.session.strike(Service::S3, Fault::Refuse { status: 403, code: "AccessDenied".to_owned() });
    let said = it.said(&both, &[], 3).await;
    assert!(said.contains("NOTHING IS PROVEN"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_sha1_that_lies_is_found_by_s3s_own_witness_alone() {
    let it = Witness::of(174, 16).await;
    let session = &it.session;
    let file = session.plain().next().expect("a file");
    let (bucket, sha1) = (file.bucket, &file.file.sha1);
    let content = file.file.content.read().expect("readable");
    let mut bytes = content.to_vec();
    bytes[0] ^= 1;
    session.stage.world.s3.plant_lying(bucket, sha1, bytes, content).expect("planted");

    // Everything that believes what is stored is content.
    session.said(&["enqueue", "verify", "--run", "first"], 0).await;
    session.said(&["work", "--until-empty"], 0).await;
    session.said(&["audit", "--run", "first"], 0).await;
    session.said(&["verify", "--sample", "0"], 0).await;
    session.said(&["migrate", "--again"], 0).await;

    let run = it.run("first", &[]).await;
    let told = it.told(&run, &[], 1).await;
    assert_eq!(told["wrong"]["first_fids"], json!([file.fid]), "{told}");
    let said = it.said(&run, &[], 1).await;
    assert!(said.contains("WRONG CONTENT IS IN S3") && said.contains(sha1.as_str()), "{said}");
    let delete = format!("aws s3api delete-object --bucket {bucket} --key {sha1}");
    assert!(said.contains(&delete), "{said}");

    // What is printed mends it, and one more job for this file proves that.
    session.stage.world.s3.delete(bucket, sha1, &Condition::None).expect("deleted");
    session.follow(&said, "migrate --again", 0).await;
    let told = it.told(&run, &[], 3).await;
    assert_eq!(told["changed"]["first_fids"], json!([file.fid]), "{told}");
    let fid = file.fid.to_string();
    let next = it.run("second", &["--fids", &fid]).await;
    let both =
        Run { arguments: [&run.arguments, &next.arguments[2..]].concat(), folder: next.folder };
    it.told(&both, &[], 0).await;
}
