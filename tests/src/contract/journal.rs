//! What every [`Journal`] promises.

use domain::Timestamp;
use domain::digest::Sha256;
use domain::journal::{
    Chain, ChainFault, Content, Difference, Head, SealedEntry, StoredEntry, StoredHead,
};
use domain::ports::{Appended, Journal, LedgerError, Repair};

use super::table::{Attribute, Table};

/// More entries than one answer to a query takes (1 MB), with their texts.
const MANY: u64 = 40;

/// Checks every promise of the port on a journal, empty as yet, and on that of another migration in the
/// same table.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(journal: &dyn Journal, other: &dyn Journal, table: &dyn Table) {
    nothing_is_there(journal).await;
    entries_follow_one_another(journal).await;
    the_same_entry_may_be_written_again(journal).await;
    no_number_is_given_twice(journal).await;
    only_the_last_entry_is_continued(journal).await;
    each_migration_has_its_own(journal, other).await;
    every_entry_is_told_in_order(journal).await;
    what_others_wrote_is_told_as_it_is(other, table).await;
    a_repair_is_written_as_a_whole(other, table).await;
    a_damaged_head_is_told_and_not_continued(other, table).await;
    what_stands_under_the_number_of_a_repair_is_replaced(other, table).await;
}

/// Checks what a journal without a table says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_table_is_told(journal: &dyn Journal) {
    let answers = [
        journal.head().await.map(drop),
        journal.last().await.map(drop),
        journal.append(&sealed(journal, None, "one")).await.map(drop),
        journal.restore(&repair(sealed(journal, None, "one"), StoredHead::Absent)).await.map(drop),
        journal.read(0, &mut |_| ()).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(LedgerError::NoTable { .. })), "{answer:?}");
    }
}

async fn nothing_is_there(journal: &dyn Journal) {
    assert_eq!(journal.head().await.expect("an answer"), StoredHead::Absent);
    assert_eq!(last(journal).await, None);
    assert_eq!(all(journal).await, []);
}

async fn entries_follow_one_another(journal: &dyn Journal) {
    for text in ["one", "two \u{1f600} \"é\"\n", ""] {
        let entry = sealed(journal, head(journal).await, text);
        assert_eq!(journal.append(&entry).await.expect("an answer"), Appended::Written);
        assert_eq!(head(journal).await, Some(entry.head()));
        assert_eq!(last(journal).await, Some(entry.stored()));
    }
    assert_eq!(all(journal).await.len(), 3);
}

async fn the_same_entry_may_be_written_again(journal: &dyn Journal) {
    let entry = sealed(journal, head(journal).await, "twice");
    for _ in 0..3 {
        assert_eq!(journal.append(&entry).await.expect("an answer"), Appended::Written);
    }
    assert_eq!(all(journal).await.len(), 4);
    // Not when somebody has written behind it: who asks again was overtaken meanwhile.
    let behind = sealed(journal, Some(entry.head()), "behind it");
    assert_eq!(journal.append(&behind).await.expect("an answer"), Appended::Written);
    let taken = Appended::Taken { by: Some(behind.stored()) };
    assert_eq!(journal.append(&entry).await.expect("an answer"), taken);
}

async fn no_number_is_given_twice(journal: &dyn Journal) {
    let before = head(journal).await;
    let (ours, theirs) = (sealed(journal, before.clone(), "us"), sealed(journal, before, "them"));
    assert_eq!(journal.append(&theirs).await.expect("an answer"), Appended::Written);
    let taken = Appended::Taken { by: Some(theirs.stored()) };
    assert_eq!(journal.append(&ours).await.expect("an answer"), taken);
    assert_eq!(head(journal).await, Some(theirs.head()));
    assert_eq!(all(journal).await.len(), 6);
}

async fn only_the_last_entry_is_continued(journal: &dyn Journal) {
    let now = head(journal).await.expect("entries");
    let other = Head { hash: Sha256::of(b"another"), ..now.clone() };
    let late = Head { sequence: now.sequence + 7, ..now.clone() };
    for behind in [Some(other), Some(late)] {
        let entry = sealed(journal, behind, "astray");
        let taken = Appended::Taken { by: None };
        assert_eq!(journal.append(&entry).await.expect("an answer"), taken);
    }
    let first = sealed(journal, None, "again from the first");
    let answer = journal.append(&first).await.expect("an answer");
    assert!(matches!(answer, Appended::Taken { by: Some(_) }), "{answer:?}");
    assert_eq!(head(journal).await, Some(now));
    assert_eq!(all(journal).await.len(), 6);
}

