//! The join against a naive model of it, and the files that describe a job and its report.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{ETag, ObjectKey, S3Bucket, Sha1};

/// A file: its bucket and its content, both by number.
type File = (usize, u8);

fn bucket(number: usize) -> S3Bucket {
    S3Bucket::new(["here", "there"][number]).expect("a name")
}

fn sha1(content: u8) -> Sha1 {
    Sha1::of(&[content])
}

fn etag(number: u8) -> ETag {
    ETag(format!("etag-{number}"))
}

/// What a row says: the `ETag` of the object, and whether the SHA-1 is the right one; or nothing.
type Said = Option<(u8, bool)>;

fn row((of, content): File, said: Said) -> TaskRow {
    let computed = |(tag, is_right): (u8, bool)| Computed {
        sha1: if is_right { sha1(content) } else { Sha1::of(b"other") },
        etag: etag(tag),
    };
    let result = said.map(computed).ok_or_else(|| "failed 403".to_owned());
    TaskRow { bucket: bucket(of).to_string(), key: sha1(content).to_string(), result }
}

/// A report of one bucket: lines of its manifest, and rows.
#[derive(Debug, Clone)]
struct Report {
    of: usize,
    lines: Vec<u8>,
    rows: Vec<(File, Said)>,
    tasks: Option<u64>,
}

fn files() -> impl Strategy<Value = File> {
    (0..2_usize, 0..6_u8)
}

fn reports() -> impl Strategy<Value = Report> {
    let said = prop::option::weighted(0.8, (0..2_u8, prop::bool::weighted(0.8)));
    let lines = prop::collection::vec(0..6_u8, 0..6);
    let rows = prop::collection::vec(((0..6_u8, prop::bool::weighted(0.05)), said), 0..6);
    (0..2_usize, lines, rows, any::<bool>(), prop::option::weighted(0.9, Just(0_u64))).prop_map(
        |(of, lines, rows, follow, tasks)| {
            // Half of the reports have one row for each line, in the order of the rows' answers.
            let rows = rows.into_iter().enumerate().map(|(at, ((content, is_astray), said))| {
                let content =
                    if follow { lines.get(at).copied().unwrap_or(content) } else { content };
                ((if is_astray { 1 - of } else { of }, content), said)
            });
            let mut rows: Vec<_> = rows.collect();
            if follow {
                rows.truncate(lines.len());
            }
            let tasks = tasks.map(|_| lines.len() as u64);
            Report { of, lines, rows, tasks }
        },
    )
}

/// The same by sets alone.
fn model(
    index: &BTreeSet<File>,
    listed: &BTreeMap<File, u8>,
    reports: &[Report],
) -> BTreeMap<File, WitnessVerdict> {
    let verdict = |file: &File| {
        let Some(now) = listed.get(file) else { return WitnessVerdict::Missing };
        let own = |report: &&Report| report.of == file.0 && report.lines.contains(&file.1);
        let rows = reports.iter().filter(own).flat_map(|report| &report.rows);
        let said: Vec<_> = rows.filter(|(of, _)| of == file).map(|(_, said)| *said).collect();
        let has = |is: &dyn Fn(&Said) -> bool| said.iter().any(is);
        if has(&|said| *said == Some((*now, false))) {
            WitnessVerdict::Wrong
        } else if has(&|said| *said == Some((*now, true))) {
            WitnessVerdict::Whole
        } else if has(&|said| said.is_some_and(|(tag, _)| tag != *now)) {
            WitnessVerdict::Changed
        } else if has(&|said| said.is_none()) {
            WitnessVerdict::Failed
        } else {
            WitnessVerdict::NotWitnessed
        }
    };
    index.iter().map(|file| (*file, verdict(file))).collect()
}

