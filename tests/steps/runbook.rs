//! The writer of the journal: what it promises when answers are lost and when others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Timestamp;
use domain::journal::{Chain, ChainFault, Content, StoredEntry};
use domain::ports::{Clock, Journal, LedgerError};
use domain::runbook::{JournalTrouble, JournalWriter, TakenOver};
use dynoxide::Database;
use stand_ins::port::{Call, PortFault, PortFaults, PortJournal, VirtualClock};
use stand_ins::world::dynamodb::{self, create_journal_table, new_database, number, text};

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

    /// All entries; the chain must hold.
    async fn entries(&self) -> Vec<StoredEntry> {
        let (journal, mut chain, mut entries) = (self.journal(), Chain::of("ledger"), Vec::new());
        let mut each = |entry: StoredEntry| {
            assert_eq!(chain.follow(&entry).1, []);
            entries.push(entry);
        };
        journal.read(&mut each).await.expect("an answer");
        assert_eq!(chain.end(journal.head().await.expect("an answer").as_ref()), None);
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
            let JournalTrouble::TakenOver(TakenOver { sequence, by, at }) = &trouble else {
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
        ann.append(note("ann begins")).await.expect_err("no answer");
        stage.faults.clear();
        let mut bob = stage.writer("bob").await;
        bob.append(note("bob takes over")).await.expect("written");
        let trouble = ann.append(note("ann goes on")).await.expect_err("taken over");
        let JournalTrouble::TakenOver(TakenOver { sequence: 2, by, .. }) = &trouble else {
            panic!("{trouble:?}")
        };
        assert_eq!(by, "bob");
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
            // For longer than it is tried: it may be there, or not.
            stage.faults.strike(Call::Append, "2", fault, 50);
            let trouble = ann.append(note("two")).await.expect_err("no answer");
            let JournalTrouble::Table(LedgerError::Unavailable { .. }) = &trouble else {
                panic!("{trouble:?}")
            };
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
    let key = |sequence| [text("migration", "ledger"), number("sequence", sequence)];
    let changed = [
        // The last entry has other words.
        (key(2).into_iter().chain([text("line", "{}"), hash.clone()]).collect(), "changed"),
        // It has its words no more.
        (key(2).into_iter().collect(), "changed"),
        // Another entry is named as the last one.
        (key(0).into_iter().chain([number("last", 9), hash.clone()]).collect(), "missing"),
        (key(0).into_iter().chain([number("last", 2), hash]).collect(), "head"),
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
            let is_it = match what {
                "changed" => fault == ChainFault::Changed { sequence: 2 },
                "missing" => fault == ChainFault::Missing { first: 9, last: 9 },
                _ => fault == ChainFault::HeadChanged { sequence: 2 },
            };
            assert!(is_it, "{what}: {fault:?}");
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
