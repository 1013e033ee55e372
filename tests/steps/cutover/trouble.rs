//! Servers that fail, sessions that hold what is to be changed, and other operators.

use std::sync::Arc;

use domain::cutover::rhino::{IndexSight, Online, RhinoEnd, RhinoProgress, RhinoTrouble};
use domain::journal::Content;
use domain::runbook::JournalTrouble;
use futures_util::FutureExt;
use stand_ins::fault::{Fault, Rule, Service};

use tests::rhino_cutover::{Stage, Watch};

fn refuse(number: u16, words: &str) -> Fault {
    Fault::Refuse { status: number, code: words.to_owned() }
}

/// Whatever statement fails, once and for a moment: the change comes to the same end.
#[tokio::test]
async fn a_statement_that_fails_for_a_moment_is_sent_again() {
    let stage = Stage::usual().await;
    let before = stage.dump().await;
    stage.unharmed().cut_over().await.expect("not ended").expect("cut over");
    let behind = stage.dump().await;
    stage.unharmed().revert(false).await.expect("not ended").expect("taken back");
    for (operation, target, fault) in [
        ("COMMIT", "", Fault::AnswerLost),
        ("COMMIT", "", Fault::RequestLost),
        ("COMMIT", "", refuse(1213, "Deadlock found when trying to get lock")),
        ("UPDATE articleFile", "", refuse(1205, "Lock wait timeout exceeded")),
        ("UPDATE articleFile", "", refuse(1213, "Deadlock found when trying to get lock")),
        ("UPDATE articleFile", "", Fault::AnswerLost),
        ("ALTER articleFile", "DROP", Fault::AnswerLost),
        ("ALTER articleFile", "DROP", refuse(1205, "Lock wait timeout exceeded")),
        ("ALTER articleFile", "ADD", Fault::RequestLost),
        ("ALTER articleFile", "ADD", Fault::AnswerLost),
        ("ALTER articleFile", "ADD", refuse(1317, "Query execution was interrupted")),
        ("SELECT articleFile", "LIMIT", Fault::AnswerLost),
        ("BEGIN", "", Fault::RequestLost),
    ] {
        let at = format!("{operation} {target} {fault:?}");
        stage.faults.add(Rule::once(Service::Mysql, operation, target, fault));
        let _ = stage.take_progress();
        let end = stage.unharmed().cut_over().await.expect("not ended");
        assert!(matches!(end, Ok(RhinoEnd::Done { .. })), "{at}: {end:?}");
        assert!(stage.faults.unspent().is_empty(), "{at}: not struck");
        let waited = |it: &RhinoProgress| matches!(it, RhinoProgress::Waiting { .. });
        let has_waited = stage.take_progress().iter().any(waited);
        assert_eq!(has_waited, !operation.starts_with("SELECT"), "{at}");
        assert_eq!(stage.dump().await, behind, "{at}");
        stage.unharmed().revert(false).await.expect("not ended").expect("taken back");
        assert_eq!(stage.dump().await, before, "{at}");
    }
}

/// A session that lost its lock enters its statement anew before it sends it: the entry is the fence.
#[tokio::test]
async fn a_session_that_is_lost_is_replaced_behind_the_lock_and_the_fence() {
    let stage = Stage::usual().await;
    stage.faults.add(Rule::once(Service::Mysql, "COMMIT", "", Fault::AnswerLost));
    let watch = Arc::new(Watch::default());
    stage.step(watch.clone()).cut_over().await.expect("not ended").expect("cut over");
    let log = watch.log();
    let first = log.iter().position(|call| call == "rename 1..=8").expect("renamed");
    assert_eq!(log[first + 1..first + 4], ["lock", "journal: rename 1..=8", "rename 1..=8"]);
}

#[tokio::test]
async fn a_table_that_is_held_for_good_is_given_up_with_what_is_left() {
    let stage = Stage::usual().await;
    let before = stage.dump().await;
    let held = refuse(1205, "Lock wait timeout exceeded");
    let rule = Rule::once(Service::Mysql, "UPDATE articleFile", "", held);
    stage.faults.add(Rule { times: Rule::ALWAYS, ..rule });
    let trouble = stage.unharmed().cut_over().await.expect("not ended").expect_err("held");
    stage.faults.clear();
    let RhinoTrouble::HalfWay { reached, .. } = &trouble else { panic!("{trouble}") };
    assert_eq!((reached.renamed, reached.of, reached.index), (0, 20, IndexSight::Missing));
    let said = trouble.to_string();
    for words in ["1205", "0 of 20 rows", "is MISSING", "`mogile2s3 cutover rhino` goes on"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!trouble.is_taken_over());
    let waits = stage.take_progress();
    let waits = waits.iter().filter(|it| matches!(it, RhinoProgress::Waiting { .. })).count();
    assert!(waits > 10, "{waits}");
    stage.unharmed().revert(false).await.expect("not ended").expect("taken back");
    assert_eq!(stage.dump().await, before);
}

