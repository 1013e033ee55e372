//! A hundred thousand dead letters: how long a look takes, and that none is missed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Clock, Ledger, LedgerError, Segment, WatchPorts};
use domain::queue::{Choice, list_dead_letters, redrive};
use domain::{Fid, LedgerItem, LedgerRecord, limits};

use super::stage::{Stage, body};

/// Letters of the majority, whose messages are no jobs.
const MAJORITY: u64 = 99_000;

/// Letters of the minority, whose workers were killed.
const MINORITY: u64 = 25;

/// A ledger whose answers take this long.
struct SlowLedger {
    inner: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    delay: Duration,
}

#[async_trait]
impl Ledger for SlowLedger {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        self.inner.record(records).await
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        self.clock.sleep(self.delay).await;
        self.inner.read(fids).await
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        self.inner.scan(segment, each).await
    }
}

impl Stage {
    fn slow_ledger(&self, delay: Duration) -> WatchPorts {
        let ports = self.world.port.watch_ports();
        let (inner, clock) = (ports.ledger, Arc::clone(&ports.clock));
        WatchPorts { ledger: Arc::new(SlowLedger { inner, clock, delay }), ..ports }
    }

    fn now(&self) -> domain::Timestamp {
        Clock::now(&*self.world.port.clock)
    }
}

/// A call takes 30 ms here on average. One reader would need three calls for ten letters, 15 minutes
/// for all, and the first letters would be visible again after five.
#[test]
fn a_hundred_thousand_letters_are_listed_in_two_minutes_and_a_minority_is_found() {
    let stage = Stage::paced(7);
    for _ in 0..MAJORITY {
        stage.send_dead("no json");
    }
    let minority = stage.files(MINORITY, None);
    for file in &minority {
        stage.send_dead(&body(file));
    }

    let ports = stage.world.port.watch_ports();
    let begun = stage.now();
    let list = stage.world.run(list_dead_letters(&ports));
    let took = begun.until(stage.now());
    assert_eq!((list.letters, list.more, list.stopped), (MAJORITY + MINORITY, false, None));
    assert_eq!(list.reasons["unreadable"].files, MAJORITY);
    assert_eq!(list.reasons["killed"].files, MINORITY);
    assert!(took < Duration::from_mins(2), "{took:?}");

    let begun = stage.now();
    let redriven = stage.world.run(redrive(&ports, &Choice::Reason("killed".to_owned())));
    let took = begun.until(stage.now());
    assert_eq!((redriven.sent, redriven.left, redriven.more), (MINORITY, MAJORITY, false));
    assert!(took < Duration::from_mins(2), "{took:?}");
    assert_eq!(stage.in_queue() as u64, MINORITY);
}

#[test]
fn letters_stay_hidden_while_a_list_takes_longer_than_they_are_hidden_for() {
    let stage = Stage::paced(8);
    for _ in 0..2_000 {
        stage.send_dead("no json");
    }
    let ports = stage.slow_ledger(Duration::from_mins(1));
    let begun = stage.now();
    let list = stage.world.run(list_dead_letters(&ports));
    let took = begun.until(stage.now());
    assert!(took > limits::DEAD_LETTER_LOOK * 2, "the case is none: {took:?}");
    assert_eq!((list.letters, list.more, list.stopped), (2_000, false, None));
    // All of them are visible at once afterwards.
    let list = stage.world.run(list_dead_letters(&stage.world.port.watch_ports()));
    assert_eq!(list.letters, 2_000);
}
