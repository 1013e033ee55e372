use domain::verify::ContentRead;
use domain::{Fid, Reason, ReasonKind, Tally, Timestamp};

use super::*;
use crate::exit::Exit;

fn whole() -> VerifySummary {
    let tally = Tally { files: 12_000, bytes: 1 << 40 };
    VerifySummary {
        rows: 12_003,
        temporary: 3,
        files: tally,
        whole: tally,
        objects: 12_000,
        ranges: 17,
        ranges_done: 17,
        counted_before: Some(12_003),
        counted_after: Some(12_003),
        content: ContentRead {
            seed: 7,
            drawn: 10,
            read: Tally { files: 10, bytes: 99 },
            deep: false,
        },
        ..VerifySummary::default()
    }
}

fn differing(fids: u64) -> VerifySummary {
    let mut summary = whole();
    let mut sample = Sample::default();
    (1..=fids).for_each(|fid| sample.add(Fid(fid), "no object is at `corpus/ab`"));
    summary.whole.files -= fids;
    summary.different.insert("missing", sample);
    summary
}

fn said(summary: VerifySummary, lists: Lists) -> (String, Exit) {
    let report =
        VerifyReport::new(summary, (lists, Ways::default()), Allowed::default(), Cost::default());
    let mut out = String::new();
    report.write(&mut out).expect("a string takes it");
    (out, report.verdict().exit)
}

