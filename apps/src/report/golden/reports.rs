//! The reports of each command with everything that can be in them, and with nothing.

use std::collections::BTreeMap;

use domain::blueprint::{AccessProfile, Entry, Outcome, TableNames};
use domain::digest::Sha256;
use domain::journal::{ClientDatabase, Difference, Direction, Head, StoredEntry};
use domain::outlook::{Failing, LedgerCounts, QueueSnapshot, RecordedLately};
use domain::provision::Provisioned;
use domain::queue::{Choice, DeadLetters, EnqueueSummary, Progress, Redriven};
use domain::runbook::{Restored, Survey};
use domain::summary::Sample;
use domain::{
    BucketMap, Check, Fid, QueueDepth, Reason, ReasonKind, Stopped, Summary, Tally, Timestamp,
    TypesSummary, WorkSummary,
};
use serde_json::{Value, json};

use super::counts::{ends, intake};
use super::{
    accept, afterwards, audit, cleanup, cutover, freeze, of_plan, references, smoke, verify,
};
use crate::commands;
use crate::report::requests::RequestCount;
use crate::report::{
    Cost, FailureListEnd, dlq, doctor, enqueue, fids, migrate, provision, runbook, status, sync,
    work,
};

/// The reports by the command that prints them.
pub(super) fn reports() -> BTreeMap<&'static str, Vec<Value>> {
    let mut reports = BTreeMap::from([
        ("migrate", migrate().into_iter().map(|report| json!(report)).collect()),
        ("sync", migrate().into_iter().map(|report| json!(sync::SyncReport(report))).collect()),
        ("enqueue", enqueue()),
        ("work", work()),
        ("plan", of_plan::reports()),
        ("dlq list", dlq_list()),
        ("dlq redrive", dlq_redrive()),
        ("doctor", doctor()),
        ("provision", provision()),
        ("status", status()),
        ("fids", fids()),
        ("audit", audit::audit()),
        ("audit manifest", audit::audit_manifest()),
        ("audit report", audit::audit_report()),
        ("audit accept", accept::reports()),
        ("verify", verify::reports()),
        ("verify references", references::reports()),
        ("runbook export", runbook_export()),
        ("runbook check", runbook_check()),
        ("runbook restore", runbook_restore()),
        ("runbook note", vec![json!(runbook::Written::new("ledger", "ledger-journal", head()))]),
    ]);
    reports.extend(cleanup::reports());
    reports.extend(cutover::reports());
    reports.extend(freeze::reports());
    reports.extend(afterwards::reports());
    reports.extend(super::runbook::reports());
    reports.extend(smoke::reports());
    reports
}

fn migrate() -> Vec<migrate::MigrateReport> {
    let full = Summary {
        intake: intake(),
        ends: ends(),
        not_begun: 1,
        abandoned: 1,
        stopped: stopped(),
        counted_before: Some(1),
        counted_after: Some(1),
        uncounted: Some("refused".to_owned()),
        types: Some(TypesSummary::default()),
        not_looked_at: vec!["who takes jobs".to_owned()],
    };
    let list = |trouble| {
        Some(FailureListEnd { file: "failures.tsv".into(), lines: 1, findings: 1, trouble })
    };
    let report = |summary: Summary, failure_list| {
        let (verdict, command) = (migrate::verdict(&summary, None), String::new());
        let fids = String::new();
        migrate::MigrateReport { summary, failure_list, cost: cost(), verdict, command, fids }
    };
    vec![
        report(full.clone(), list(Some("disk full".to_owned()))),
        report(full, list(None)),
        report(Summary::default(), None),
    ]
}

