use std::collections::BTreeMap;

use domain::{Reason, ReasonKind};

use super::*;
use crate::exit::Exit;

fn counts(rows: u64) -> TableCounts {
    let by_name = BTreeMap::from([("repo".to_owned(), rows)]);
    TableCounts { rows, counted: Some(rows), sound: rows, by_name, ..TableCounts::default() }
}

fn sound() -> ReferencesSummary {
    ReferencesSummary {
        objects: counts(12_000),
        article_files: Some(counts(11_000)),
        listed: 10_500,
        mogile_asked: true,
        ..ReferencesSummary::default()
    }
}

fn breaks(table: &mut TableCounts, kind: Broken, rows: u64, fids: &[u64]) {
    let sample = RowSample {
        rows,
        first_ids: (1..=i128::from(rows.min(10))).collect(),
        example: "row 1: words".to_owned(),
        first_fids: fids.to_vec(),
        has_more_fids: rows > 10,
    };
    table.broken.insert(kind.name(), sample);
    table.sound -= rows;
}

fn wishes(allowed_before: u64, without_rhino: bool) -> Wishes {
    let buckets = BucketMap::parse("repo:corpus", "").expect("a map");
    Wishes { allowed_before, without_rhino, buckets }
}

fn said(summary: ReferencesSummary, wishes: Wishes, lists: Lists) -> (String, Exit) {
    let report = ReferencesReport::new(summary, wishes, lists, Cost::default());
    let mut out = String::new();
    report.write(&mut out).expect("a string takes it");
    (out, report.verdict().exit)
}

#[test]
fn sound_references_are_clean_and_both_names_are_counted() {
    let (said, exit) = said(sound(), wishes(0, false), Lists::default());
    for words in [
        "12,000 rows of contentrepo compared with 10,500 objects, 11,000 rows of rhino",
        "Rows under `repo` and `corpus`: contentrepo 12,000 and 0; rhino 11,000 and 0",
        "Clean: each reference has its object.",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(exit, Exit::Clean);
}

#[test]
fn each_kind_has_its_exit_code_and_its_advice() {
    for kind in Broken::ALL {
        let mut summary = sound();
        breaks(&mut summary.objects, *kind, 2, &[]);
        let (none, exit) = said(summary.clone(), wishes(0, false), Lists::default());
        let is_unseen = *kind == Broken::Unseen;
        // A row of rhino whose row of contentrepo is broken is counted there.
        let expected = if *kind == Broken::NoObject {
            Exit::Clean
        } else if is_unseen {
            Exit::Unreachable
        } else {
            Exit::Findings
        };
        assert_eq!(exit, expected, "{none}");
        assert!(none.contains(&format!("2 {kind}: rows 1, 2")), "{none}");
        let (two, exit) = said(summary.clone(), wishes(2, false), Lists::default());
        assert_eq!(exit == Exit::Clean, kind.is_of_before() || *kind == Broken::NoObject, "{two}");
        let (one, exit) = said(summary, wishes(1, false), Lists::default());
        assert_eq!(exit, expected, "one more than allowed: {one}");
        let next = "mogile2s3 verify --references --allow-broken-before 2\n";
        assert_eq!(one.contains(next), kind.is_of_before() && !is_unseen, "{one}");
    }
}

#[test]
fn rhino_is_missed_unless_it_was_left_out_on_purpose() {
    let without = ReferencesSummary { article_files: None, ..sound() };
    let (text, exit) = said(without.clone(), wishes(0, false), Lists::default());
    assert!(text.contains("NOT COMPARED: rhino's database."), "{text}");
    assert!(!text.contains("Clean:") && text.contains("NOT COMPLETE:"), "{text}");
    assert_eq!(exit, Exit::Unreachable);
    let (text, exit) = said(without, wishes(0, true), Lists::default());
    assert!(text.contains("rhino was not compared: --no-rhino."), "{text}");
    assert_eq!(exit, Exit::Clean);
}

#[test]
fn the_next_command_takes_what_migrate_can_bring() {
    let mut few = sound();
    breaks(&mut few.objects, Broken::ByMigration, 2, &[9, 7]);
    let (text, _) = said(few.clone(), wishes(0, false), Lists::default());
    assert!(text.contains("by:\n  mogile2s3 migrate --again --fids 7,9\n"), "{text}");
    let end = |trouble: Option<&str>| ListEnd {
        file: "my list".into(),
        lines: 2,
        trouble: trouble.map(str::to_owned),
    };
    let lists = Lists { failures: Some(end(None)), list: None };
    let (text, _) = said(few, wishes(0, false), lists);
    assert!(text.contains("  mogile2s3 migrate --again --fids '@my list'\n"), "{text}");
    let mut many = sound();
    breaks(&mut many.objects, Broken::ByMigration, 200, &[9, 7]);
    let (text, _) = said(many, wishes(0, true), Lists::default());
    assert!(text.contains("  mogile2s3 verify --references --no-rhino --failures FILE "), "{text}");
    assert!(text.contains("  mogile2s3 migrate --again --fids @FILE\n"), "{text}");
    let lists = Lists { failures: Some(end(Some("disk full"))), list: None };
    let (text, exit) = said(sound(), wishes(0, false), lists);
    assert!(text.contains("my list IS NOT COMPLETE: disk full"), "{text}");
    assert_eq!(exit, Exit::Findings);
}

#[test]
fn what_is_not_complete_never_looks_clean() {
    let trouble = Stopped::Trouble(Reason::new(ReasonKind::References, "no way there"));
    for (stopped, code, words) in [
        (trouble, Exit::Unreachable, "STOPPED: references: no way there\n  → where a database"),
        (Stopped::Interrupted, Exit::Findings, "STOPPED: interrupted."),
    ] {
        let summary = ReferencesSummary { stopped: Some(stopped), ..sound() };
        let (text, exit) = said(summary, wishes(0, false), Lists::default());
        assert!(text.contains(words) && text.contains("NOT COMPLETE:"), "{text}");
        assert!(!text.contains("Clean:"), "{text}");
        assert_eq!(exit, code);
    }
    let mut fewer = sound();
    fewer.objects.counted = Some(12_007);
    let mut changed = sound();
    changed.objects.changed = 1;
    changed.objects.sound -= 1;
    for (summary, words) in [
        (fewer, "NOT COMPARED: 7 rows that contentrepo's database counts were not read."),
        (changed, "NOT COMPARED: 1 rows of contentrepo were broken, and changed"),
    ] {
        let (text, exit) = said(summary, wishes(0, false), Lists::default());
        assert!(text.contains(words) && !text.contains("Clean:"), "{text}");
        assert_eq!(exit, Exit::Unreachable);
    }
}

#[test]
fn half_a_cut_over_and_another_stores_rhino_are_findings() {
    let half = ReferencesSummary { half_cut_over: 3, ..sound() };
    let (text, exit) = said(half, wishes(0, false), Lists::default());
    assert!(text.contains("HALF CUT OVER: 3 rows of rhino"), "{text}");
    assert_eq!(exit, Exit::Findings);
    let mut other = sound();
    breaks(other.article_files.as_mut().expect("there"), Broken::NoRow, 200, &[]);
    let (text, exit) = said(other, wishes(0, false), Lists::default());
    assert!(text.contains("RHINO NAMES MANY ROWS THAT CONTENTREPO DOES NOT HAVE"), "{text}");
    assert!(!text.contains("--allow-broken-before"), "not to be allowed lightly: {text}");
    assert_eq!(exit, Exit::Findings);
}
