//! `docs/FINDINGS.md` lists every name that a report can print, each once, each with one severity.
//! The names come from the code: its enumerations, and the fields of its summaries.

use std::collections::{BTreeMap, BTreeSet};

use apps::exit::{Exit, Verdict};
use domain::accept::RefusalKind;
use domain::blueprint::Outcome;
use domain::checklist::State;
use domain::cleanup::{Deletion, KeyScan, Listing, RekeyOutcome};
use domain::cutover::KeptIntermediary;
use domain::doctor::Census;
use domain::outlook::{LedgerCounts, Outlook};
use domain::queue::{DeadLetters, EnqueueSummary, Redriven};
use domain::smoke::SmokeFault;
use domain::verify::{Difference, VerifySummary, references::Broken};
use domain::{
    Coverage, FindingKind, Health, Left, Misconfigured, ReasonKind, Rejection, Stopped, Summary,
    WorkSummary,
};
use serde_json::{Value, json};

use super::page::{Table, plain, tables_of};
use super::sources::{as_printed, sources};

const PAGE: &str = include_str!("../../../docs/FINDINGS.md");
const README: &str = include_str!("../../../README.md");

const SEVERITIES: [&str; 3] = ["blocks a cut-over", "must be accepted by name", "note"];

/// Fields of the runs' summaries that are no class of rows or files.
const NOT_CLASSES: [&str; 12] = [
    // Sums, and figures beside them.
    "rows",
    "deliveries",
    "counted_before",
    "counted_after",
    "highest_fid",
    "resume_from",
    // What other tables list by name.
    "failed",
    "findings",
    "rejected",
    "stopped",
    "uncounted",
    // The rows of `unmapped-bucket` once more, by bucket.
    "unmapped",
];

/// The same of dead letters: those by reason, and the ids of some of them.
const NOT_CLASSES_OF_LETTERS: [&str; 3] = ["reasons", "nameless", "stopped"];

/// The same of unfinished uploads: sums, times, and how a run ended.
const NOT_CLASSES_OF_UPLOADS: [&str; 4] = ["rows", "entries", "due", "stopped"];

/// The same of a comparison: sums, figures, and what other tables list by name.
const NOT_CLASSES_OF_OBJECTS: [&str; 10] = [
    "rows",
    "objects",
    "ranges",
    "ranges_done",
    "counted_before",
    "counted_after",
    "uncounted",
    "rejected",
    "findings",
    "stopped",
];

/// Reasons that only dead letters have.
const REASONS_OF_LETTERS: [&str; 3] = ["unreadable", "unreadable-failure", "done-since"];

/// One text for each variant of an enum. Where a variant has none this does not compile.
macro_rules! every {
    ($type:ty { $($variant:pat => $text:expr),+ $(,)? }) => {{
        let _complete = |value: &$type| match value { $($variant => ()),+ };
        vec![$($text.to_string()),+]
    }};
}

/// The tables with severities, by their headings, with the names that each must have.
fn tables() -> BTreeMap<&'static str, Vec<String>> {
    BTreeMap::from([
        ("Findings", names(FindingKind::ALL)),
        ("Reasons", names(ReasonKind::ALL)),
        ("At the final key", names(Left::ALL)),
        ("Rejected rows", rejections()),
        ("Classes of rows and files", classes()),
        ("What a run says of itself", statements()),
        ("Runs that end early", early_ends()),
        ("Dead letters", dead_letters()),
        ("Unfinished uploads", unfinished_uploads()),
        ("Objects compared with the index", objects_compared()),
        ("References of the clients", names(Broken::ALL)),
        ("Intermediaries", names(&KeptIntermediary::ALL)),
        ("What `smoke` finds", names(SmokeFault::ALL)),
        ("Files that cannot be accepted", names(RefusalKind::ALL)),
        ("Keys of other content", classes_of(&[json!(KeyScan::default())], &["stopped"])),
        ("Corrected keys", names(RekeyOutcome::ALL)),
        ("Items of the ledger", fields(&json!(LedgerCounts::default()))),
        ("What `status` says", outlooks()),
        ("Steps of the check-list", State::ALL.map(|state| state.name().to_owned()).into()),
        ("Checks and settings", checks_and_settings()),
    ])
}

