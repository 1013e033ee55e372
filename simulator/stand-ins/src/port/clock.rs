//! Time that passes only when there is nothing else to do.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use domain::Timestamp;
use domain::ports::Clock;

/// A clock that stands still while anything can go on, and then jumps to the next sleeper.
///
/// A sleep that moved the clock by itself would be simpler and wrong: a step that sleeps for a
/// second *beside* its work (the ledger's tick, which waits for more records to come) would find
/// the second gone before any of that work was done, and every batch would have one record. So
/// sleepers queue by the moment they wake at, and [`run`](Self::run) moves the time only when what
/// it runs is waiting for nothing but sleepers. They wake one by one, in the order of their
/// moments, then of their falling asleep: the same calls give the same order, always.
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Since the Unix epoch.
    now: Duration,
    sleepers: BTreeMap<Ticket, Waker>,
    tickets: u64,
}

/// A sleeper's place in the queue: when it wakes, then who came first.
type Ticket = (Duration, u64);

/// Everything waits, and nobody sleeps: no time that passes will change that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("everything waits for something that can never come")
    }
}

impl std::error::Error for Stalled {}

/// A new year: 2026-01-01, 0:00 UTC.
const START: Duration = Duration::from_hours(490_896);

impl Default for VirtualClock {
    fn default() -> Self {
        let state = State { now: START, sleepers: BTreeMap::new(), tickets: 0 };
        Self { state: Mutex::new(state) }
    }
}

impl VirtualClock {
    /// Runs a future to its end on this thread, and lets the time pass that it sleeps.
    pub fn run<F: Future>(&self, future: F) -> Result<F::Output, Stalled> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            if woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Ok(output);
                }
            } else {
                self.wake_next()?;
            }
        }
    }

    /// Now, for the objects' dates in [`S3World`](crate::world::bucket::S3World).
    #[must_use]
    pub fn system_time(&self) -> SystemTime {
        UNIX_EPOCH + self.state(|state| state.now)
    }

    /// Jumps to the first sleeper and wakes it.
    fn wake_next(&self) -> Result<(), Stalled> {
        let waker = self.state(|state| {
            let ((until, _), waker) = state.sleepers.pop_first().ok_or(Stalled)?;
            state.now = state.now.max(until);
            Ok(waker)
        })?;
        waker.wake();
        Ok(())
    }

    fn state<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        step(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let millis = self.state(|state| state.now.as_millis());
        Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    async fn sleep(&self, time: Duration) {
        let ticket = self.state(|state| {
            state.tickets += 1;
            (state.now.saturating_add(time), state.tickets)
        });
        Sleep { clock: self, ticket, queued: false }.await;
    }
}

/// A sleep; dropped, it leaves the queue.
struct Sleep<'a> {
    clock: &'a VirtualClock,
    ticket: Ticket,
    queued: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    /// Over when its turn has come, not merely its time: whoever is polled along with another
    /// sleeper must not overtake those that lie before it in the queue.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let (clock, ticket, queued) = (self.clock, self.ticket, self.queued);
        self.queued = true;
        clock.state(|state| {
            if queued && !state.sleepers.contains_key(&ticket) {
                return Poll::Ready(());
            }
            state.sleepers.insert(ticket, context.waker().clone());
            Poll::Pending
        })
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.state(|state| state.sleepers.remove(&self.ticket));
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::future::{join3, select};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn sleepers_wake_in_the_order_of_their_moments() {
        let clock = VirtualClock::default();
        let woken = Mutex::new(Vec::new());
        let sleeper = |name: &'static str, pauses: &'static [u64]| {
            let (clock, woken) = (&clock, &woken);
            async move {
                for pause in pauses {
                    clock.sleep(SECOND * u32::try_from(*pause).unwrap()).await;
                    woken.lock().unwrap().push((name, clock.now().0));
                }
            }
        };
        let start = clock.now().0;
        let all = join3(sleeper("a", &[3, 1]), sleeper("b", &[1, 3]), sleeper("c", &[4]));
        assert!(clock.run(all).is_ok());
        let told: Vec<_> = woken.lock().unwrap().iter().map(|(n, at)| (*n, at - start)).collect();
        // At one moment whoever fell asleep first wakes first.
        assert_eq!(told, [("b", 1000), ("a", 3000), ("c", 4000), ("b", 4000), ("a", 4000)]);
    }

    #[test]
    fn a_dropped_sleep_holds_nobody_up() {
        let clock = VirtualClock::default();
        let start = clock.now();
        let quick = Box::pin(clock.sleep(SECOND));
        let slow = Box::pin(clock.sleep(SECOND * 100));
        assert!(clock.run(async { drop(select(quick, slow).await) }).is_ok());
        assert_eq!(clock.now().0 - start.0, 1000);
        assert!(clock.state(|state| state.sleepers.is_empty()));
    }

    #[test]
    fn waiting_for_nothing_is_noticed() {
        assert_eq!(VirtualClock::default().run(pending::<()>()), Err(Stalled));
    }
}