async fn each_migration_has_its_own(journal: &dyn Journal, other: &dyn Journal) {
    assert_ne!(journal.migration(), other.migration());
    assert_eq!(head(other).await, None);
    let entry = sealed(other, None, "theirs");
    assert_eq!(other.append(&entry).await.expect("an answer"), Appended::Written);
    assert_eq!(all(other).await, [entry.stored()]);
    assert_eq!(all(journal).await.len(), 6);
}

async fn every_entry_is_told_in_order(journal: &dyn Journal) {
    let text = "x".repeat(60_000);
    for _ in 0..MANY {
        let entry = sealed(journal, head(journal).await, &text);
        assert_eq!(journal.append(&entry).await.expect("an answer"), Appended::Written);
    }
    let all = all(journal).await;
    assert_eq!(all.len() as u64, 6 + MANY);
    let mut chain = Chain::default();
    let faults: Vec<_> = all.iter().flat_map(|entry| chain.follow(entry).1).collect();
    assert_eq!(faults, []);
    assert_eq!(chain.end(&head(journal).await.into()), None);
    // And from any place.
    for after in [1, 6, MANY + 5, MANY + 6, u64::MAX] {
        let mut some = Vec::new();
        journal.read(after, &mut |entry| some.push(entry)).await.expect("an answer");
        let expected: Vec<_> = all.iter().filter(|entry| entry.sequence > after).cloned().collect();
        assert_eq!(some, expected, "{after}");
    }
}

/// An item that is no entry any more is not passed over: it would hide what was there.
async fn what_others_wrote_is_told_as_it_is(journal: &dyn Journal, table: &dyn Table) {
    table.plant(&key(journal, 2)).await.expect("planted");
    let bare = StoredEntry { sequence: 2, line: String::new(), hash: None };
    assert_eq!(last(journal).await, Some(bare.clone()));
    assert_eq!(all(journal).await.last(), Some(&bare));
    let entry = sealed(journal, head(journal).await, "behind it");
    let taken = Appended::Taken { by: Some(bare) };
    assert_eq!(journal.append(&entry).await.expect("an answer"), taken);
}

/// Behind one entry stands an item that is none. A repair puts an entry there, and one that is missing.
async fn a_repair_is_written_as_a_whole(journal: &dyn Journal, table: &dyn Table) {
    let first = all(journal).await[0].clone();
    let second = sealed(journal, head(journal).await, "second");
    let third = sealed(journal, Some(second.head()), "third");
    let mut repair =
        repair(sealed(journal, Some(third.head()), "says so"), head(journal).await.into());
    let bare = StoredEntry { sequence: 2, line: String::new(), hash: None };
    repair.entries = vec![
        Difference { exported: second.stored(), found: Some(bare.clone()) },
        Difference { exported: third.stored(), found: None },
    ];
    // Not when something changed meanwhile.
    let hash = Sha256::of(b"head");
    let of_other_head = StoredHead::Names(Head { sequence: 1, hash });
    let other_words = StoredEntry { line: "words".to_owned(), ..bare.clone() };
    let mut of_other_entry = repair.clone();
    of_other_entry.entries[0].found = Some(other_words);
    let mut of_less = repair.clone();
    of_less.entries[0].found = None;
    let others = [Repair { head: of_other_head, ..repair.clone() }, of_other_entry, of_less];
    for other in others {
        let answer = journal.restore(&other).await.expect("an answer");
        assert_eq!(answer, Appended::Taken { by: None }, "{other:?}");
        assert_eq!(all(journal).await, [first.clone(), bare.clone()]);
    }
    // The same again changes nothing.
    for _ in 0..2 {
        assert_eq!(journal.restore(&repair).await.expect("an answer"), Appended::Written);
        let whole = [&second, &third, &repair.entry].map(SealedEntry::stored);
        assert_eq!(all(journal).await[1..], whole);
        assert_eq!(head(journal).await, Some(repair.entry.head()));
    }
    // What stood there has a place of its own, which no second repair of this name may take.
    let behind = sealed(journal, Some(repair.entry.head()), "again");
    let exported = StoredEntry { sequence: 2, ..first };
    let found = Some(second.stored());
    let again = Repair {
        entries: vec![Difference { exported, found }],
        head: StoredHead::Names(repair.entry.head()),
        entry: behind,
        instead_of: None,
        kept_as: repair.kept_as.clone(),
    };
    assert_eq!(journal.restore(&again).await.expect("an answer"), Appended::Taken { by: None });
    table.plant(&key(journal, 2)).await.expect("planted");
    let kept = StoredEntry { sequence: 2, line: String::new(), hash: None };
    assert_eq!(all(journal).await[1], kept);
}