fn enqueue() -> Vec<Value> {
    let full = EnqueueSummary {
        intake: intake(),
        sent: tally(),
        large: tally(),
        large_fids: [7].into_iter().collect(),
        failed: BTreeMap::from([("*", sample())]),
        not_begun: 1,
        queue_before: 1,
        resume_from: Some(Fid(7)),
        stopped: stopped(),
        types: Some(TypesSummary::default()),
        not_looked_at: vec!["who takes jobs".to_owned()],
    };
    let report = |summary: EnqueueSummary| {
        json!(enqueue::EnqueueReport {
            large_fids: "7".to_owned(),
            run: Some("first".to_owned()),
            again: String::new(),
            verdict: enqueue::verdict(&summary),
            cost: cost(),
            summary,
        })
    };
    vec![report(full), report(EnqueueSummary::default())]
}

fn work() -> Vec<Value> {
    let full = WorkSummary {
        deliveries: 1,
        ends: ends(),
        verified: tally(),
        temporary: 1,
        ignored: 1,
        merged: 1,
        unacknowledged: 1,
        unexplained: 1,
        dead_letters: 1,
        unmoved: sample(),
        unnoted_doubts: [7].into_iter().collect(),
        stopped: stopped(),
    };
    let report = |summary: WorkSummary| {
        let verdict = work::verdict(&summary);
        json!(work::WorkReport { summary, verdict, cost: cost() })
    };
    vec![report(full), report(WorkSummary::default())]
}

fn dlq_list() -> Vec<Value> {
    let full = DeadLetters {
        letters: 1,
        reasons: BTreeMap::from([("*".to_owned(), sample())]),
        nameless: vec!["message".to_owned()],
        more: true,
        stopped: stopped(),
    };
    [full, DeadLetters::default()].map(|list| json!(dlq::ListReport::new(list))).into()
}

fn dlq_redrive() -> Vec<Value> {
    let full = Redriven {
        sent: 1,
        kept: 1,
        left: 1,
        unreadable: sample(),
        failed: sample(),
        more: true,
        stopped: stopped(),
    };
    [full, Redriven::default()]
        .map(|redriven| json!(dlq::RedriveReport::new(redriven, &Choice::All)))
        .into()
}

fn doctor() -> Vec<Value> {
    let checks = vec![
        Check::good("index", "it answers", "noop"),
        Check::bad("index", "it answers", "no"),
        Check::unreachable("index", "it answers", "refused"),
    ];
    let text = || "in words".to_owned();
    let unseen = vec![commands::doctor::Unseen { subject: text(), why: text() }];
    let full = doctor::DoctorReport::new(checks).with_unseen(unseen);
    vec![json!(full), json!(doctor::DoctorReport::new(Vec::new()))]
}

fn head() -> Head {
    Head { sequence: 1, hash: Sha256::of(b"") }
}

fn runbook_export() -> Vec<Value> {
    let line = |head| json!(runbook::ExportEnd::default().line("ledger", head));
    [Some(head()), None].map(line).to_vec()
}

fn runbook_check() -> Vec<Value> {
    let report = |fault: Option<&str>, migration, head| {
        let mut report = runbook::CheckReport::of_journal("ledger");
        report.take_entries(1);
        report.take_faults(fault);
        report.end(migration, head);
        report
    };
    let difference = Difference {
        exported: StoredEntry { sequence: 1, line: String::new(), hash: None },
        found: None,
    };
    let full = Survey { first: vec![difference], other_history: Some(1), ..Survey::default() };
    [full, Survey::default()]
        .map(|survey| {
            let mut report = report(Some("changed"), Some("ledger".to_owned()), Some(head()));
            report.compare(runbook::Against::new("file".as_ref(), &head(), &survey));
            json!(report)
        })
        .into_iter()
        .chain([json!(report(None, None, None))])
        .collect()
}

fn runbook_restore() -> Vec<Value> {
    let full = Restored {
        entries: 1,
        first: vec!["in words".to_owned()],
        head_fault: Some("in words".to_owned()),
        strays: 1,
        added: 1,
        left: 1,
        written: vec![head()],
        kept_as: vec!["ledger#replaced-2-7".to_owned()],
        may_lack_entries: true,
    };
    let report =
        |restored| json!(runbook::RestoreReport::new("ledger", "file".as_ref(), true, restored));
    [full, Restored::default()].map(report).to_vec()
}

