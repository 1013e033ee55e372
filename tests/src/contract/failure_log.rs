//! What every [`FailureLog`] promises.

use std::collections::BTreeMap;

use domain::ports::{FailureLog, LedgerError};
use domain::{
    FailureItem, FailureNote, FailureRecord, Fid, JobAction, MessageTries, Noted, Timestamp,
};
use futures_util::future::join3;

use super::table::{Attribute, Table};

/// More failures, of a kilobyte each, than one answer to a scan takes (1 MB).
const MANY: u64 = 1_500;

/// Checks every promise of the port on a log over this table, empty as yet.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(log: &dyn FailureLog, table: &dyn Table) {
    nothing_is_there(log).await;
    every_shape_comes_back(log).await;
    the_last_of_several_counts(log).await;
    cleared_ones_are_gone(log).await;
    doubts_stay(log, table).await;
    a_job_that_was_not_begun_leaves_doubts_alone(log, table).await;
    doubts_stay_whoever_writes_beside(log).await;
    no_text_is_too_long(log).await;
    others_items(log, table).await;
    deliveries_are_counted(log).await;
    every_failure_is_scanned(log).await;
}

/// Checks what a log without a table says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_table_is_told(log: &dyn FailureLog) {
    let answers = [
        note(log, &[failure(1)]).await,
        log.clear(&[Fid(1)]).await,
        log.clear_undoubted(&[Fid(1)]).await,
        log.read(&[Fid(1)]).await.map(drop),
        log.scan(&mut |_| ()).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(LedgerError::NoTable { .. })), "{answer:?}");
    }
}

async fn nothing_is_there(log: &dyn FailureLog) {
    assert_eq!(scanned(log).await, BTreeMap::new());
    assert_eq!(read(log, &[]).await, BTreeMap::new());
    assert_eq!(read(log, &[0, 1, u64::MAX]).await, BTreeMap::new());
    note(log, &[]).await.expect("nothing to do");
    log.clear(&[]).await.expect("nothing to do");
    log.clear_undoubted(&[]).await.expect("nothing to do");
    log.clear_undoubted(&[Fid(0), Fid(1)]).await.expect("nothing to take away");
    log.clear(&[Fid(0), Fid(1)]).await.expect("nothing to take away");
    assert_eq!(scanned(log).await, BTreeMap::new());
}

async fn every_shape_comes_back(log: &dyn FailureLog) {
    let actions = [None, Some(JobAction::Migrate), Some(JobAction::Verify)];
    let mut failures: Vec<_> =
        (1..).zip(actions).map(|(fid, action)| FailureRecord { action, ..failure(fid) }).collect();
    // A message of which nothing could be read, the most that there can be, and a later version's.
    failures.push(FailureRecord {
        dkey: String::new(),
        reason: String::new(),
        detail: String::new(),
        ..failure(0)
    });
    failures.push(FailureRecord {
        attempt: u32::MAX,
        failed_at: Timestamp(u64::MAX),
        ..failure(u64::MAX)
    });
    failures.push(FailureRecord { reason: "sun-spots".to_owned(), ..failure(4) });
    failures.push(FailureRecord { detail: "\u{0}\n\"é😀".to_owned(), ..failure(5) });
    note(log, &failures).await.expect("noted");
    let fids: Vec<_> = failures.iter().map(|failure| failure.fid.0).collect();
    assert_eq!(read(log, &fids).await, by_fid(&failures));
    assert_eq!(scanned(log).await, by_fid(&failures));
}

async fn the_last_of_several_counts(log: &dyn FailureLog) {
    let (first, last) = (failure(100), FailureRecord { attempt: 2, ..failure(100) });
    let between = (101..130).map(failure);
    let failures: Vec<_> = [first].into_iter().chain(between).chain([last.clone()]).collect();
    note(log, &failures).await.expect("noted");
    assert_eq!(read(log, &[100, 100, 129, 100]).await, by_fid(&[last, failure(129)]));

    // A failure takes the place of an older one whole: nothing of that shows through.
    let silent = FailureRecord { action: None, dkey: String::new(), attempt: 3, ..failure(100) };
    note(log, std::slice::from_ref(&silent)).await.expect("noted");
    assert_eq!(read(log, &[100]).await, by_fid(&[silent]));
}

async fn cleared_ones_are_gone(log: &dyn FailureLog) {
    let failures: Vec<_> = (200..260).map(failure).collect();
    note(log, &failures).await.expect("noted");
    // Not one batch, some that are not there, and one more than once.
    let cleared: Vec<_> = (201..400).chain([201, 201]).map(Fid).collect();
    log.clear(&cleared).await.expect("cleared");
    let fids: Vec<_> = (200..400).collect();
    assert_eq!(read(log, &fids).await, by_fid(&[failure(200)]));
    log.clear(&cleared).await.expect("cleared again");
    note(log, &[failure(201)]).await.expect("noted again");
    assert_eq!(read(log, &fids).await, by_fid(&[failure(200), failure(201)]));
}