/// Whether lines and rows are the same set of files, each once. Those that are not in the index are
/// counted alone.
fn fits(index: &BTreeSet<File>, report: &Report) -> bool {
    let lines: Vec<File> = report.lines.iter().map(|content| (report.of, *content)).collect();
    let rows: Vec<File> = report.rows.iter().map(|(file, _)| *file).collect();
    let known = |files: &[File]| -> Vec<File> {
        let mut known: Vec<_> = files.iter().copied().filter(|file| index.contains(file)).collect();
        known.sort_unstable();
        known
    };
    let (known_lines, known_rows) = (known(&lines), known(&rows));
    let is_once = known_lines.windows(2).all(|two| two[0] != two[1]);
    let is_own = rows.iter().all(|(of, _)| *of == report.of);
    let is_counted = report.tasks == Some(report.lines.len() as u64);
    is_once && is_own && is_counted && known_lines == known_rows && lines.len() == rows.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_join_is_the_difference_of_the_sets(
        index in prop::collection::btree_set(files(), 0..10),
        listed in prop::collection::btree_map(files(), 0..2_u8, 0..12),
        reports in prop::collection::vec(reports(), 0..4),
    ) {
        let mut joined = WitnessedFiles::default();
        for (of, content) in &index {
            joined.add(&bucket(*of), &sha1(*content));
            joined.add(&bucket(*of), &sha1(*content));
        }
        joined.seal();
        for ((of, content), tag) in &listed {
            joined.listed(&bucket(*of), &ObjectKey::of_content(&sha1(*content)), &etag(*tag));
        }
        joined.listed(&bucket(0), &ObjectKey::new("readme".to_owned()), &etag(0));
        for report in &reports {
            let (mut counts, own) = (joined.begin_report(), bucket(report.of));
            for line in &report.lines {
                joined.line(&mut counts, &own, &sha1(*line));
            }
            for (file, said) in &report.rows {
                joined.row(&mut counts, &own, &row(*file, *said));
            }
            joined.end_report(&mut counts, report.tasks);
            prop_assert_eq!(counts.is_whole(), fits(&index, report), "{:?} {:?}", report, counts);
        }
        let expected = model(&index, &listed, &reports);
        for file in (0..2).flat_map(|of| (0..6).map(move |content| (of, content))) {
            let verdict = joined.verdict(&bucket(file.0), &sha1(file.1));
            prop_assert_eq!(verdict, expected.get(&file).copied(), "{:?}", file);
        }
    }
}

