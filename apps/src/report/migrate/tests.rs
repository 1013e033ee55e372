use std::collections::BTreeMap;
use std::time::Duration;

use domain::{
    ByteCount, Failure, Fid, KeyTrouble, Left, Misconfigured, Obstacle, Reason, ReasonKind,
    Rejection, Route, RowCounts,
};

use super::*;
use crate::exit::Exit;

fn report(summary: Summary) -> MigrateReport {
    MigrateReport {
        verdict: verdict(&summary, None),
        summary,
        failure_list: None,
        cost: Cost { requests: BTreeMap::new(), took: Duration::from_secs(3) },
        command: "mogile2s3 migrate".to_owned(),
        fids: String::new(),
    }
}

fn failed(files: u64) -> Summary {
    let mut summary = Summary::default();
    for fid in 1..=files {
        summary.intake.rows += 1;
        let reason = Reason::new(ReasonKind::NoReplica, "all replicas are bad");
        summary.ends.add_failed(Fid(fid), &Failure { reason, left: Left::Nothing });
    }
    summary
}

fn says(report: &MigrateReport, words: &[&str]) {
    let text = render(report);
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

#[test]
fn few_failures_are_named_in_the_next_command() {
    let mut summary = failed(2);
    summary.intake.rows += 1;
    summary.intake.add_rejected(Fid(9), &Rejection::NoKey);
    let next = "then run:\n  mogile2s3 migrate --fids 1,2,9\n";
    says(&report(summary), &["2 no-replica: fids 1, 2\n", "    → start a storage node", next]);
}

#[test]
fn many_failures_are_taken_from_their_list() {
    let mut report = report(failed(30));
    says(&report, &["30 no-replica: fids 1, 2,", " …", "migrate    (with --failures FILE"]);
    report.fids = " --fids @some".to_owned();
    says(&report, &["  mogile2s3 migrate --fids @some    (with --failures FILE"]);
    report.fids.clear();
    let mut end = |file: &str, trouble: Option<&str>| {
        let trouble = trouble.map(str::to_owned);
        let file = file.into();
        report.failure_list = Some(FailureListEnd { file, lines: 30, findings: 0, trouble });
        render(&report)
    };
    assert!(end("f.tsv", None).ends_with("then run:\n  mogile2s3 migrate --fids @f.tsv\n"));
    assert!(end("my f's", None).ends_with("then run:\n  mogile2s3 migrate --fids '@my f'\\''s'\n"));
    let told = end("f.tsv", Some("no space left"));
    assert!(told.contains("THE LIST IN f.tsv IS NOT COMPLETE: no space left"), "{told}");
    assert!(!told.contains("--fids @"), "{told}");
}

#[test]
fn a_run_that_was_stopped_says_how_far_it_came() {
    let intake = RowCounts { rows: 1_000, ..RowCounts::default() };
    let mut summary = Summary { intake, counted_before: Some(10_000), ..Summary::default() };
    for _ in 0..300 {
        summary.ends.add_proven(Some(Route::Copy), ByteCount(10));
    }
    (summary.not_begun, summary.abandoned) = (690, 10);
    summary.stopped = Some(Stopped::Interrupted);
    let told = "STOPPED: interrupted; of the rows above 690 were not begun and 10 abandoned.";
    says(&report(summary.clone()), &["1,000 of 10,000 rows in 3 seconds", told, "Run this again"]);
    let denied = Reason::new(ReasonKind::StoreDenied, "access to `b` is denied");
    summary.stopped = Some(Stopped::Trouble(denied));
    says(
        &report(summary),
        &[
            "STOPPED: s3-denied: access to `b` is denied\n  → correct the account's policy, the bucket's, or the access key (`mogile2s3 doctor`",
        ],
    );
}

#[test]
fn the_count_of_the_index_is_beside_what_was_read() {
    let read = |rows, before, after| {
        let intake = RowCounts { rows, temporary: rows, ..RowCounts::default() };
        report(Summary { intake, counted_before: before, counted_after: after, ..<_>::default() })
    };
    says(&read(7, Some(7), None), &["as many rows as were read", "Clean: every row"]);
    says(&read(9, Some(7), None), &["2 rows more", "written meanwhile", "Clean: every row"]);
    says(&read(6, Some(7), Some(6)), &["1 rows fewer", "deleted meanwhile", "Clean: every row"]);
    says(&read(6, Some(7), Some(7)), &["MISSING: 1 rows", "Not clean"]);
    assert!(!render(&read(7, None, None)).contains("index"));
}

#[test]
fn a_run_that_read_nothing_prints_its_error_and_no_table() {
    let known = vec!["plos_repo".to_owned()];
    let wrong = Misconfigured::NoSuchDomain { domain: "plos".to_owned(), known };
    for stopped in [
        Stopped::Misconfigured(wrong),
        Stopped::Trouble(Reason::new(ReasonKind::LedgerUnavailable, "no way there")),
    ] {
        let text = render(&report(Summary { stopped: Some(stopped), ..Summary::default() }));
        assert!(text.starts_with("STOPPED: "), "{text}");
        assert_eq!(text.lines().count(), 2, "the error and what to do: {text}");
    }
}

#[test]
fn what_stopped_a_run_is_not_repeated_behind_the_failures() {
    let reason = Reason::new(ReasonKind::NoBucket, "bucket `b` does not exist");
    let mut summary = Summary::default();
    summary.intake.rows = 1;
    let failure = Failure { reason: reason.clone(), left: Left::Nothing };
    summary.ends.add_failed(Fid(7), &failure);
    summary.stopped = Some(Stopped::Trouble(reason));
    let text = render(&report(summary.clone()));
    assert_eq!(text.matches("bucket `b` does not exist").count(), 1, "{text}");
    assert!(text.contains("STOPPED: s3-no-bucket, as above."), "{text}");
    assert_eq!(text.matches("  → ").count(), 1, "{text}");
    assert_eq!(verdict(&summary, None).exit, Exit::Usage);
    // Its kind alone says less of it.
    let keys = Reason::new(ReasonKind::StoreDenied, "SignatureDoesNotMatch");
    let keys = keys.because_of(Obstacle::Keys(KeyTrouble::Unknown));
    let mut denied = Summary::default();
    denied.intake.rows = 1;
    denied.ends.add_failed(Fid(7), &Failure { reason: keys.clone(), left: Left::Nothing });
    denied.stopped = Some(Stopped::Trouble(keys));
    let text = render(&report(denied));
    let words = "STOPPED: s3-denied, as above.\n  → correct AWS_ACCESS_KEY_ID";
    assert!(text.contains(words), "{text}");
    let other = Reason::new(ReasonKind::NoBucket, "bucket `c` does not exist");
    summary.stopped = Some(Stopped::Trouble(other));
    assert!(render(&report(summary)).contains("bucket `c` does not exist"));
}

#[test]
fn a_list_that_lacks_lines_is_not_clean() {
    let mut report = report(Summary::default());
    report.summary.intake.rows = 1;
    report.summary.intake.ignored = 1;
    let trouble = Some("no space left".to_owned());
    let list = FailureListEnd { file: "f.tsv".into(), lines: 0, findings: 9, trouble };
    assert_eq!(verdict(&report.summary, None).exit, Exit::Clean);
    assert_eq!(verdict(&report.summary, Some(&list)).exit, Exit::Findings);
    report.failure_list = Some(list);
    let text = render(&report);
    assert!(text.contains("IS NOT COMPLETE") && !text.contains("Clean:"), "{text}");
}

#[test]
fn a_list_is_said_to_hold_what_it_holds() {
    let mut report = report(Summary::default());
    report.summary.intake.rows = 1;
    for (lines, findings, said) in [
        (0, 0, "f.tsv is empty: nothing failed\n"),
        (0, 2, "f.tsv lists all 2 findings; nothing failed\n"),
        (2, 0, "f.tsv lists all 2 of them\n"),
        (2, 3, "f.tsv lists all 2 of them, and all 3 findings\n"),
    ] {
        let list = FailureListEnd { file: "f.tsv".into(), lines, findings, trouble: None };
        report.failure_list = Some(list);
        says(&report, &[said]);
    }
}

#[test]
fn control_characters_of_a_key_do_not_reach_the_terminal() {
    let mut summary = Summary::default();
    summary.intake.rows = 1;
    let key = "odd\u{1b}[31m\nkey".to_owned();
    summary.intake.add_rejected(Fid(9), &Rejection::NotContentAddressed(key));
    let text = render(&report(summary));
    assert!(text.contains(r"odd\u{1b}[31m\nkey"), "{text}");
    assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text}");
}