/// Whatever is noted later, and whoever says that nothing is wrong any more without a proof.
async fn doubts_stay(log: &dyn FailureLog, table: &dyn Table) {
    let undoubted = |fid| FailureRecord { doubted: false, ..failure(fid) };
    let doubted = |fid| FailureRecord { doubted: true, ..failure(fid) };
    note(log, &[doubted(300), undoubted(301)]).await.expect("noted");
    // As versions noted it that knew no `doubted`; and two that are no doubts.
    for (fid, action, reason) in [
        (302, "verify", "missing"),
        (303, "verify", "wrong-object"),
        (304, "migrate", "wrong-object"),
        (305, "verify", "s3-denied"),
    ] {
        let item = [
            ("fid", Attribute::Number(fid)),
            ("action", Attribute::Text(action)),
            ("reason", Attribute::Text(reason)),
            ("attempt", Attribute::Number(1)),
            ("failed_at", Attribute::Number(1)),
        ];
        table.plant(&item).await.expect("planted");
    }
    note(log, &(300..306).map(undoubted).collect::<Vec<_>>()).await.expect("noted");
    let noted = |fid| match fid {
        300 | 302 | 303 => doubted(fid),
        _ => undoubted(fid),
    };
    let fids: Vec<_> = (300..310).collect();
    assert_eq!(read(log, &fids).await, by_fid(&(300..306).map(noted).collect::<Vec<_>>()));

    // In one call, too, in whatever order.
    let both = [doubted(306), undoubted(306), undoubted(307), doubted(307)];
    note(log, &both).await.expect("noted");
    assert_eq!(read(log, &[306, 307]).await, by_fid(&[doubted(306), doubted(307)]));

    let all: Vec<_> = fids.iter().copied().chain([300, 301]).map(Fid).collect();
    log.clear_undoubted(&all).await.expect("cleared");
    let left = [300, 302, 303, 306, 307].map(doubted);
    assert_eq!(read(log, &fids).await, by_fid(&left));
    log.clear(&all).await.expect("cleared");
    assert_eq!(read(log, &fids).await, BTreeMap::new());
}

/// It has not looked at the file: what a verification found stays, and the delivery is counted.
async fn a_job_that_was_not_begun_leaves_doubts_alone(log: &dyn FailureLog, table: &dyn Table) {
    let not_started = |fid| FailureRecord {
        reason: "not-started".to_owned(),
        detail: "the worker was told to stop".to_owned(),
        doubted: false,
        attempt: 3,
        ..failure(fid)
    };
    let missing = FailureRecord {
        action: Some(JobAction::Verify),
        reason: "missing".to_owned(),
        doubted: true,
        ..failure(310)
    };
    let no_doubt = FailureRecord { doubted: false, ..failure(311) };
    note(log, &[missing.clone(), no_doubt]).await.expect("noted");
    // As versions noted it that knew no `doubted`.
    let older = [
        ("fid", Attribute::Number(312)),
        ("action", Attribute::Text("verify")),
        ("reason", Attribute::Text("wrong-object")),
        ("attempt", Attribute::Number(1)),
        ("failed_at", Attribute::Number(1)),
    ];
    table.plant(&older).await.expect("planted");
    let fids = [310, 311, 312, 313];
    let notes = fids.map(|fid| FailureNote {
        message: "m".to_owned(),
        record: not_started(fid),
        what: Noted::PutOff,
    });
    let counted = log.note(&notes).await.expect("noted");
    assert_eq!(counted, [MessageTries { own: 0, ended: 3, begun: 0 }; 4]);
    let found = read(log, &fids).await;
    assert_eq!(found[&Fid(310)], missing);
    assert_eq!(found[&Fid(311)], not_started(311));
    let of_older = &found[&Fid(312)];
    assert_eq!((of_older.reason.as_str(), of_older.attempt), ("wrong-object", 1));
    assert_eq!(found[&Fid(313)], not_started(313));

    // Whoever has looked says what is there now.
    let looked = FailureRecord { doubted: false, ..failure(310) };
    note(log, std::slice::from_ref(&looked)).await.expect("noted");
    let doubted = FailureRecord { doubted: true, ..looked };
    assert_eq!(read(log, &[310]).await, by_fid(&[doubted]));
    log.clear(&fids.map(Fid)).await.expect("cleared");
}

