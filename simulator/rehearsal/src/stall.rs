//! Whether the machine was too busy for requests to be counted.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// How often the clock is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// A world that stood still for this long may have kept a command waiting beyond one of its
/// time-outs: the command then asks once more.
pub const TOO_LONG: Duration = Duration::from_millis(250);

/// Measures for how long the tasks of this process could not run.
pub struct StallMeter(JoinHandle<()>, Arc<Mutex<Duration>>);

impl StallMeter {
    /// Begins to measure, in the runtime that serves the world.
    #[must_use]
    pub fn start() -> Self {
        let longest = Arc::new(Mutex::new(Duration::ZERO));
        let seen = Arc::clone(&longest);
        let measure = async move {
            loop {
                let begun = Instant::now();
                tokio::time::sleep(EVERY).await;
                let stalled = begun.elapsed().saturating_sub(EVERY);
                let mut longest = seen.lock().expect("nobody panics with it");
                *longest = stalled.max(*longest);
            }
        };
        Self(tokio::spawn(measure), longest)
    }

    /// The longest time for which nothing ran.
    #[must_use]
    pub fn stop(self) -> Duration {
        self.0.abort();
        *self.1.lock().expect("nobody panics with it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_world_that_stands_still_is_noticed() {
        let meter = StallMeter::start();
        tokio::time::sleep(EVERY).await;
        // Nothing else can run meanwhile: the runtime has this one thread.
        std::thread::sleep(2 * TOO_LONG);
        tokio::time::sleep(EVERY).await;
        assert!(meter.stop() >= TOO_LONG);
    }
}
