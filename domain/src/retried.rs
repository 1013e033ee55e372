use crate::ports::Clock;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::{Timestamp, limits};

/// Counts the tries of one request, and waits between them.
pub(crate) struct Tries<'a> {
    clock: &'a dyn Clock,
    salt: u64,
    made: u32,
    begun: Timestamp,
}

impl<'a> Tries<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, salt: u64) -> Self {
        Self { clock, salt, made: 0, begun: clock.now() }
    }

    /// Call this after a failed try. Waits and returns true when another try is allowed. Returns
    /// false at once after [`limits::ATTEMPTS`] tries, or when [`limits::TRIES_WITHIN`] has passed.
    pub(crate) async fn another(&mut self) -> bool {
        self.made += 1;
        let took = self.begun.until(self.clock.now());
        if self.made >= limits::ATTEMPTS || took >= limits::TRIES_WITHIN {
            return false;
        }
        self.clock.sleep(backoff(self.made, self.salt)).await;
        true
    }
}

/// Repeats a call while its error is of [`ErrorClass::Retry`] and another try is allowed. Returns
/// the last answer. Only for calls that may be repeated: reads, and writes with the same effect the
/// second time.
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