/// Neither a failure that is noted nor one that is cleared at the same time takes a doubt away.
async fn doubts_stay_whoever_writes_beside(log: &dyn FailureLog) {
    let fids = || 400..480;
    let undoubted = |fid| FailureRecord { doubted: false, ..failure(fid) };
    let doubted = |fid| FailureRecord { doubted: true, attempt: 2, ..failure(fid) };
    let later: Vec<_> = fids().map(undoubted).collect();
    let doubts: Vec<_> = fids().map(doubted).collect();
    let cleared: Vec<_> = fids().map(Fid).collect();
    let ended = join3(note(log, &later), note(log, &doubts), log.clear_undoubted(&cleared)).await;
    assert!(ended.0.is_ok() && ended.1.is_ok() && ended.2.is_ok(), "{ended:?}");
    let left = read(log, &fids().collect::<Vec<_>>()).await;
    assert_eq!(left.values().filter(|failure| failure.doubted).count(), 80);
    log.clear(&cleared).await.expect("cleared");
}

/// A message may have a mebibyte; a failure that tells of it must not keep others from being noted.
async fn no_text_is_too_long(log: &dyn FailureLog) {
    let text = format!("x{}", "é".repeat(1 << 19));
    let large = FailureRecord { dkey: text.clone(), detail: text.clone(), ..failure(500) };
    note(log, &[failure(499), large, failure(501)]).await.expect("noted");
    let mut noted = read(log, &[499, 500, 501]).await;
    let large = noted.remove(&Fid(500)).expect("noted too");
    for kept in [&large.dkey, &large.detail] {
        assert!(kept.len() >= 1_000 && text.starts_with(kept.as_str()), "{} bytes", kept.len());
    }
    assert_eq!(noted, by_fid(&[failure(499), failure(501)]));
}

/// Attributes and actions that we do not know do not matter, nor do items that cannot be read.
async fn others_items(log: &dyn FailureLog, table: &dyn Table) {
    use Attribute::{Number, Text};
    let FailureRecord { dkey, reason, detail, attempt, failed_at, .. } = failure(600);
    let with = |fid, name, value| {
        let item = [
            ("fid", Number(fid)),
            ("action", Text("migrate")),
            ("dkey", Text(&dkey)),
            ("reason", Text(&reason)),
            ("detail", Text(&detail)),
            ("attempt", Number(attempt.into())),
            ("failed_at", Number(failed_at.0)),
        ];
        let others = item.into_iter().filter(move |(other, _)| *other != name);
        others.chain([(name, value)]).collect::<Vec<_>>()
    };
    for item in [
        with(600, "seen_by", Text("somebody")),
        with(601, "action", Text("delete")),
        with(602, "attempt", Text("first")),
        with(603, "detail", Number(7)),
        vec![("fid", Number(604))],
    ] {
        table.plant(&item).await.expect("planted");
    }
    let like = |fid, action| FailureRecord { fid: Fid(fid), action, ..failure(600) };
    let readable = by_fid(&[like(600, Some(JobAction::Migrate)), like(601, None)]);
    let fids: Vec<_> = (599..606).collect();
    assert_eq!(read(log, &fids).await, readable);
    let scanned = scanned(log).await.into_iter();
    assert_eq!(
        scanned.filter(|(fid, _)| fids.contains(&fid.0)).collect::<BTreeMap<_, _>>(),
        readable
    );
    let errors = |items: Vec<FailureItem>| -> BTreeMap<_, _> {
        items.into_iter().filter_map(Result::err).map(|item| (item.fid, item.why)).collect()
    };
    let (mut all, asked) = (Vec::new(), fids.iter().copied().map(Fid).collect::<Vec<_>>());
    log.scan(&mut |item| all.push(item)).await.expect("a whole scan");
    let unreadable = errors(all);
    assert_eq!(errors(log.read(&asked).await.expect("an answer")), unreadable);
    assert_eq!(
        unreadable.keys().copied().collect::<Vec<_>>(),
        [602, 603, 604].map(|fid| Some(Fid(fid)))
    );
    assert!(unreadable[&Some(Fid(602))].contains("attempt"), "{unreadable:?}");

    // Each may be written over, and taken away.
    let failures: Vec<_> = (600..605).map(failure).collect();
    note(log, &failures).await.expect("noted");
    assert_eq!(read(log, &fids).await, by_fid(&failures));
    log.clear(&asked).await.expect("cleared");
    assert_eq!(read(log, &fids).await, BTreeMap::new());
}