fn rejections() -> Vec<String> {
    let text = String::new;
    every!(Rejection {
        Rejection::NoKey => Rejection::NoKey.name(),
        Rejection::NoLength(_) => Rejection::NoLength(text()).name(),
        Rejection::NotContentAddressed(_) => Rejection::NotContentAddressed(text()).name(),
        Rejection::UnmappedBucket(_) => Rejection::UnmappedBucket(text()).name(),
        Rejection::Unreadable(_) => Rejection::Unreadable(text()).name(),
    })
}

fn classes() -> Vec<String> {
    let summaries = [
        json!(Summary::default()),
        json!(EnqueueSummary::default()),
        json!(WorkSummary::default()),
        json!(Census::default()),
    ];
    classes_of(&summaries, &NOT_CLASSES)
}

fn dead_letters() -> Vec<String> {
    let summaries = [json!(DeadLetters::default()), json!(Redriven::default())];
    let mut names: BTreeSet<_> =
        classes_of(&summaries, &NOT_CLASSES_OF_LETTERS).into_iter().collect();
    names.extend(REASONS_OF_LETTERS.map(str::to_owned));
    names.into_iter().collect()
}

fn objects_compared() -> Vec<String> {
    let mut all = classes_of(&[json!(VerifySummary::default())], &NOT_CLASSES_OF_OBJECTS);
    all.extend(names(Difference::ALL));
    all
}

fn unfinished_uploads() -> Vec<String> {
    let summaries = [json!(Listing::default()), json!(Deletion::default())];
    classes_of(&summaries, &NOT_CLASSES_OF_UPLOADS)
}

/// The fields of all these without those that are no class, each of which must be there.
fn classes_of(summaries: &[Value], no_classes: &[&str]) -> Vec<String> {
    let mut all: BTreeSet<String> = summaries.iter().flat_map(fields).collect();
    for field in no_classes {
        assert!(all.remove(*field), "no summary has a field `{field}` any more");
    }
    all.into_iter().collect()
}

fn statements() -> Vec<String> {
    let mut all = every!(Coverage {
        Coverage::NotTold => "The index could not be counted:",
        Coverage::Equal => "The index counts as many rows as were read.",
        Coverage::More(_) => "rows more than the index counted before: written meanwhile.",
        Coverage::Deleted(_) => "rows fewer than the index counted before: deleted meanwhile.",
        Coverage::Missing(_) => "MISSING: … rows that the index counts were not read.",
    });
    let others = ["THE SUMS DO NOT ADD UP", "THE LIST IN … IS NOT COMPLETE"];
    all.extend(others.map(str::to_owned));
    all
}

fn early_ends() -> Vec<String> {
    let mut all = every!(Stopped {
        Stopped::Trouble(_) => "STOPPED: …",
        Stopped::Failures(_) => "too many failures: …",
        Stopped::Interrupted => "interrupted",
        Stopped::Misconfigured(_) => "", // each has a row of its own
    });
    all.retain(|name| !name.is_empty());
    all.extend(every!(Misconfigured {
        Misconfigured::NoSuchDomain { .. } => "MogileFS has no domain …",
        Misconfigured::EmptyDomain { .. } => "the MogileFS domain … has no rows",
        Misconfigured::OtherDomain { .. } => "the queue has jobs of the MogileFS domain …",
        Misconfigured::NothingSelected { .. } => "the selection has no row",
        Misconfigured::NothingMapped { .. } => "none of the … rows is in a bucket that is mapped",
        Misconfigured::NothingJudged { .. } => "none of the … rows is left to judge",
        Misconfigured::NoReferences { .. } =>
            "rows of …'s database is in a bucket that is mapped, by its old or its new name",
        Misconfigured::OtherBucket { .. } => "the queue has jobs for files of … in bucket",
        Misconfigured::OtherContentRepo { .. } => "contentrepo's database refers to … of … files",
        Misconfigured::PartOfContentRepo { .. } =>
            "contentrepo's database refers to … of … files of bucket …",
        Misconfigured::OldContentRepo { .. } =>
            "contentrepo's database knows … of the … newest files",
        Misconfigured::OtherWriteDatabase { .. } =>
            "the database of MOGILE_DATABASE_WRITE_URL has … of the … newest files",
        Misconfigured::ExpiringObjects { .. } => "bucket … deletes objects by itself",
        Misconfigured::LockedObjects { .. } => "bucket … keeps each new object by Object Lock",
        Misconfigured::OtherTableKey { .. } => "table … has the key …, and … is needed",
        Misconfigured::OtherConsumer { .. } => "the function … takes jobs from the queue",
        Misconfigured::Swapped(_) => "files are recorded in bucket …, and BUCKETS takes",
        Misconfigured::Moved(_) => "are recorded in bucket …, which the map does not name",
    }));
    all
}

