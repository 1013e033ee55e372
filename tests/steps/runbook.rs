//! The writer of the journal: what it promises when answers are lost and when others write.

mod jobs;
mod reading;
mod refused;
mod restore;
mod tampered;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Timestamp;
use domain::journal::{Chain, ChainFault, Content, SealedEntry, StoredEntry};
use domain::ports::{Clock, Journal};
use domain::runbook::{JournalTrouble, JournalWriter, TakenOver};
use dynoxide::Database;
use stand_ins::port::{Call, PortFault, PortFaults, PortJournal, VirtualClock};
use stand_ins::world::dynamodb::{self, Item, create_journal_table, new_database, number, text};

const TABLE: &str = "journal";

struct Stage {
    database: Database,
    clock: Arc<VirtualClock>,
    faults: Arc<PortFaults>,
    writers: AtomicU64,
}

impl Stage {
    fn new() -> Self {
        let database = new_database().expect("a database in memory");
        create_journal_table(&database, TABLE).expect("a new table");
        let faults = Arc::new(PortFaults::instant());
        Self { database, clock: Arc::default(), faults, writers: AtomicU64::default() }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        let (table, migration) = (TABLE.to_owned(), "ledger".to_owned());
        Arc::new(PortJournal::new(self.database.clone(), table, migration, self.faults.clone()))
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.clock.run(work).expect("nothing waits for ever")
    }

    async fn open(&self, by: &str) -> Result<JournalWriter, JournalTrouble> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let number = self.writers.fetch_add(1, Ordering::Relaxed);
        JournalWriter::open(self.journal(), clock, (by.to_owned(), number)).await
    }

    async fn writer(&self, by: &str) -> JournalWriter {
        self.open(by).await.expect("a writer")
    }

    fn remove(&self, sequences: &[u64]) {
        let key = |sequence: &u64| {
            Item::from([text("migration", "ledger"), number("sequence", *sequence)])
        };
        let keys: Vec<_> = sequences.iter().map(key).collect();
        let table = dynamodb::Table::new(self.database.clone(), TABLE.to_owned());
        table.delete(&keys).expect("removed");
    }

    /// All entries; the chain must hold.
    async fn entries(&self) -> Vec<StoredEntry> {
        let (journal, mut chain, mut entries) = (self.journal(), Chain::of("ledger"), Vec::new());
        let mut each = |entry: StoredEntry| {
            assert_eq!(chain.follow(&entry).1, []);
            entries.push(entry);
        };
        journal.read(0, &mut each).await.expect("an answer");
        assert_eq!(chain.end(&journal.head().await.expect("an answer")), None);
        entries
    }
}

fn note(text: &str) -> Content {
    Content::Note { text: text.to_owned() }
}

#[test]
fn entries_are_written_one_behind_the_other() {
    let stage = Stage::new();
    stage.run(async {
        let mut ann = stage.writer("ann").await;
        assert_eq!(ann.head(), None);
        for number in 1..=3 {
            let head = ann.append(note("words")).await.expect("written");
            assert_eq!((head.sequence, Some(&head)), (number, ann.head()));
        }
        let mut bob = stage.writer("bob").await;
        assert_eq!(bob.append(note("more")).await.expect("written").sequence, 4);
        assert_eq!(stage.entries().await.len(), 4);
    });
}