/// The disk is full, for example: nothing to be gained by waiting.
#[tokio::test]
async fn a_refusal_of_the_server_ends_the_change_at_once() {
    let stage = Stage::usual().await;
    let full = refuse(1114, "The table is full");
    let rule = Rule::once(Service::Mysql, "ALTER articleFile", "ADD", full);
    stage.faults.add(Rule { times: Rule::ALWAYS, ..rule });
    let trouble = stage.unharmed().cut_over().await.expect("not ended").expect_err("full");
    stage.faults.clear();
    let said = trouble.to_string();
    assert!(said.contains("make room") && said.contains("is MISSING"), "{said}");
    let standing = stage.cutovers().await.rhino;
    assert!(standing.index_may_be_missing());
    stage.unharmed().cut_over().await.expect("not ended").expect("cut over");
    assert!(!stage.cutovers().await.rhino.index_may_be_missing());
}

/// Between two ranges another operator writes into the journal: this operator stops, and sends nothing more.
#[tokio::test]
async fn a_foreign_entry_stops_the_change_before_its_next_statement() {
    let stage = Stage::usual().await;
    let foreign = Foreign::new(&stage);
    let watch = foreign.watch(9);
    let trouble = stage.step(watch.clone()).cut_over().await.expect("not ended");
    let trouble = trouble.expect_err("taken over");
    assert!(trouble.is_taken_over(), "{trouble}");
    let taken = matches!(trouble.reason(), RhinoTrouble::Journal(JournalTrouble::TakenOver(_)));
    assert!(taken && trouble.to_string().contains("taken over by eve"), "{trouble}");
    let log = watch.log();
    assert_eq!(log.last().map(String::as_str), Some("journal: rename 112..=9223372036854775806"));
    // Who has read the journal since may go on.
    stage.unharmed().cut_over().await.expect("not ended").expect("cut over");
}

/// Another operator, who writes a note.
struct Foreign {
    journal: Arc<dyn domain::ports::Journal>,
    clock: Arc<dyn domain::ports::Clock>,
}

impl Foreign {
    fn new(stage: &Stage) -> Self {
        let clock = stage.unharmed().ports().clock;
        Self { journal: stage.journal(), clock }
    }

    /// Writes before the call of this number.
    fn watch(self, at: u64) -> Arc<Watch> {
        let calls = std::sync::atomic::AtomicU64::new(0);
        let before = move |_: &str| {
            if calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != at {
                return;
            }
            let write = async {
                let by = ("eve".to_owned(), 99);
                let (journal, clock) = (self.journal.clone(), self.clock.clone());
                let writer = domain::runbook::JournalWriter::open(journal, clock, by).await;
                let note = Content::Note { text: "I take over".to_owned() };
                writer.expect("a writer").append(note).await.expect("written");
            };
            write.now_or_never().expect("nothing in this journal waits");
        };
        Watch::seeing(before)
    }
}

#[tokio::test]
async fn a_second_operator_is_kept_out_while_the_first_is_at_work() {
    let stage = Stage::usual().await;
    let ports = stage.unharmed().ports();
    let session = ports.changes.lock().await.expect("the lock");
    let step = stage.unharmed();
    let watch = step.watch.clone();
    let cut_over = step.cut_over();
    let free = async {
        while watch.log().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        drop(session);
    };
    let (end, ()) = tokio::join!(cut_over, free);
    let trouble = end.expect("not ended").expect_err("held");
    assert!(trouble.is_taken_over() && trouble.to_string().contains("KILL"), "{trouble}");
    assert_eq!((stage.entries().await, stage.backups.rows()), (Vec::new(), None));
}

/// With `--online` a busy server is waited for, between two ranges.
#[tokio::test]
async fn a_busy_server_is_waited_for_with_online_alone() {
    let stage = Stage::usual().await;
    stage.server.configure(|options| options.other_threads_running = 30);
    let server = stage.server.clone();
    let paused = |it: &RhinoProgress| matches!(it, RhinoProgress::Paused { .. });
    let mut step = stage.unharmed();
    step.pace.online = Some(Online::default());
    let calm = async {
        while !stage.has_reported(paused) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        server.configure(|options| options.other_threads_running = 3);
    };
    let (end, ()) = tokio::join!(step.cut_over(), calm);
    end.expect("not ended").expect("cut over");
    let progress = stage.take_progress();
    let why = progress.iter().find(|it| paused(it)).expect("paused");
    assert!(format!("{why:?}").contains("31 statements at once, of at most 25"), "{why:?}");
    stage.server.configure(|options| options.other_threads_running = 30);
    stage.unharmed().revert(false).await.expect("not ended").expect("taken back");
    assert!(!stage.take_progress().iter().any(paused), "without --online nothing is waited for");
}
