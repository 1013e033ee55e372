//! What every [`Journal`] promises.

use domain::Timestamp;
use domain::journal::{Chain, Content, Head, SealedEntry, StoredEntry};
use domain::ports::{Appended, Journal, LedgerError};

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
}

/// Checks what a journal without a table says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_table_is_told(journal: &dyn Journal) {
    let answers = [
        journal.head().await.map(drop),
        journal.entry(1).await.map(drop),
        journal.append(&sealed(journal, None, "one")).await.map(drop),
        journal.read(&mut |_| ()).await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(LedgerError::NoTable { .. })), "{answer:?}");
    }
}

async fn nothing_is_there(journal: &dyn Journal) {
    assert_eq!(journal.head().await.expect("an answer"), None);
    assert_eq!(journal.entry(1).await.expect("an answer"), None);
    assert_eq!(all(journal).await, []);
}

async fn entries_follow_one_another(journal: &dyn Journal) {
    for text in ["one", "two \u{1f600} \"é\"\n", ""] {
        let entry = sealed(journal, head(journal).await, text);
        assert_eq!(journal.append(&entry).await.expect("an answer"), Appended::Written);
        assert_eq!(head(journal).await, Some(entry.head()));
        let found = journal.entry(entry.sequence).await.expect("an answer");
        assert_eq!(found, Some(entry.stored()));
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
    let other = Head { hash: domain::digest::Sha256::of(b"another"), ..now.clone() };
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
    assert_eq!(chain.end(head(journal).await.as_ref()), None);
}

/// An item that is no entry any more is not passed over: it would hide what was there.
async fn what_others_wrote_is_told_as_it_is(journal: &dyn Journal, table: &dyn Table) {
    let migration = ("migration", Attribute::Text(journal.migration()));
    let item = [migration, ("sequence", Attribute::Number(2))];
    table.plant(&item).await.expect("planted");
    let bare = StoredEntry { sequence: 2, line: String::new(), hash: None };
    assert_eq!(journal.entry(2).await.expect("an answer"), Some(bare.clone()));
    assert_eq!(all(journal).await.last(), Some(&bare));
    let entry = sealed(journal, head(journal).await, "behind it");
    let taken = Appended::Taken { by: Some(bare) };
    assert_eq!(journal.append(&entry).await.expect("an answer"), taken);
}

async fn head(journal: &dyn Journal) -> Option<Head> {
    journal.head().await.expect("an answer")
}

async fn all(journal: &dyn Journal) -> Vec<StoredEntry> {
    let mut all = Vec::new();
    journal.read(&mut |entry| all.push(entry)).await.expect("an answer");
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