/// The fence: whoever was overtaken stops for good, and reads nothing to go on.
#[test]
fn a_writer_that_was_overtaken_never_writes_again() {
    let stage = Stage::new();
    stage.run(async {
        let mut ann = stage.writer("ann").await;
        ann.append(note("ann begins")).await.expect("written");
        let mut bob = stage.writer("bob").await;
        bob.append(note("bob takes over")).await.expect("written");
        for _ in 0..2 {
            let trouble = ann.append(note("ann wakes up")).await.expect_err("taken over");
            let JournalTrouble::TakenOver(TakenOver { sequence, by, at, .. }) = &trouble else {
                panic!("{trouble:?}")
            };
            assert_eq!((*sequence, &**by, *at), (2, "bob", Some(stage.clock.now())));
            let said = trouble.to_string();
            assert!(said.starts_with("taken over by bob: entry 2 of the journal"), "{said}");
        }
        // What bob writes later changes nothing for ann, and is not even looked at.
        bob.append(note("bob goes on")).await.expect("written");
        stage.faults.take_counts();
        ann.append(note("ann again")).await.expect_err("taken over");
        assert!(stage.faults.take_counts().is_empty(), "nothing is asked any more");
        assert_eq!(stage.entries().await.len(), 3);
    });
}

#[test]
fn of_two_who_began_together_one_writes() {
    let stage = Stage::new();
    stage.run(async {
        let (mut ann, mut bob) = (stage.writer("ann").await, stage.writer("bob").await);
        bob.append(note("first")).await.expect("written");
        let trouble = ann.append(note("second")).await.expect_err("taken over");
        assert!(matches!(trouble, JournalTrouble::TakenOver(_)), "{trouble:?}");
        assert_eq!(stage.entries().await.len(), 1);
    });
}

/// The same person, with the same words at the same moment.
#[test]
fn equal_words_of_two_writers_are_two_entries() {
    let stage = Stage::new();
    stage.run(async {
        let (mut one, mut other) = (stage.writer("ann").await, stage.writer("ann").await);
        one.append(note("begin")).await.expect("written");
        let trouble = other.append(note("begin")).await.expect_err("taken over");
        assert!(matches!(trouble, JournalTrouble::TakenOver(_)), "{trouble:?}");
    });
}

/// The answer to an entry is lost, and somebody takes over before it is asked for again.
#[test]
fn a_lost_answer_is_no_way_past_the_fence() {
    let stage = Stage::new();
    stage.run(async {
        let mut ann = stage.writer("ann").await;
        stage.faults.strike(Call::Append, "1", PortFault::AnswerLost, 50);
        stage.faults.strike(Call::ReadJournal, "", PortFault::RequestLost, 50);
        let trouble = ann.append(note("ann begins")).await.expect_err("no answer");
        // By the writer's number the entry can be found.
        assert!(
            matches!(trouble, JournalTrouble::Unsure { sequence: 1, writer: 0, .. }),
            "{trouble:?}"
        );
        stage.faults.clear();
        let mut bob = stage.writer("bob").await;
        bob.append(note("bob takes over")).await.expect("written");
        let trouble = ann.append(note("ann goes on")).await.expect_err("taken over");
        let JournalTrouble::TakenOver(TakenOver { sequence: 2, own, by, .. }) = &trouble else {
            panic!("{trouble:?}")
        };
        assert_eq!((by.as_str(), *own), ("bob", Some(1)), "her first entry is written");
    });
}

#[test]
fn an_entry_whose_answer_is_lost_is_there_once() {
    for fault in [PortFault::AnswerLost, PortFault::RequestLost, PortFault::Busy] {
        let stage = Stage::new();
        stage.run(async {
            let mut ann = stage.writer("ann").await;
            stage.faults.strike(Call::Append, "1", fault, 2);
            ann.append(note("one")).await.expect("the third time");
            // For longer than it is tried. What became of the entry is seen in the journal.
            stage.faults.strike(Call::Append, "2", fault, 50);
            match ann.append(note("two")).await {
                Ok(head) => assert_eq!((fault, head.sequence), (PortFault::AnswerLost, 2)),
                Err(JournalTrouble::NotWritten { sequence: 2, error, .. }) => {
                    assert_ne!(fault, PortFault::AnswerLost, "{error}");
                    assert_eq!(stage.entries().await.len(), 1);
                }
                Err(trouble) => panic!("{trouble:?}"),
            }
            stage.faults.clear();
            // The entry that may be there is not taken for somebody else's.
            assert_eq!(ann.append(note("three")).await.expect("written").sequence, 3);
            let lines: Vec<_> = stage.entries().await.into_iter().map(|it| it.line).collect();
            for (line, text) in lines.iter().zip(["one", "two", "three"]) {
                assert!(line.contains(text), "{fault:?}: {lines:?}");
            }
        });
    }
}

