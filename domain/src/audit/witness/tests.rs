//! The join against a naive model of it, and the files that describe a job and its report.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{ByteCount, ETag, ListedObject, ObjectKey, S3Bucket, Sha1, Timestamp};

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

/// An object in a listing: the number of its `ETag`, and the minute in which it was written.
type Listed = (u8, Option<u64>);

fn object(key: ObjectKey, (tag, minute): Listed) -> ListedObject {
    ListedObject {
        key,
        length: ByteCount(1),
        etag: etag(tag),
        last_modified: minute.map(minutes),
        has_sha1: true,
        is_archived: false,
    }
}

fn minutes(number: u64) -> Timestamp {
    Timestamp(number * 60_000)
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
    /// The minute in which its job was created.
    created: u64,
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
    let tasks = prop_oneof![8 => Just(Some(0)), 1 => Just(None), 1 => (-3..3_i64).prop_map(Some)];
    (0..2_usize, 0..4_u64, lines, rows, any::<bool>(), tasks).prop_map(
        |(of, created, lines, rows, follow, tasks)| {
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
            let tasks = tasks.map(|more| (lines.len() as u64).saturating_add_signed(more));
            Report { of, created, lines, rows, tasks }
        },
    )
}

/// The same by sets alone. Reports are in the order of their jobs.
fn model(
    index: &BTreeSet<File>,
    listed: &BTreeMap<File, Listed>,
    reports: &[Report],
) -> BTreeMap<File, WitnessVerdict> {
    let verdict = |file: &File| {
        let Some((now, written)) = listed.get(file) else { return WitnessVerdict::Missing };
        let own = |report: &&Report| report.of == file.0 && report.lines.contains(&file.1);
        let rows = reports.iter().filter(own).flat_map(|report| {
            let is_older = written.is_some_and(|written| written < report.created);
            report.rows.iter().map(move |row| (is_older, row))
        });
        // Whether S3 read today's object, and whether that is right; or nothing.
        let said: Vec<_> = rows
            .filter(|(_, (of, _))| of == file)
            .map(|(is_older, (_, said))| said.map(|(tag, right)| (is_older && tag == *now, right)))
            .collect();
        let last = |one: Option<(bool, bool)>| said.iter().rposition(|said| *said == one);
        if said.contains(&Some((true, false))) {
            WitnessVerdict::Wrong
        } else if last(Some((true, true))) > last(None) {
            WitnessVerdict::Whole
        } else if said.iter().flatten().any(|(is_today, _)| !is_today) {
            WitnessVerdict::Changed
        } else if said.contains(&None) {
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
        listed in prop::collection::btree_map(
            files(), (0..2_u8, prop::option::weighted(0.9, 0..3_u64)), 0..12,
        ),
        mut reports in prop::collection::vec(reports(), 0..4),
    ) {
        reports.sort_by_key(|report| report.created);
        let mut joined = WitnessedFiles::default();
        for (of, content) in &index {
            joined.add(&bucket(*of), &sha1(*content));
            joined.add(&bucket(*of), &sha1(*content));
        }
        joined.seal();
        for ((of, content), listed) in &listed {
            let key = ObjectKey::of_content(&sha1(*content));
            joined.listed(&bucket(*of), &object(key, *listed));
        }
        let readme = object(ObjectKey::new("readme".to_owned()), (0, None));
        joined.listed(&bucket(0), &readme);
        for report in &reports {
            let (mut counts, own) = (joined.begin_report(minutes(report.created)), bucket(report.of));
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
        "JobId": "7-abc", "Status": "Complete", "RoleArn": "arn:aws:iam::1:role/r",
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
fn a_job_was_created_at_the_time_that_s3_or_the_command_line_writes() {
    for (text, expected) in [
        ("2026-11-29T10:00:00Z", Some(0)),
        ("2026-11-29T10:00:00.123Z", Some(123)),
        ("2026-11-29T10:00:00.123000+00:00", Some(123)),
        ("2026-11-29T11:30:00+01:30", Some(0)),
        ("2026-11-29T05:00:00.5-05:00", Some(500)),
        ("2026-11-29T10:00:00", None),
        ("2026-11-29T10:00:00+0000", None),
        ("2026-11-29T10:00:00+xx:00", None),
        ("+00:00", None),
        ("1780000000", None),
        ("", None),
        ("ü", None),
    ] {
        let parsed = WitnessJob::parse(&with(job(), "/Job/CreationTime", json!(text)));
        let parsed = parsed.ok().map(|job| job.created.0);
        assert_eq!(parsed, expected.map(|millis| 1_795_946_400_000 + millis), "{text}");
    }
}

/// An ETag is no identity: bytes that are written again have it too, and rotten ones keep it.
#[test]
fn a_row_speaks_of_an_object_that_is_older_than_its_job() {
    let (own, content) = (bucket(0), sha1(1));
    let right = row((0, 1), Some((0, true)));
    let wrong = row((0, 1), Some((0, false)));
    let failed = row((0, 1), None);
    let verdict = |written_millis: Option<u64>, jobs: &[(u64, &TaskRow)]| {
        let mut files = WitnessedFiles::default();
        files.add(&own, &content);
        files.seal();
        let mut object = object(ObjectKey::of_content(&content), (0, None));
        object.last_modified = written_millis.map(Timestamp);
        files.listed(&own, &object);
        for (created_millis, row) in jobs {
            let mut counts = files.begin_report(Timestamp(*created_millis));
            files.line(&mut counts, &own, &content);
            files.row(&mut counts, &own, row);
        }
        files.verdict(&own, &content).expect("a file")
    };
    let day = 86_400_000;
    for (written, jobs, expected) in [
        (Some(0), &[(day, &right)][..], WitnessVerdict::Whole),
        (Some(0), &[(day, &wrong)], WitnessVerdict::Wrong),
        (Some(day), &[(day, &right)], WitnessVerdict::Changed),
        (Some(day - 5_000), &[(day, &right)], WitnessVerdict::Changed),
        (Some(day - 6_000), &[(day, &right)], WitnessVerdict::Whole),
        (None, &[(day, &right)], WitnessVerdict::Changed),
        (Some(u64::MAX), &[(day, &right)], WitnessVerdict::Changed),
        // Deleted, and brought again with the same bytes: the old finding is of the old object.
        (Some(2 * day), &[(day, &wrong)], WitnessVerdict::Changed),
        (Some(2 * day), &[(day, &wrong), (3 * day, &right)], WitnessVerdict::Whole),
        (Some(0), &[(day, &wrong), (2 * day, &right)], WitnessVerdict::Wrong),
        // The newest job could not read it.
        (Some(0), &[(day, &right), (2 * day, &failed)], WitnessVerdict::Failed),
        (Some(0), &[(day, &failed), (2 * day, &right)], WitnessVerdict::Whole),
    ] {
        assert_eq!(verdict(written, jobs), expected, "{written:?} {jobs:?}");
    }
}

#[test]
fn a_job_is_one_that_computes_full_sha1s_and_reports_all_tasks() {
    let good = WitnessJob::parse(&job().to_string()).expect("a job");
    assert_eq!(
        (&*good.id, &*good.manifest_etag, good.tasks, good.failed),
        ("7-abc", "AB12", Some(3), 1)
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
        ("/Job/CreationTime", Value::Null, "aws s3control describe-job"),
        ("/Job/CreationTime", json!("today"), "CreationTime `today` is no time"),
        ("/Job/JobId", json!("7"), "JobId"),
        ("/Job/JobId", json!("../../x\n"), "JobId"),
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
                "Key": "p/job-7-abc/results/1.csv"},
            {"TaskExecutionStatus": "failed", "Bucket": "w", "MD5Checksum": "cd",
                "Key": "job-7-abc/results/2.csv"},
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
        (first, json!("job-8-abc/results/1.csv"), "no file of job `7-abc`"),
        (first, json!("p/xjob-7-abc/results/1.csv"), "no file of job"),
        (first, json!("job-7-abc/results/../1.csv"), "no file of job"),
        (first, json!("job-7-abc/results/.."), "no file of job"),
        (first, json!("job-7-abc/results/"), "no file of job"),
        (first, json!("1.csv"), "no file of job"),
        (first, json!("job-7-abc/results/2.csv"), "twice"),
    ] {
        let error = ReportManifest::parse(&with(listed(), place, other), &job).expect_err(place);
        assert!(error.to_string().contains(words), "{place}: {error}");
    }
}
