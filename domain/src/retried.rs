use crate::ports::Clock;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::{Timestamp, limits};

/// The tries of one request.
pub(super) struct Tries<'a> {
    clock: &'a dyn Clock,
    salt: u64,
    made: u32,
    begun: Timestamp,
}

impl<'a> Tries<'a> {
    pub(super) fn new(clock: &'a dyn Clock, salt: u64) -> Self {
        Self { clock, salt, made: 0, begun: clock.now() }
    }

    /// One try has failed. Waits before the next; false, at once, when the tries are spent.
    pub(super) async fn another(&mut self) -> bool {
        self.made += 1;
        let took = self.begun.until(self.clock.now());
        if self.made >= limits::ATTEMPTS || took >= limits::TRIES_WITHIN {
            return false;
        }
        self.clock.sleep(backoff(self.made, self.salt)).await;
        true
    }
}

/// Calls until the answer is one, or an error that waiting does not heal, or the tries are spent.
/// Only for calls that may be repeated: reads, and writes that come out the same twice.
pub(crate) async fn retried<T, E: Classed, F: Future<Output = Result<T, E>>>(
    clock: &dyn Clock,
    salt: u64,
    mut call: impl FnMut() -> F,
) -> Result<T, E> {
    let mut tries = Tries::new(clock, salt);
    loop {
        let answer = call().await;
        let heals = answer.as_ref().is_err_and(|error| error.class() == ErrorClass::Retry);
        if !heals || !tries.another().await {
            return answer;
        }
    }
}
