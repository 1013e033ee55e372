//! The reports of `audit`.

use std::collections::BTreeMap;

use adapters::witness::WrittenManifest;
use domain::audit::witness::{IndexCounts, ReportCounts, WitnessJob, WitnessSummary};
use domain::audit::{AcceptedRows, AuditSummary, RecordsWithoutRow};
use domain::{Checksum, S3Bucket, Timestamp};
use serde_json::{Value, json};

use super::reports::{cost, sample, stopped};
use crate::report::Cost;
use crate::report::audit::job::JobStatus;
use crate::report::audit::manifest::{JobPlace, ManifestReport};
use crate::report::audit::witness::WitnessReport;
use crate::report::audit::{AuditFiles, AuditReport, WithdrawnEnd};
use crate::report::list_file::ListEnd;

pub(super) fn audit() -> Vec<Value> {
    let without_row = RecordsWithoutRow {
        referenced: sample(),
        unmapped: sample(),
        withdrawn: sample(),
        content_repo_unread: Some("refused".to_owned()),
        ..RecordsWithoutRow::default()
    };
    let full = AuditSummary {
        rejected: BTreeMap::from([("no-key", sample())]),
        without_record: sample(),
        passes: Some(1),
        counted_before: Some(1),
        counted_after: Some(1),
        uncounted: Some("refused".to_owned()),
        without_row,
        accepted: AcceptedRows { files: sample(), without_record: 1, rejected: sample() },
        acceptance_ended: sample(),
        acceptance_proven: sample(),
        acceptance_unsure: sample(),
        unreadable_failures: sample(),
        stopped: stopped(),
        ..AuditSummary::default()
    };
    let list = |trouble| Some(ListEnd { file: "audit.tsv".into(), lines: 1, trouble });
    let withdrawn = |why: Option<&str>| WithdrawnEnd {
        file: "withdrawn.tsv".into(),
        objects: 1,
        incomplete: why.map(str::to_owned),
        trouble: why.map(str::to_owned),
    };
    let report = |summary, run, list: Option<ListEnd>| {
        let why = list.as_ref().and_then(|list| list.trouble.as_deref());
        let withdrawn = list.is_some().then(|| withdrawn(why));
        json!(AuditReport::new(summary, run, AuditFiles { list, withdrawn }, false))
    };
    vec![
        report(full.clone(), Some("first"), list(Some("disk full".to_owned()))),
        report(full, Some("first"), list(None)),
        report(AuditSummary::default(), None, None),
    ]
}

pub(super) fn audit_manifest() -> Vec<Value> {
    let place = JobPlace {
        partition: "aws".to_owned(),
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        bucket: "work".to_owned(),
        prefix: "audit".to_owned(),
        role: None,
    };
    let written = WrittenManifest {
        bucket: S3Bucket::new("corpus").expect("a name"),
        lines: 1,
        bytes: 60,
        md5: Checksum::from_bytes([7; 16]),
    };
    let new = |place: &JobPlace, counts| {
        ManifestReport::new(place.clone(), "witness".as_ref(), counts, 1)
    };
    let mut full = new(&place, counts());
    full.add(&written, 1, Timestamp(0));
    full.stop(stopped().expect("a cause"));
    let role = Some("arn:aws:iam::123456789012:role/witness".to_owned());
    let empty = new(&JobPlace { role, ..place }, IndexCounts::default());
    vec![json!(full.judged()), json!(empty.judged())]
}

fn counts() -> IndexCounts {
    IndexCounts {
        rejected: BTreeMap::from([("no-key", sample())]),
        counted_before: Some(1),
        counted_after: Some(1),
        uncounted: Some("refused".to_owned()),
        ..IndexCounts::default()
    }
}

pub(super) fn audit_report() -> Vec<Value> {
    let job = WitnessJob {
        id: "7".to_owned(),
        created: Timestamp(0),
        status: "Failed".to_owned(),
        failures: vec!["no manifest".to_owned()],
        manifest_etag: "ab".to_owned(),
        tasks: Some(1),
        failed: 0,
    };
    let full = WitnessSummary {
        index: counts(),
        wrong: sample(),
        reports: vec![
            ReportCounts {
                first_failure: Some("refused".to_owned()),
                tasks: Some(1),
                ..ReportCounts::default()
            },
            ReportCounts::default(),
        ],
        stopped: stopped(),
        ..WitnessSummary::default()
    };
    let bucket = S3Bucket::new("corpus").expect("a name");
    let list = |trouble| Some(ListEnd { file: "failures.tsv".into(), lines: 1, trouble });
    let report = |summary, list| {
        let jobs = vec![JobStatus::new(&job, &bucket, "corpus.csv".as_ref())];
        let report = WitnessReport::new(jobs, summary, list, cost());
        json!(report.of([&bucket], String::new()))
    };
    vec![
        report(full.clone(), list(Some("disk full".to_owned()))),
        report(full, list(None)),
        report(WitnessSummary::default(), None),
        json!(WitnessReport::of_jobs(Vec::new(), Cost::default())),
    ]
}