fn outlooks() -> Vec<String> {
    every!(Outlook {
        Outlook::DeadLetters(_) => "… dead letters:",
        Outlook::NeedsPerson { .. } => "YOU MUST ACT.",
        Outlook::LookAtWords { .. } => "…: look at the words above.",
        Outlook::NotTaken { .. } => "jobs wait, and none is in flight:",
        Outlook::Waiting { .. } => "…: the queue delivers these jobs again",
        Outlook::RunningOut { .. } => "WAITING IS NOT SAFE.",
        Outlook::EmptyWithRowsLeft(_) =>
            "the queue is empty, and the index has … rows more than there are proven files:",
        Outlook::Forgotten { .. } => "files have failed: nothing tries them again.",
        Outlook::ProvenElsewhere(_) => "files are proven in buckets that BUCKETS does not name:",
        Outlook::Done => "the queue is empty, and there are as many proven files as rows.",
        Outlook::Empty(_) => "the queue is empty. The files were not counted:",
        Outlook::Working => "jobs are being worked on, and nothing blocks them.",
    })
}

fn checks_and_settings() -> Vec<String> {
    let health = every!(Health {
        Health::Good => word(&json!(Health::Good)),
        Health::Caution => word(&json!(Health::Caution)),
        Health::Bad => word(&json!(Health::Bad)),
        Health::Unreachable => word(&json!(Health::Unreachable)),
    });
    let outcomes = every!(Outcome {
        Outcome::Found => word(&json!(Outcome::Found)),
        Outcome::Made => word(&json!(Outcome::Made)),
        Outcome::Changed => word(&json!(Outcome::Changed)),
        Outcome::WouldMake => word(&json!(Outcome::WouldMake)),
        Outcome::WouldChange => word(&json!(Outcome::WouldChange)),
        Outcome::Left => word(&json!(Outcome::Left)),
        Outcome::Refused => word(&json!(Outcome::Refused)),
        Outcome::Unreachable => word(&json!(Outcome::Unreachable)),
    });
    // `unreachable` is a word of both.
    let all: BTreeSet<_> = health.into_iter().chain(outcomes).collect();
    all.into_iter().collect()
}

fn names<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn fields(summary: &Value) -> Vec<String> {
    summary.as_object().expect("a struct").keys().cloned().collect()
}

/// The name of a value that is written as one word.
fn word(value: &Value) -> String {
    value.as_str().expect("a word").to_owned()
}

/// The tables of the page in which each row has a severity.
fn severities() -> Vec<Table<'static>> {
    let mut tables = tables_of(PAGE);
    tables.retain(|table| table.columns[0] == "name");
    tables
}

#[test]
fn every_name_has_exactly_one_row_and_no_row_has_another_name() {
    let page: BTreeMap<_, _> =
        severities().into_iter().map(|table| (table.heading, table)).collect();
    let expected = tables();
    let headings: Vec<_> = expected.keys().copied().collect();
    assert_eq!(page.keys().copied().collect::<Vec<_>>(), headings, "the page's tables");
    for (heading, mut names) in expected {
        let mut rows: Vec<_> = page[heading].column("name").map(plain).collect();
        rows.sort();
        names.sort();
        assert_eq!(rows, names, "{heading}: the page's rows, and the names that the code has");
    }
}