/// Who is to continue a journal hears what is wrong with it, and not that somebody else was there.
async fn a_damaged_head_is_told_and_not_continued(journal: &dyn Journal, table: &dyn Table) {
    let before = all(journal).await;
    let entry = sealed(journal, head(journal).await, "behind it");
    let beef = ("hash", Attribute::Text("beef"));
    let hash = Sha256::of(b"").to_string();
    let hash = ("hash", Attribute::Text(&hash));
    let number = |number| ("last", Attribute::Number(number));
    let heads: [(&[_], _); 5] = [
        (&[], "it has no usable `last`"),
        (&[hash], "it has no usable `last`"),
        (&[hash, number(0)], "it has no usable `last`"),
        (&[number(4)], "it has no usable `hash`"),
        (&[number(4), beef], "it has no usable `hash`"),
    ];
    for (attributes, why) in heads {
        let item = [&key(journal, 0)[..], attributes].concat();
        table.plant(&item).await.expect("planted");
        let why = why.to_owned();
        let damaged = StoredHead::Damaged { why: why.clone() };
        assert_eq!(journal.head().await.expect("an answer"), damaged);
        let answer = journal.append(&entry).await.expect("an answer");
        assert_eq!(answer, Appended::Damaged(ChainFault::HeadDamaged { why }));
        assert_eq!(all(journal).await, before);
    }
    // A repair may replace it, and keeps it under a name that it needs for itself.
    let damaged = journal.head().await.expect("an answer");
    let beef = Repair { kept_as: "beef".to_owned(), ..repair(entry, damaged.clone()) };
    assert_eq!(journal.restore(&beef).await.expect("an answer"), Appended::Written);
    assert_eq!(head(journal).await, Some(beef.entry.head()));
    table.plant(&[&key(journal, 0)[..], heads[4].0].concat()).await.expect("planted");
    let next = sealed(journal, Some(beef.entry.head()), "next");
    let again = Repair { entry: next, ..beef };
    let answer = journal.restore(&again).await.expect("an answer");
    assert!(matches!(answer, Appended::Damaged(_)), "{answer:?}");
    let again = Repair { kept_as: "other beef".to_owned(), ..again };
    assert_eq!(journal.restore(&again).await.expect("an answer"), Appended::Written);
}

/// Somebody has put something behind the end.
async fn what_stands_under_the_number_of_a_repair_is_replaced(
    journal: &dyn Journal,
    table: &dyn Table,
) {
    let before = all(journal).await;
    let now = head(journal).await;
    let entry = sealed(journal, now.clone(), "instead of it");
    let line = ("line", Attribute::Text("eve"));
    let item = [&key(journal, entry.sequence)[..], &[line]].concat();
    table.plant(&item).await.expect("planted");
    let found = StoredEntry { sequence: entry.sequence, line: "eve".to_owned(), hash: None };
    let right = Repair {
        instead_of: Some(found.clone()),
        kept_as: "eve".to_owned(),
        ..repair(entry, now.into())
    };
    let other = StoredEntry { line: "ann".to_owned(), ..found.clone() };
    for instead_of in [None, Some(other)] {
        let wrong = Repair { instead_of, ..right.clone() };
        let answer = journal.restore(&wrong).await.expect("an answer");
        assert_eq!(answer, Appended::Taken { by: Some(found.clone()) });
    }
    for _ in 0..2 {
        assert_eq!(journal.restore(&right).await.expect("an answer"), Appended::Written);
        let expected = [&before[..], &[right.entry.stored()]].concat();
        assert_eq!(all(journal).await, expected);
    }
}

/// A repair that puts no entry back.
fn repair(entry: SealedEntry, head: StoredHead) -> Repair {
    let kept_as = "kept".to_owned();
    Repair { entries: Vec::new(), head, entry, instead_of: None, kept_as }
}

fn key(journal: &dyn Journal, sequence: u64) -> [(&'static str, Attribute<'_>); 2] {
    let migration = Attribute::Text(journal.migration());
    [("migration", migration), ("sequence", Attribute::Number(sequence))]
}

async fn head(journal: &dyn Journal) -> Option<Head> {
    journal.head().await.expect("an answer").named().cloned()
}

async fn last(journal: &dyn Journal) -> Option<StoredEntry> {
    journal.last().await.expect("an answer")
}

async fn all(journal: &dyn Journal) -> Vec<StoredEntry> {
    let mut all = Vec::new();
    journal.read(0, &mut |entry| all.push(entry)).await.expect("an answer");
    all
}

/// An entry with these words.
///
/// # Panics
/// When the words are too long.
#[must_use]
pub fn sealed(journal: &dyn Journal, behind: Option<Head>, text: &str) -> SealedEntry {
    let content = Content::Note { text: text.to_owned() };
    let (migration, at) = (journal.migration(), Timestamp(1_767_225_600_123));
    SealedEntry::new(migration, behind, at, ("ann", 7), content).expect("short words")
}