fn render(report: &MigrateReport) -> String {
    let mut text = String::new();
    report.write(&mut text).expect("a string takes everything");
    text
}

#[test]
fn a_runs_exit_code_says_what_became_of_it() {
    let stopped = |stopped| Summary { stopped: Some(stopped), ..Summary::default() };
    let mut rejected =
        Summary { intake: RowCounts { rows: 1, ..<_>::default() }, ..<_>::default() };
    rejected.intake.add_rejected(Fid(1), &Rejection::NoKey);
    let (domain, known) = ("repo".to_owned(), Vec::new());
    let no_domain = Misconfigured::NoSuchDomain { domain, known };
    let outage = Reason::new(ReasonKind::StoreUnreachable, "no way there");
    for (summary, exit) in [
        (Summary::default(), Exit::Clean),
        (rejected, Exit::Findings),
        (Summary { counted_before: Some(1), ..Summary::default() }, Exit::Findings),
        (stopped(Stopped::Interrupted), Exit::Findings),
        (stopped(Stopped::Failures(3)), Exit::Findings),
        (stopped(Stopped::Trouble(outage)), Exit::Unreachable),
        (stopped(Stopped::Misconfigured(no_domain)), Exit::Usage),
    ] {
        assert_eq!(verdict(&summary, None).exit, exit, "{summary:?}");
    }
}

#[test]
fn incomplete_wins_over_differs_and_machines_are_told_both() {
    let outage = Reason::new(ReasonKind::StoreUnreachable, "no way there");
    let stopped = Some(Stopped::Trouble(outage));
    let mut summary = Summary { stopped, ..Summary::default() };
    let expected = |exit, incomplete, differs| Verdict { exit, incomplete, differs };
    assert_eq!(verdict(&summary, None), expected(Exit::Unreachable, true, false));
    summary.intake.rows = 1;
    summary.intake.add_rejected(Fid(1), &Rejection::NoKey);
    assert_eq!(verdict(&summary, None), expected(Exit::Unreachable, true, true));
    summary.stopped = None;
    assert_eq!(verdict(&summary, None), expected(Exit::Findings, false, true));
}
