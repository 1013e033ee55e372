//! The journal, read while others write.

use async_trait::async_trait;
use domain::journal::StoredHead;
use domain::ports::{Appended, LedgerError, Repair};
use domain::runbook::read_journal;
use futures_util::lock::Mutex;

use super::*;

/// A journal into which somebody else writes just before it is asked for its end.
struct Overtaken {
    journal: Arc<dyn Journal>,
    other: Mutex<JournalWriter>,
    before_head: AtomicU64,
    before_last: AtomicU64,
}

impl Overtaken {
    async fn of(stage: &Stage, before_head: u64, before_last: u64) -> Self {
        let (journal, other) = (stage.journal(), Mutex::new(stage.writer("bob").await));
        let (before_head, before_last) = (before_head.into(), before_last.into());
        Self { journal, other, before_head, before_last }
    }

    async fn write(&self, left: &AtomicU64) {
        let is_due = |left: u64| left.checked_sub(1);
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_due).is_ok() {
            self.other.lock().await.append(note("meanwhile")).await.expect("written");
        }
    }
}

#[async_trait]
impl Journal for Overtaken {
    fn migration(&self) -> &str {
        self.journal.migration()
    }

    async fn head(&self) -> Result<StoredHead, LedgerError> {
        self.write(&self.before_head).await;
        self.journal.head().await
    }

    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError> {
        self.write(&self.before_last).await;
        self.journal.last().await
    }

    async fn append(&self, entry: &SealedEntry) -> Result<Appended, LedgerError> {
        self.journal.append(entry).await
    }

    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        self.journal.restore(repair).await
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        self.journal.read(after, each).await
    }
}

/// The numbers that are read, and what is wrong, in words.
async fn read(stage: &Stage, journal: &dyn Journal) -> Result<(Vec<u64>, String), LedgerError> {
    let (mut numbers, mut all) = (Vec::new(), Vec::new());
    let mut each = |entry: &StoredEntry, faults: Vec<ChainFault>| {
        numbers.push(entry.sequence);
        all.extend(faults);
    };
    let end = read_journal(journal, &*stage.clock, 7, &mut each).await?;
    all.extend(end.fault);
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    Ok((numbers, words.join("; ")))
}

#[test]
fn what_others_write_meanwhile_is_read_and_is_no_fault() {
    for entries in [0, 1, 3] {
        for meanwhile in [1, 2, 5] {
            let stage = Stage::new();
            stage.run(async {
                let mut ann = stage.writer("ann").await;
                for _ in 0..entries {
                    ann.append(note("words")).await.expect("written");
                }
                let journal = Overtaken::of(&stage, meanwhile, 0).await;
                let (numbers, faults) = read(&stage, &journal).await.expect("an answer");
                let expected: Vec<_> = (1..=entries + meanwhile).collect();
                assert_eq!((numbers, &*faults), (expected, ""), "{entries} and {meanwhile}");
            });
        }
    }
}

#[test]
fn who_opens_a_journal_while_others_write_finds_it_whole() {
    for (before_head, before_last) in [(0, 1), (1, 1), (3, 3), (0, 40), (40, 40)] {
        let stage = Stage::new();
        stage.run(async {
            let journal = Arc::new(Overtaken::of(&stage, before_head, before_last).await);
            let clock = Arc::clone(&stage.clock) as Arc<dyn Clock>;
            let opened = JournalWriter::open(journal, clock, ("ann".to_owned(), 99)).await;
            let Ok(mut ann) = opened else { panic!("{before_head}, {before_last}: damaged") };
            // Or it was continued all the time: then the fence holds.
            match ann.append(note("behind them")).await {
                Ok(_) => assert!(before_last < 40),
                Err(JournalTrouble::TakenOver(_)) => assert_eq!(before_last, 40),
                Err(trouble) => panic!("{before_head}, {before_last}: {trouble:?}"),
            }
            stage.entries().await;
        });
    }
}

#[test]
fn the_head_is_asked_for_again_where_no_answer_comes() {
    let stage = Stage::new();
    stage.run(async {
        stage.writer("ann").await.append(note("one")).await.expect("written");
        for (times, is_read) in [(4, true), (5, false)] {
            stage.faults.clear();
            stage.faults.strike(Call::JournalHead, "", PortFault::RequestLost, times);
            let answer = read(&stage, &*stage.journal()).await;
            assert_eq!(answer.is_ok(), is_read, "{times}: {answer:?}");
        }
    });
}

/// No entry is left out because the head does not name it.
#[test]
fn everything_is_read_of_a_journal_without_a_usable_head() {
    let key = || [text("migration", "ledger"), number("sequence", 0)];
    let hash = || text("hash", &"0".repeat(64));
    for (head, words) in [
        (None, "the journal's head is missing: entries behind entry 3 may be missing, too"),
        (Some(vec![]), "the journal's head is damaged: it has no usable `last`"),
        (Some(vec![number("last", 1), hash()]), "entry 3 is the last one that is there"),
        (Some(vec![number("last", 4), hash()]), "entry 4 is missing"),
        (Some(vec![number("last", 3), hash()]), "entry 3, the last one, is not the one"),
    ] {
        let stage = Stage::new();
        stage.run(async {
            let mut ann = stage.writer("ann").await;
            for _ in 0..3 {
                ann.append(note("words")).await.expect("written");
            }
            match head {
                None => stage.remove(&[0]),
                Some(head) => {
                    let item = key().into_iter().chain(head).collect();
                    dynamodb::put(&stage.database, TABLE, item).expect("planted");
                }
            }
            let (numbers, faults) = read(&stage, &*stage.journal()).await.expect("an answer");
            assert_eq!(numbers, [1, 2, 3], "{words}");
            assert!(faults.contains(words), "no `{words}` in: {faults}");
        });
    }
}