/// Each message's own failures, its last delivery with an end, and those begun without one since.
async fn deliveries_are_counted(log: &dyn FailureLog) {
    use Noted::{Begun, Failed, PutOff};
    let one = |fid, message: &str, attempt, what| {
        let record = FailureRecord { attempt, ..failure(fid) };
        FailureNote { message: message.to_owned(), record, what }
    };
    let tries = |own, ended, begun| MessageTries { own, ended, begun };
    for (attempt, what, expected) in [
        (1, Failed, tries(1, 1, 0)),
        (2, PutOff, tries(1, 2, 0)),
        (4, Begun, tries(1, 2, 1)),
        (5, Begun, tries(1, 2, 2)),
        (6, Failed, tries(2, 6, 0)),
        (7, Begun, tries(2, 6, 1)),
        (8, PutOff, tries(2, 8, 0)),
    ] {
        let noted = log.note(&[one(700, "a", attempt, what)]).await.expect("noted");
        assert_eq!(noted, [expected], "{attempt} {what:?}");
    }
    // Several of one file in one call, in their order, and of others between.
    let notes = [
        one(700, "b", 1, Failed),
        one(701, "c", 3, Begun),
        one(700, "a", 9, Failed),
        one(700, "b", 2, Failed),
    ];
    let counted = log.note(&notes).await.expect("noted");
    assert_eq!(counted, [tries(1, 1, 0), tries(0, 0, 1), tries(3, 9, 0), tries(2, 2, 0)]);
    let read = log.read(&[Fid(700), Fid(701)]).await.expect("read");
    let read: Vec<_> = read.into_iter().flatten().collect();
    let messages = |fid| read.iter().find(|record| record.fid == Fid(fid)).expect("there");
    let of_700 = [("a".to_owned(), tries(3, 9, 0)), ("b".to_owned(), tries(2, 2, 0))];
    assert_eq!(messages(700).messages, of_700.into());
    assert_eq!(messages(701).messages, [("c".to_owned(), tries(0, 0, 1))].into());
    log.clear(&[Fid(700), Fid(701)]).await.expect("cleared");
}

async fn every_failure_is_scanned(log: &dyn FailureLog) {
    let before = scanned(log).await;
    let wordy = |fid| FailureRecord { detail: "why ".repeat(250), ..failure(fid) };
    let failures: Vec<_> = (1_000..1_000 + MANY).map(wordy).collect();
    note(log, &failures).await.expect("noted");
    let all: BTreeMap<_, _> = before.into_iter().chain(by_fid(&failures)).collect();
    assert_eq!(scanned(log).await, all);
    let fids: Vec<_> = all.keys().copied().collect();
    log.clear(&fids).await.expect("cleared");
    assert_eq!(scanned(log).await, BTreeMap::new());
}

/// A failure as workers leave them.
#[must_use]
pub fn failure(fid: u64) -> FailureRecord {
    FailureRecord {
        fid: Fid(fid),
        action: Some(JobAction::Migrate),
        dkey: "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo".to_owned(),
        reason: "no-replica".to_owned(),
        detail: format!("no replica of fid `{fid}` gave the content"),
        attempt: 1,
        failed_at: Timestamp(1_767_225_600_123),
        doubted: fid.is_multiple_of(7),
        messages: BTreeMap::new(),
    }
}

/// Notes these, each as the end of a delivery of a message of its own.
///
/// # Errors
/// When they cannot be noted.
pub async fn note(log: &dyn FailureLog, failures: &[FailureRecord]) -> Result<(), LedgerError> {
    let note = |(number, record): (usize, &FailureRecord)| FailureNote {
        message: format!("message {number}"),
        record: record.clone(),
        what: Noted::PutOff,
    };
    let notes: Vec<_> = failures.iter().enumerate().map(note).collect();
    log.note(&notes).await.map(drop)
}

/// A record without what is known of its messages.
fn plain(record: FailureRecord) -> FailureRecord {
    FailureRecord { messages: BTreeMap::new(), ..record }
}

/// What a whole scan gives.
///
/// # Panics
/// When it cannot be had, or gives one fid two records.
pub async fn scanned(log: &dyn FailureLog) -> BTreeMap<Fid, FailureRecord> {
    let mut failures = BTreeMap::new();
    let mut each = |failure: FailureItem| {
        let Ok(failure) = failure else { return };
        let failure = plain(failure);
        let known = failures.insert(failure.fid, failure.clone());
        assert!(known.is_none_or(|known| known == failure), "two records: {failure:?}");
    };
    log.scan(&mut each).await.expect("a whole scan");
    failures
}

async fn read(log: &dyn FailureLog, fids: &[u64]) -> BTreeMap<Fid, FailureRecord> {
    let fids: Vec<_> = fids.iter().copied().map(Fid).collect();
    let failures = log.read(&fids).await.expect("an answer");
    let failures: Vec<_> = failures.into_iter().flatten().map(plain).collect();
    let distinct = by_fid(&failures);
    assert_eq!(distinct.len(), failures.len(), "each once");
    distinct
}

fn by_fid(failures: &[FailureRecord]) -> BTreeMap<Fid, FailureRecord> {
    failures.iter().map(|failure| (failure.fid, failure.clone())).collect()
}