fn job() -> Value {
    json!({"Job": {
        "JobId": "7-a", "Status": "Complete", "RoleArn": "arn:aws:iam::1:role/r",
        "Manifest": {"Spec": {"Format": "S3BatchOperations_CSV_20180820"},
            "Location": {"ObjectArn": "arn:aws:s3:::w/p/b.csv", "ETag": "\"AB12\""}},
        "Operation": {"S3ComputeObjectChecksum": {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"}},
        "ProgressSummary": {"TotalNumberOfTasks": 3, "NumberOfTasksSucceeded": 2, "NumberOfTasksFailed": 1},
        "Report": {"Enabled": true, "Format": "Report_CSV_20180820", "ReportScope": "AllTasks"},
        "CreationTime": "2026-11-29T10:00:00Z"
    }})
}

/// A value with another one at a place of it.
fn with(mut value: Value, place: &str, other: Value) -> String {
    *value.pointer_mut(place).expect(place) = other;
    value.to_string()
}

#[test]
fn a_job_is_one_that_computes_full_sha1s_and_reports_all_tasks() {
    let good = WitnessJob::parse(&job().to_string()).expect("a job");
    assert_eq!(
        (&*good.id, &*good.manifest_etag, good.tasks, good.failed),
        ("7-a", "AB12", Some(3), 1)
    );
    assert!(good.is_complete());
    assert_eq!(
        [good.is_of_manifest("ab12"), good.is_of_manifest("ab13")],
        [Some(true), Some(false)]
    );
    let of_parts = with(job(), "/Job/Manifest/Location/ETag", json!("ab12-3"));
    assert_eq!(WitnessJob::parse(&of_parts).expect("a job").is_of_manifest("ab12"), None);
    for status in ["Active", "Failed", "Cancelled", "Completing", "complete"] {
        let job = WitnessJob::parse(&with(job(), "/Job/Status", json!(status))).expect("a job");
        assert!(!job.is_complete(), "{status}");
    }
    let no_progress = with(job(), "/Job/ProgressSummary", Value::Null);
    assert_eq!(WitnessJob::parse(&no_progress).expect("a job").tasks, None);
    let failed = json!([{"FailureCode": "ManifestNotFound", "FailureReason": "gone"}]);
    let mut value = job();
    value["Job"]["FailureReasons"] = failed;
    let failed = WitnessJob::parse(&value.to_string()).expect("a job").failures;
    assert_eq!(failed, ["ManifestNotFound: gone"]);

    let operation = "/Job/Operation/S3ComputeObjectChecksum";
    for (place, other, words) in [
        ("/Job", json!(7), "aws s3control describe-job"),
        ("/Job/Manifest", Value::Null, "aws s3control describe-job"),
        ("/Job/Operation", json!({"S3PutObjectTagging": {}}), "S3PutObjectTagging"),
        (
            operation,
            json!({"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}),
            "SHA256",
        ),
        (operation, json!({"ChecksumAlgorithm": "SHA1", "ChecksumType": "COMPOSITE"}), "COMPOSITE"),
        (operation, json!({"ChecksumAlgorithm": "SHA1"}), "SHA1"),
        ("/Job/Report/Enabled", json!(false), "Enabled false"),
        ("/Job/Report/ReportScope", json!("FailedTasksOnly"), "FailedTasksOnly"),
        ("/Job/Report/Format", json!("Report_CSV_2"), "Report_CSV_2"),
    ] {
        let error = WitnessJob::parse(&with(job(), place, other)).expect_err(place).to_string();
        assert!(error.contains(words), "{place}: {error}");
    }
}

fn listed() -> Value {
    json!({
        "Format": "Report_CSV_20180820",
        "ReportCreationDate": "2026-11-29T10:00:00Z",
        "Results": [
            {"TaskExecutionStatus": "succeeded", "Bucket": "w", "MD5Checksum": "AB",
                "Key": "p/job-7-a/results/1.csv"},
            {"TaskExecutionStatus": "failed", "Bucket": "w", "MD5Checksum": "cd",
                "Key": "job-7-a/results/2.csv"},
        ],
        "ReportSchema": "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"
    })
}

#[test]
fn a_report_lists_the_files_of_its_own_job() {
    let job = WitnessJob::parse(&job().to_string()).expect("a job");
    let report = ReportManifest::parse(&listed().to_string(), &job).expect("a report");
    let file = |name: &str, md5: &str| ResultFile { name: name.to_owned(), md5: md5.to_owned() };
    assert_eq!(report.results, [file("1.csv", "ab"), file("2.csv", "cd")]);
    let swapped = "Bucket,Key,VersionId,TaskStatus,HTTPStatusCode,ErrorCode,ResultMessage";
    let swapped = with(listed(), "/ReportSchema", json!(swapped));
    assert_eq!(ReportManifest::parse(&swapped, &job), Ok(report));

    let (first, schema) = ("/Results/0/Key", "/ReportSchema");
    for (place, other, words) in [
        ("/Results", Value::Null, "manifest.json"),
        ("/Format", json!("Report_CSV_2"), "Report_CSV_2"),
        (schema, json!("Bucket, Key"), "`Bucket, Key`"),
        (
            schema,
            json!("Key, Bucket, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage"),
            "Key, ",
        ),
        (first, json!("job-8/results/1.csv"), "no file of job `7-a`"),
        (first, json!("p/xjob-7-a/results/1.csv"), "no file of job"),
        (first, json!("job-7-a/results/../1.csv"), "no file of job"),
        (first, json!("job-7-a/results/.."), "no file of job"),
        (first, json!("job-7-a/results/"), "no file of job"),
        (first, json!("1.csv"), "no file of job"),
        (first, json!("job-7-a/results/2.csv"), "twice"),
    ] {
        let error = ReportManifest::parse(&with(listed(), place, other), &job).expect_err(place);
        assert!(error.to_string().contains(words), "{place}: {error}");
    }
}