#[test]
fn a_journal_whose_end_was_changed_is_not_continued() {
    let hash = text("hash", &"0".repeat(64));
    let item = |sequence, attributes: &[_]| {
        let key = [text("migration", "ledger"), number("sequence", sequence)];
        key.into_iter().chain(attributes.iter().cloned()).collect::<Item>()
    };
    let words = || text("line", "{}");
    let changed = [
        // The last entry has other words.
        (item(2, &[words(), hash.clone()]), "entry 2 was changed: its hash is not the one"),
        // It has its words no more.
        (item(2, &[]), "entry 2 was changed: its hash is not the one"),
        // Another entry is named as the last one.
        (item(0, &[number("last", 9), hash.clone()]), "entries 3 to 9 are missing"),
        (item(0, &[number("last", 2), hash.clone()]), "entry 2, the last one, is not the one"),
        (item(0, &[number("last", 1), hash.clone()]), "names entry 1"),
        // The head is damaged, or names none.
        (item(0, &[hash]), "the journal's head is damaged: it has no usable `last`"),
        (item(0, &[number("last", 2)]), "the journal's head is damaged: it has no usable `hash`"),
        // Something stands behind the last entry.
        (
            item(7, &[words()]),
            "entry 7 is the last one that is there, and the journal names entry 2",
        ),
    ];
    for (item, what) in changed {
        let stage = Stage::new();
        stage.run(async {
            let mut ann = stage.writer("ann").await;
            for words in ["one", "two"] {
                ann.append(note(words)).await.expect("written");
            }
            dynamodb::put(&stage.database, TABLE, item).expect("planted");
            let Err(JournalTrouble::Changed(fault)) = stage.open("bob").await else {
                panic!("{what}: it is continued")
            };
            assert!(fault.to_string().contains(what), "{what}: {fault}");
            // Who had begun before hears the same of a head; and never that somebody else wrote.
            if what.contains("head is damaged") {
                let trouble = ann.append(note("three")).await.expect_err("damaged");
                assert!(trouble.to_string().contains(what), "{what}: {trouble}");
            }
        });
    }
}

#[test]
fn a_journal_whose_head_was_removed_is_not_begun_anew() {
    for remove in [&[0][..], &[0, 1], &[0, 2]] {
        let stage = Stage::new();
        stage.run(async {
            let mut ann = stage.writer("ann").await;
            for words in ["one", "two", "three"] {
                ann.append(note(words)).await.expect("written");
            }
            stage.remove(remove);
            for trouble in [
                stage.open("bob").await.err().expect("it is continued"),
                ann.append(note("four")).await.expect_err("it is continued"),
            ] {
                let JournalTrouble::Changed(ChainFault::NoHead { last: 3 }) = &trouble else {
                    panic!("{remove:?}: {trouble:?}")
                };
                let said = trouble.to_string();
                assert!(said.contains("the journal's head is missing"), "{said}");
            }
        });
    }
}

#[test]
fn what_is_too_large_is_refused_and_the_next_entry_is_written() {
    let stage = Stage::new();
    stage.run(async {
        let mut ann = stage.writer("ann").await;
        let trouble = ann.append(note(&"x".repeat(300_000))).await.expect_err("too large");
        assert!(matches!(trouble, JournalTrouble::Unfit(_)), "{trouble:?}");
        assert_eq!(ann.append(note("small")).await.expect("written").sequence, 1);
        let at = stage.entries().await[0].line.contains(&stage.clock.now().to_string());
        assert!(at && stage.clock.now() > Timestamp(0), "the time is the clock's");
    });
}
