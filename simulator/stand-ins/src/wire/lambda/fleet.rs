//! A function's processes: started when they are needed, used again while they are warm.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::environment::Environment;
use super::{Ended, Function, Logs};
use crate::fault::Faults;

/// What a function's invocations came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events handed to a process.
    pub invocations: u64,
    /// Processes started for one.
    pub cold_starts: u64,
    /// Answers.
    pub answers: u64,
    /// Errors that the function told of.
    pub errors: u64,
    /// Processes that ended by themselves.
    pub crashes: u64,
    /// Processes killed at the time limit.
    pub time_outs: u64,
    /// Processes killed for their memory.
    pub out_of_memory: u64,
    /// Invocations that were not begun.
    pub throttles: u64,
    /// The last start of a process, up to its first question for an event.
    pub last_init: Duration,
    /// The longest such start.
    pub longest_init: Duration,
    /// All time of processes at work on events.
    pub busy: Duration,
    /// The most memory that any process was seen to have.
    pub peak_memory_bytes: u64,
}

/// A function and its processes.
pub struct Fleet {
    function: Function,
    faults: Arc<Faults>,
    logs: Arc<Logs>,
    slots: Semaphore,
    /// The warmest last.
    idle: Mutex<Vec<Environment>>,
    counts: Mutex<Counts>,
    throttled: AtomicU32,
}

impl Fleet {
    /// No process yet: the first event starts one.
    #[must_use]
    pub fn new(function: Function, faults: Arc<Faults>) -> Self {
        Self {
            slots: Semaphore::new(function.concurrency),
            function,
            faults,
            logs: Arc::default(),
            idle: Mutex::default(),
            counts: Mutex::default(),
            throttled: AtomicU32::new(0),
        }
    }

    /// The name under which the function is deployed.
    #[must_use]
    pub fn function_name(&self) -> &str {
        &self.function.name
    }

    /// Hands one event to a process, a warm one if there is one, and waits for what comes of it.
    /// Errors only when no process can be started at all.
    pub async fn invoke(&self, event: Bytes) -> anyhow::Result<Ended> {
        let slot = self.slots.try_acquire();
        let throttled = self
            .throttled
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if slot.is_err() || throttled.is_ok() || event.len() > crate::world::lambda::PAYLOAD_BYTES {
            self.counts_mut().throttles += 1;
            return Ok(Ended::Throttled);
        }
        let mut environment = match self.warm() {
            Some(environment) => environment,
            None => match self.start().await? {
                Ok(environment) => environment,
                Err(ended) => return Ok(self.counted(ended)),
            },
        };
        let begun = Instant::now();
        self.counts_mut().invocations += 1;
        let ended = environment.invoke(&self.function, event).await;
        {
            let mut counts = self.counts_mut();
            counts.busy += begun.elapsed();
            counts.peak_memory_bytes = counts.peak_memory_bytes.max(environment.peak_memory_bytes);
        }
        if ended.leaves_a_process() {
            self.idle().push(environment);
        }
        Ok(self.counted(ended))
    }

    /// Refuses so many invocations from now on.
    pub fn throttle(&self, times: u32) {
        self.throttled.store(times, Ordering::Relaxed);
    }

    /// Shuts idle processes down, so that the next event finds none.
    pub fn cool(&self) {
        self.idle().clear();
    }

    /// What the processes printed.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts_mut().clone()
    }

    fn warm(&self) -> Option<Environment> {
        let mut idle = self.idle();
        idle.retain(|environment| environment.idle_since.elapsed() < self.function.idle_limit);
        idle.pop()
    }

    async fn start(&self) -> anyhow::Result<Result<Environment, Ended>> {
        self.counts_mut().cold_starts += 1;
        let environment = Environment::start(&self.function, &self.faults, &self.logs).await?;
        if let Ok(environment) = &environment {
            let mut counts = self.counts_mut();
            counts.last_init = environment.init;
            counts.longest_init = counts.longest_init.max(environment.init);
        }
        Ok(environment)
    }

    fn counted(&self, ended: Ended) -> Ended {
        let mut counts = self.counts_mut();
        *match &ended {
            Ended::Answer(_) => &mut counts.answers,
            Ended::Error(_) => &mut counts.errors,
            Ended::Crashed(_) => &mut counts.crashes,
            Ended::TimedOut => &mut counts.time_outs,
            Ended::OutOfMemory => &mut counts.out_of_memory,
            Ended::Throttled => &mut counts.throttles,
        } += 1;
        drop(counts);
        ended
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts_mut(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