#[test]
fn a_whole_store_is_clean_and_says_what_was_not_looked_at() {
    let (said, exit) = said(whole(), Lists::default());
    for words in [
        "12,003 rows of the index compared with 12,000 objects",
        "`mogile2s3 verify --seed 7 --sample 10` draws it again",
        "wrong bytes of the right length are not seen",
        "Clean: each of the 12,000 files of the index is in its bucket.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(exit, Exit::Clean);
}

#[test]
fn the_next_command_takes_what_is_missing() {
    let (few, exit) = said(differing(2), Lists::default());
    assert!(few.contains("by:\n  mogile2s3 migrate --again --fids 1,2\n"), "{few}");
    assert_eq!(exit, Exit::Findings);
    let (many, _) = said(differing(20), Lists::default());
    let both = "  mogile2s3 migrate --again --fids @FILE\nThen run this again.\n";
    assert!(many.contains("  mogile2s3 verify --failures FILE ") && many.ends_with(both), "{many}");
    let mut archived = differing(1);
    let sample = archived.different.remove("missing").expect("one");
    archived.different.insert("archived", sample);
    let (archived, exit) = said(archived, Lists::default());
    assert!(!archived.contains("Migrate them again"), "it would mend nothing: {archived}");
    assert!(archived.contains("restore it, move it back to STANDARD"), "{archived}");
    assert_eq!(exit, Exit::Findings);
    let end = |trouble| ListEnd { file: "my list".into(), lines: 20, trouble };
    let lists = Lists { failures: Some(end(None)), ..Lists::default() };
    let (listed, _) = said(differing(20), lists);
    assert!(listed.contains("  mogile2s3 migrate --again --fids '@my list'\n"), "{listed}");
    let lists = Lists { failures: Some(end(Some("disk full".to_owned()))), ..Lists::default() };
    let (full, exit) = said(whole(), lists);
    assert!(full.contains("my list IS NOT COMPLETE: disk full"), "{full}");
    assert!(!full.contains("Clean:"), "{full}");
    assert_eq!(exit, Exit::Findings);
}

#[test]
fn what_is_not_complete_never_looks_clean() {
    let trouble = Stopped::Trouble(Reason::new(ReasonKind::StoreUnreachable, "no way there"));
    for (stopped, code, words) in [
        (trouble, Exit::Unreachable, "STOPPED: s3-unreachable: no way there"),
        (Stopped::Interrupted, Exit::Findings, "STOPPED: interrupted."),
        (Stopped::Failures(9), Exit::Findings, "STOPPED: too many failures: 9."),
    ] {
        let stopped = Some(stopped);
        let (text, exit) =
            said(VerifySummary { stopped, ranges_done: 5, ..whole() }, Lists::default());
        assert!(text.contains(words) && !text.contains("Clean:"), "{text}");
        assert!(text.contains("NOT COMPLETE: 5 of 17 key ranges were compared."), "{text}");
        assert_eq!(exit, code);
    }
    let counted = Some(12_010);
    let fewer = VerifySummary { counted_before: counted, counted_after: counted, ..whole() };
    let (fewer, exit) = said(fewer, Lists::default());
    assert!(fewer.contains("NOT COMPARED: 7 rows that the index counts"), "{fewer}");
    assert!(!fewer.contains("Clean:"), "{fewer}");
    assert_eq!(exit, Exit::Unreachable);
    let uncounted = VerifySummary { counted_before: None, counted_after: None, ..whole() };
    let (text, exit) = said(uncounted.clone(), Lists::default());
    assert!(text.contains("Nothing counts the rows") && !text.contains("Clean:"), "{text}");
    assert_eq!(exit, Exit::Unreachable);
    let (listed_by_fid, why) = (Some(12_003), Some("it takes too long".to_owned()));
    let by_fid = VerifySummary { listed_by_fid, uncounted: why, ..uncounted };
    let (text, exit) = said(by_fid, Lists::default());
    let words =
        "could not be counted: it takes too long\n  So its rows were read by fid, too: 12,003 rows";
    assert!(text.contains(words) && text.contains("Clean:"), "{text}");
    assert_eq!(exit, Exit::Clean);
    let mut etags = whole();
    let mut sample = Sample::default();
    sample.add(Fid(7), "`corpus/ab` has the ETag `0`");
    etags.findings.insert("etag-not-md5", sample);
    let (text, exit) = said(etags.clone(), Lists::default());
    let command = "    aws s3api copy-object --bucket BUCKET --key KEY --copy-source BUCKET/KEY ";
    assert!(text.contains("A STOCK CONTENTREPO CANNOT READ") && text.contains(command), "{text}");
    assert!(!text.contains("Clean:"), "{text}");
    assert_eq!(exit, Exit::Findings);
    let allowed = Allowed { etags: true, ..Allowed::default() };
    let ends = (Lists::default(), Ways::default());
    let report = VerifyReport::new(etags, ends, allowed, Cost::default());
    assert_eq!(report.verdict().exit, Exit::Clean);
    let mut unseen = whole();
    unseen.whole.files -= 1;
    let mut sample = Sample::default();
    sample.add(Fid(7), "s3-denied: no");
    unseen.unseen.insert("s3-denied", sample);
    let (text, exit) = said(unseen, Lists::default());
    assert!(text.contains("Could not be looked at:") && !text.contains("Clean:"), "{text}");
    assert_eq!(exit, Exit::Unreachable);
}

#[test]
fn a_comparison_that_was_continued_says_how_old_it_is_and_how_it_goes_on() {
    let state = |trouble: Option<&str>| StateEnd {
        file: "my state".into(),
        begun: Timestamp(0),
        continued: vec![Timestamp(60_000), Timestamp(120_000)],
        ranges_before: 4,
        ranges_kept: 9,
        trouble: trouble.map(str::to_owned),
    };
    let said = |summary, trouble| {
        let ways = Ways { state: Some(state(trouble)), sorted: None };
        let report = VerifyReport::new(
            summary,
            (Lists::default(), ways),
            Allowed::default(),
            Cost::default(),
        );
        let mut out = String::new();
        report.write(&mut out).expect("a string takes it");
        out
    };
    let age = "The comparison began at 1970-01-01T00:00:00.000Z and was continued 2 times, last at \
               1970-01-01T00:02:00.000Z. Objects of the 4 key ranges that were done by then were not \
               listed again. Rows that came into these ranges meanwhile are compared once all ranges are \
               done.\n";
    let whole = said(whole(), None);
    assert!(whole.contains(age) && whole.contains("Clean: "), "{whole}");
    let stopped = || VerifySummary {
        stopped: Some(Stopped::Interrupted),
        ranges_done: 9,
        ..super::tests::whole()
    };
    let next =
        "The same command with --state 'my state' goes on behind the 9 key ranges that it has.\n";
    let text = said(stopped(), None);
    assert!(text.contains(age) && text.contains(next) && !text.contains("Clean: "), "{text}");
    let text = said(stopped(), Some("disk full"));
    assert!(text.contains("THE STATE COULD NOT BE KEPT: disk full\n"), "{text}");
}

#[test]
fn what_heads_have_said_stands_in_the_report() {
    let summary = VerifySummary { found_by_head: 3, missing_by_listing: 2, ..whole() };
    let (text, _) = said(summary, Lists::default());
    for words in [
        "3 files were not listed and were found by HEAD: written meanwhile.",
        "2 of the missing files were not looked for by HEAD: 1,000 before them were, in a row,",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
