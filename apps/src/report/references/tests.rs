use std::collections::BTreeMap;

use domain::verify::references::{BothNames, Lacking};
use domain::{Fid, Reason, ReasonKind};

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

fn wishes(without_rhino: bool) -> Wishes {
    let buckets = BucketMap::parse("repo:corpus", "").expect("a map");
    let allowed = Some(AllowedList { file: "my allowed".into(), others: 2 });
    Wishes { allowed, without_rhino, buckets }
}

/// With these numbers of rows and names that are allowed.
fn allowing(summary: &ReferencesSummary, rows: u64, names: u64) -> ReferencesSummary {
    let mut summary = summary.clone();
    (summary.allowed.rows, summary.allowed.names) = (rows, names);
    summary.allowed.stale = names - rows;
    summary
}

fn said(summary: ReferencesSummary, wishes: Wishes, lists: Lists) -> (String, Exit) {
    let report = ReferencesReport::new(summary, wishes, lists, Cost::default());
    let mut out = String::new();
    report.write(&mut out).expect("a string takes it");
    (out, report.verdict().exit)
}

#[test]
fn sound_references_are_clean_and_both_names_are_counted() {
    let looked_at = ReferencesSummary { looked_at: 1_200, ..sound() };
    let (said, exit) = said(looked_at, wishes(false), Lists::default());
    for words in [
        "12,000 rows of contentrepo compared with 10,500 objects, 11,000 rows of rhino",
        "Rows under `repo` and `corpus`: contentrepo 12,000 and 0; rhino 11,000 and 0",
        "Looked at one by one: 1,200 objects",
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
        let (none, exit) = said(summary.clone(), wishes(false), Lists::default());
        let is_unseen = kind.is_not_judged();
        // A row of rhino whose row of contentrepo is broken is counted there.
        let expected = if kind.is_a_note() {
            Exit::Clean
        } else if is_unseen {
            Exit::Unreachable
        } else {
            Exit::Findings
        };
        assert_eq!(exit, expected, "{none}");
        assert!(none.contains(&format!("2 {kind}: rows 1, 2")), "{none}");
        if !kind.is_of_before() {
            continue;
        }
        let (two, exit) = said(allowing(&summary, 2, 5), wishes(false), Lists::default());
        assert_eq!(exit, Exit::Clean, "{two}");
        for words in [
            "Allowed by my allowed: 2 broken references, of 5 names.\n",
            "Note: 3 names in my allowed are stale",
            "Note: 2 lines of my allowed allow nothing",
            "except 2 that were broken before the migration and are allowed",
        ] {
            assert!(two.contains(words), "{words}: {two}");
        }
        let (one, exit) = said(allowing(&summary, 1, 5), wishes(false), Lists::default());
        assert_eq!(exit, expected, "one more than allowed: {one}");
        assert!(one.contains("\n1 references were broken before"), "{one}");
        let next = "  mogile2s3 verify --references --failures FILE    (which lists all of them)\n  mogile2s3 \
                    verify --references --allow-broken-before FILE\n";
        assert!(one.contains(next), "{one}");
    }
}

#[test]
fn rhino_is_missed_unless_it_was_left_out_on_purpose() {
    let without = ReferencesSummary { article_files: None, ..sound() };
    let (text, exit) = said(without.clone(), wishes(false), Lists::default());
    assert!(text.contains("NOT COMPARED: rhino's database."), "{text}");
    assert!(!text.contains("Clean:") && text.contains("NOT COMPLETE:"), "{text}");
    assert_eq!(exit, Exit::Unreachable);
    let (text, exit) = said(without, wishes(true), Lists::default());
    assert!(text.contains("rhino was not compared: --no-rhino."), "{text}");
    assert_eq!(exit, Exit::Clean);
    // The printed command compares the same.
    let mut before = ReferencesSummary { article_files: None, ..sound() };
    breaks(&mut before.objects, Broken::Before, 2, &[]);
    let (text, _) = said(before, wishes(true), Lists::default());
    let next = "mogile2s3 verify --references --no-rhino --allow-broken-before FILE\n";
    assert!(text.contains(next), "{text}");
}