#[test]
fn every_row_has_one_severity_a_meaning_and_a_next_step() {
    for table in severities() {
        for row in &table.rows {
            let (name, severity) = (table.cell(row, "name"), table.cell(row, "severity"));
            assert!(SEVERITIES.contains(&severity), "{}: {name} is `{severity}`", table.heading);
            for column in ["what it means", "next step"] {
                let text = table.cell(row, column);
                assert!(text.ends_with('.'), "{}: {name}, {column}: `{text}`", table.heading);
            }
        }
    }
    let legend = tables_of(PAGE).into_iter().find(|table| table.columns[0] == "severity");
    let legend = legend.expect("a legend");
    assert_eq!(legend.column("severity").collect::<Vec<_>>(), SEVERITIES);
}

#[test]
fn the_words_of_the_page_are_printed() {
    let printed = sources(&["apps/src", "domain/src"]).into_iter();
    let printed: Vec<_> = printed.map(|(_, text)| as_printed(&text)).collect();
    let is_printed = |words: &str| printed.iter().any(|text| text.contains(words));
    for table in severities() {
        // A name without a blank is the code's own.
        let mut cells: Vec<_> = table.column("name").filter(|name| name.contains(' ')).collect();
        if table.columns.contains(&"in the reports") {
            cells.extend(table.column("in the reports"));
        }
        for words in cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
            assert!(is_printed(words), "{}: nothing prints `{words}`", table.heading);
        }
    }
    for name in REASONS_OF_LETTERS.into_iter().chain(["interrupted"]) {
        assert!(is_printed(&format!("\"{name}\"")), "nothing is named `{name}`");
    }
}

#[test]
fn the_commands_and_flags_of_the_page_exist() {
    let (commands, sources) = (commands(), sources(&["apps/src"]));
    let text = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    for rest in text.split("`mogile2s3 ").skip(1) {
        let command: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        assert!(commands.contains(&command), "`mogile2s3 {command}` is no command");
    }
    for rest in text.replace('`', " ").split(" --").skip(1) {
        let is_part = |char: &char| char.is_ascii_lowercase() || *char == '-';
        let flag: String = rest.chars().take_while(is_part).collect();
        let field = format!(" {}: ", flag.replace('-', "_"));
        assert!(sources.iter().any(|(_, text)| text.contains(&field)), "--{flag} is no flag");
    }
}

#[test]
fn the_exit_codes_are_those_of_the_commands() {
    let codes = every!(Exit {
        Exit::Clean => Exit::Clean.code(),
        Exit::Findings => Exit::Findings.code(),
        Exit::Usage => Exit::Usage.code(),
        Exit::Unreachable => Exit::Unreachable.code(),
        Exit::Refused => Exit::Refused.code(),
    });
    let of = |text: &'static str, heading: &str, column: &str| -> Vec<String> {
        let tables = tables_of(text);
        let table = tables.iter().find(|table| {
            table.columns[0] == column && (heading.is_empty() || table.heading == heading)
        });
        table.expect("a table").column(column).map(plain).collect()
    };
    assert_eq!(of(PAGE, "Exit codes", "code"), codes);
    assert_eq!(of(README, "", "exit code"), codes);
    let verdict: BTreeSet<_> = of(PAGE, "Exit codes", "field").into_iter().collect();
    let in_json = fields(&json!(Verdict::of(None, false)));
    assert_eq!(verdict, in_json.into_iter().collect(), "what `--json` has");

    let rows = of(PAGE, "By command", "command");
    let rows: BTreeSet<_> = rows.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(rows, commands().iter().map(String::as_str).collect(), "the table by command");
}

/// The commands of `mogile2s3`: each has a file.
fn commands() -> BTreeSet<String> {
    let all = sources(&["apps/src/commands"]).into_iter().map(|(path, _)| path);
    let all = all.filter(|path| path.parent().is_some_and(|at| at.ends_with("commands")));
    all.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}