fn provision() -> Vec<Value> {
    let entry = |setting, outcome| Entry {
        thing: "queue jobs".to_owned(),
        setting,
        outcome,
        detail: "as it is".to_owned(),
    };
    let entries = vec![entry(None, Outcome::Made), entry(Some("retention"), Outcome::Left)];
    let url = || Some("https://sqs/1/jobs".to_owned());
    let done = Provisioned { entries, jobs_url: url(), dead_letters_url: url() };
    let buckets = BucketMap::parse("old:new", "").expect("a map");
    let tables = TableNames {
        ledger: "ledger".to_owned(),
        failures: "failures".to_owned(),
        verifications: "verifications".to_owned(),
        journal: "journal".to_owned(),
    };
    let full = commands::provision::settings(
        &done,
        &buckets,
        Some(&tables),
        ("eu-west-1", AccessProfile::Private),
    );
    let none = Provisioned { entries: Vec::new(), jobs_url: None, dead_letters_url: None };
    let few =
        commands::provision::settings(&none, &buckets, None, ("eu-west-1", AccessProfile::Private));
    let report =
        |entries, settings| json!(provision::ProvisionReport::new(entries, settings, cost()));
    vec![report(done.entries, full), report(Vec::new(), few)]
}

fn status() -> Vec<Value> {
    let queue = QueueDepth { visible: 1, in_flight: 1, delayed: 1, ..QueueDepth::default() };
    let failing = Failing { files: sample(), latest_at: 1, most_attempts: 1 };
    let ledger = LedgerCounts {
        proven: 1,
        elsewhere: BTreeMap::from([("*".to_owned(), 1)]),
        claimed: 1,
        unreadable: sample(),
    };
    let sight = QueueSnapshot {
        queue,
        dead_letters: 1,
        failing: BTreeMap::from([("*".to_owned(), failing)]),
        ledger: Some(ledger),
        rows: Some(1),
        uncounted: Some("refused".to_owned()),
        at: Timestamp(1),
    };
    let mut recorded_lately = None;
    RecordedLately::add(&mut recorded_lately, Timestamp(7));
    let full = Progress { sight: sight.clone(), recorded_lately };
    let (ledger, rows, uncounted) = (None, None, None);
    let sight = QueueSnapshot { ledger, rows, uncounted, failing: BTreeMap::new(), ..sight };
    let few = Progress { sight, recorded_lately: None };
    let reason = Reason::new(ReasonKind::QueueUnavailable, "refused");
    let (database, entry, index_missing) = (ClientDatabase::Rhino, 7, Some(true));
    let direction = Direction::ToMogile;
    let cutover = || status::CutoverUnderWay { database, direction, entry, index_missing };
    let unseen = status::CutoverUnderWay { index_missing: None, ..cutover() };
    let cutovers = Ok(vec![unseen, cutover()]);
    vec![
        json!(status::StatusReport::new(&full).with_cutovers(cutovers)),
        json!(status::StatusReport::new(&few).with_cutovers(Err("away".to_owned()))),
        json!(status::StatusTrouble::new(&reason)),
    ]
}

fn fids() -> Vec<Value> {
    let full = fids::FidsReport::new([7].into_iter().collect(), sample());
    vec![json!(full), json!(fids::FidsReport::new(<_>::default(), Sample::default()))]
}

pub(super) fn cost() -> Cost {
    let requests = BTreeMap::from([("*".to_owned(), RequestCount::default())]);
    Cost { requests, ..Cost::default() }
}

pub(super) fn tally() -> Tally {
    Tally { files: 1, bytes: 1 }
}

pub(super) fn sample() -> Sample {
    Sample { files: 1, first_fids: vec![Fid(7)], example: "in words".to_owned() }
}

#[expect(clippy::unnecessary_wraps, reason = "as the fields are that it fills")]
pub(super) fn stopped() -> Option<Stopped> {
    Some(Stopped::Interrupted)
}
