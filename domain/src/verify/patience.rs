//! What a comparison does when a system does not answer, or refuses one file after the other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::ready;

use super::look::Looked;
use super::observer::VerifyObserver;
use super::summary::Difference;
use crate::ports::Clock;
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff_between};
use crate::summary::Stopped;
use crate::{Reason, ReasonKind, System, Timestamp, limits};

/// Repeats requests while a system is away, for a bounded time, and counts what is refused.
pub(super) struct Patience<'a> {
    clock: &'a dyn Clock,
    observer: &'a dyn VerifyObserver,
    /// How long a system is waited for that was reached before.
    wait: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    index: Standing,
    s3: Standing,
    /// The system that the observer knows to be away.
    holding: Option<System>,
    /// A system was waited for in vain.
    gave_up: bool,
    /// Files in a row that were refused as by a wrong setting.
    refused: u64,
}

#[derive(Default)]
struct Standing {
    /// Requests that were answered, refusals among them.
    answers: u64,
}

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// It is about one file. The trouble is its own where others are answered again and again while this
    /// one is not.
    ForOneFile,
    /// Without its answer nothing goes on.
    ForAll,
}

impl<'a> Patience<'a> {
    pub(super) fn new(
        clock: &'a dyn Clock,
        observer: &'a dyn VerifyObserver,
        wait: Duration,
    ) -> Self {
        Self { clock, observer, wait, state: Mutex::default() }
    }

    /// How long a system is waited for that was reached before.
    pub(super) const fn wait(&self) -> Duration {
        self.wait
    }

    /// Asks a system without whose answer nothing goes on, as often as is useful. While it does not answer,
    /// the observer knows that the comparison waits for it. The last error comes back when the wait is over.
    pub(super) async fn ask<T, E, F>(
        &self,
        system: System,
        salt: u64,
        call: impl FnMut() -> F,
    ) -> Result<T, E>
    where
        E: Classed,
        for<'e> Reason: From<&'e E>,
        F: Future<Output = Result<T, E>>,
    {
        self.ask_as(Asked::ForAll, (system, salt), call, || ready(false)).await
    }

    /// The same about one file. The error comes back, too, where others are answered again and again while
    /// this one is not. `control` asks the system something else, where no other request does at the time.
    pub(super) async fn ask_for_one<T, E, F, C>(
        &self,
        system: System,
        salt: u64,
        call: impl FnMut() -> F,
        control: impl FnMut() -> C,
    ) -> Result<T, E>
    where
        E: Classed,
        for<'e> Reason: From<&'e E>,
        F: Future<Output = Result<T, E>>,
        C: Future<Output = bool>,
    {
        self.ask_as(Asked::ForOneFile, (system, salt), call, control).await
    }

    async fn ask_as<T, E, F, C>(
        &self,
        asked: Asked,
        (system, salt): (System, u64),
        mut call: impl FnMut() -> F,
        mut control: impl FnMut() -> C,
    ) -> Result<T, E>
    where
        E: Classed,
        for<'e> Reason: From<&'e E>,
        F: Future<Output = Result<T, E>>,
        C: Future<Output = bool>,
    {
        let (mut pauses, mut since, mut own) = (0, None, 0);
        loop {
            let (before, begun) = (self.state().of(system).answers, self.clock.now());
            let answer = retried(self.clock, salt, &mut call).await;
            let Err(error) = &answer else {
                self.answered(system);
                return answer;
            };
            if error.class() != ErrorClass::Retry {
                self.answered(system);
                return answer;
            }
            // Where an outage begins, others were answered a moment before. So this says that the trouble
            // is the file's own only when it comes several times in a row.
            let others_are_answered = self.state().of(system).answers != before || control().await;
            own = if others_are_answered { own + 1 } else { 0 };
            let since = *since.get_or_insert(begun);
            let is_over = own >= limits::OUTAGE_TRIES || since.until(self.clock.now()) >= self.wait;
            if others_are_answered && is_over && asked == Asked::ForOneFile {
                return answer;
            }
            if !self.may_wait(system, since) {
                return answer;
            }
            if !others_are_answered {
                self.hold(system, &Reason::from(error));
            }
            pauses += 1;
            let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
            self.clock.sleep(backoff_between(first, longest, pauses, salt)).await;
        }
    }

    /// Takes note of a look at one file. Errors with what ends the comparison: a system that was waited
    /// for in vain, or one that refuses file after file.
    pub(super) fn require_use(&self, looked: &Looked) -> Result<(), Stopped> {
        let mut state = self.state();
        let why = match looked {
            Looked::Unseen(why) => why,
            // That nothing is there says nothing of reading what is there.
            Looked::Differs(Difference::Missing | Difference::Archived, _) => return Ok(()),
            Looked::Whole(..)
            | Looked::Differs(Difference::WrongLength | Difference::WrongContent, _) => {
                state.refused = 0;
                return Ok(());
            }
        };
        if !why.kind.is_of_settings() {
            let is_away = state.gave_up && why.kind == ReasonKind::StoreUnreachable;
            return if is_away { Err(Stopped::Trouble(why.clone())) } else { Ok(()) };
        }
        state.refused += 1;
        if state.refused < limits::LOOKS_REFUSED {
            return Ok(());
        }
        let detail = format!(
            "{} files in a row were refused, and none was read, which points to a wrong setting. The last: {}",
            state.refused, why.detail
        );
        Err(Stopped::Trouble(Reason { detail, ..why.clone() }))
    }

    /// A request was answered.
    pub(super) fn answered(&self, system: System) {
        let mut state = self.state();
        state.of(system).answers += 1;
        let is_back = state.holding.take_if(|holding| *holding == system).is_some();
        drop(state);
        if is_back {
            self.observer.going_on();
        }
    }

    fn hold(&self, system: System, why: &Reason) {
        let is_news = self.state().holding.replace(system) != Some(system);
        if is_news {
            self.observer.holding(why);
        }
    }

    /// Whether a system is waited for any longer that has not answered since then.
    fn may_wait(&self, system: System, since: Timestamp) -> bool {
        let mut state = self.state();
        let is_reached = state.of(system).answers > 0;
        let wait = if is_reached { self.wait } else { self.wait.min(limits::UNREACHED_WAIT) };
        let may = !state.gave_up && since.until(self.clock.now()) < wait;
        state.gave_up |= !may;
        may
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn of(&mut self, system: System) -> &mut Standing {
        match system {
            System::Index => &mut self.index,
            System::S3
            | System::Trackers
            | System::StorageNodes
            | System::Tables
            | System::Queue => &mut self.s3,
        }
    }
}