#[test]
fn the_next_command_takes_what_migrate_can_bring() {
    let mut few = sound();
    breaks(&mut few.objects, Broken::ByMigration, 2, &[9, 7]);
    let (text, _) = said(few.clone(), wishes(false), Lists::default());
    assert!(text.contains("by:\n  mogile2s3 migrate --again --fids 7,9\n"), "{text}");
    let end = |trouble: Option<&str>| ListEnd {
        file: "my list".into(),
        lines: 2,
        trouble: trouble.map(str::to_owned),
    };
    let lists = Lists { failures: Some(end(None)), list: None };
    breaks(&mut few.objects, Broken::Before, 1, &[]);
    let (text, _) = said(few, wishes(false), lists);
    let next = "verify --references --allow-broken-before 'my list'\n";
    assert!(text.contains(next) && !text.contains("--failures FILE"), "{text}");
    assert!(text.contains("  mogile2s3 migrate --again --fids '@my list'\n"), "{text}");
    let mut many = sound();
    breaks(&mut many.objects, Broken::ByMigration, 200, &[9, 7]);
    let (text, _) = said(many, wishes(true), Lists::default());
    assert!(text.contains("  mogile2s3 verify --references --no-rhino --failures FILE "), "{text}");
    assert!(text.contains("  mogile2s3 migrate --again --fids @FILE\n"), "{text}");
    let lists = Lists { failures: Some(end(Some("disk full"))), list: None };
    let (text, exit) = said(sound(), wishes(false), lists);
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
        let (text, exit) = said(summary, wishes(false), Lists::default());
        assert!(text.contains(words) && text.contains("NOT COMPLETE:"), "{text}");
        assert!(!text.contains("Clean:"), "{text}");
        assert_eq!(exit, code);
    }
    let mut fewer = sound();
    fewer.objects.missed = 7;
    let mut changed = sound();
    changed.objects.changed = 1;
    changed.objects.sound -= 1;
    for (summary, words) in [
        (fewer, "NOT COMPARED: 7 rows that contentrepo's database counts were not read."),
        (changed, "NOT COMPARED: 1 rows of contentrepo were broken, and changed"),
    ] {
        let (text, exit) = said(summary, wishes(false), Lists::default());
        assert!(text.contains(words) && !text.contains("Clean:"), "{text}");
        assert_eq!(exit, Exit::Unreachable);
    }
}

#[test]
fn half_a_cut_over_and_another_stores_rhino_are_findings() {
    let half = ReferencesSummary { half_cut_over: 3, ..sound() };
    let (text, exit) = said(half, wishes(false), Lists::default());
    assert!(text.contains("HALF CUT OVER: 3 rows of rhino"), "{text}");
    assert_eq!(exit, Exit::Findings);
    let [old, new] = ["repo", "corpus"].map(str::to_owned);
    let both = BothNames { client: "contentrepo", old, rows_old: 5, new, rows_new: 7 };
    let both = ReferencesSummary { both_names: vec![both], ..sound() };
    let (text, exit) = said(both, wishes(false), Lists::default());
    let words = "HALF CUT OVER: contentrepo has 5 rows under `repo` and 7 under `corpus`";
    assert!(text.contains(words) && text.contains("or take it back"), "{text}");
    assert!(exit == Exit::Findings && !text.contains("Clean"), "{text}");
    let mut other = sound();
    breaks(other.article_files.as_mut().expect("there"), Broken::NoRow, 200, &[]);
    let (text, exit) = said(allowing(&other, 200, 200), wishes(false), Lists::default());
    assert!(exit == Exit::Findings && !text.contains("Clean"), "all of them allowed: {text}");
    let (text, exit) = said(other, wishes(false), Lists::default());
    assert!(text.contains("RHINO NAMES MANY ROWS THAT CONTENTREPO DOES NOT HAVE"), "{text}");
    assert!(!text.contains("--allow-broken-before"), "not to be allowed lightly: {text}");
    assert_eq!(exit, Exit::Findings);
}

#[test]
fn what_lacks_to_decide_is_named_with_its_next_step() {
    for (lacking, words, next) in [
        (
            Lacking::TrackersAhead { database: Some(Fid(7)), trackers: Fid(9) },
            "the trackers list fid 9, and the highest fid of MOGILE_DATABASE_URL is 7",
            "set MOGILE_DATABASE_URL to the database that the trackers use",
        ),
        (Lacking::NoTrackers, "MOGILE_TRACKERS is not set", "set MOGILE_TRACKERS"),
        (Lacking::TrackersUnread("away".to_owned()), ": away", "`mogile2s3 doctor`"),
        (Lacking::NoLedger, "DYNAMODB_TABLE is not set", "set DYNAMODB_TABLE"),
        (Lacking::LedgerUnread("away".to_owned()), "not read: away", "`mogile2s3 doctor`"),
        (Lacking::NoJournal, "the journal's table does not exist", "`mogile2s3 provision`"),
        (Lacking::JournalUnread("away".to_owned()), "not read: away", "`mogile2s3 doctor`"),
        (Lacking::NoFreeze { entry: 7 }, "entry 7 of the journal", "purge the row"),
    ] {
        let mut summary = ReferencesSummary { lacking: vec![lacking], ..sound() };
        breaks(&mut summary.objects, Broken::Undecided, 2, &[]);
        let (text, exit) = said(summary, wishes(false), Lists::default());
        assert!(text.contains(words) && text.contains(next), "{words}: {text}");
        assert!(text.contains("NOT DECIDED: whether 2 references") && exit == Exit::Unreachable);
        assert!(!text.contains("Clean") && !text.contains("--allow-broken-before"), "{text}");
    }
}

#[test]
fn accepted_files_are_counted_apart() {
    let mut summary = sound();
    breaks(&mut summary.objects, Broken::Accepted, 3, &[]);
    let (text, exit) = said(summary, wishes(false), Lists::default());
    assert!(
        text.contains("accepted by name") && text.contains("3 accepted: rows 1, 2, 3"),
        "{text}"
    );
    assert!(exit == Exit::Clean && text.contains("\nClean: "), "{text}");
}
