//! Receiving with patience.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;

use super::{ReceiveRequest, Received, SqsError, SqsWorld};

impl SqsWorld {
    /// What can be received as soon as there is something, or nothing when the request has waited
    /// long enough. Time is let pass by `sleep`, which must keep to this world's clock.
    pub async fn poll<S: Future<Output = ()>>(
        &self,
        queue: &str,
        request: &ReceiveRequest,
        sleep: impl Fn(Duration) -> S,
    ) -> Result<Vec<Received>, SqsError> {
        let usual = u64::from(self.settings(queue)?.wait_seconds);
        let wait = request.wait.unwrap_or(Duration::from_secs(usual));
        let deadline = self.now() + wait;
        loop {
            // Made before the look, so that nothing which comes after it is missed.
            let arrival = self.arrivals.notified();
            let received = self.receive(queue, request)?;
            let left = deadline.duration_since(self.now()).unwrap_or_default();
            if !received.is_empty() || left.is_zero() {
                return Ok(received);
            }
            let next = self.next_arrival(queue).unwrap_or(left);
            let pause = sleep(left.min(next.max(SHORTEST_PAUSE)));
            select(pin!(arrival), pin!(pause)).await;
        }
    }

    /// How long until time alone makes something receivable.
    fn next_arrival(&self, queue: &str) -> Option<Duration> {
        self.at_present(|state, now| {
            let hidden = state.queues.get(queue).and_then(super::state::Queue::next_arrival);
            let next = hidden.into_iter().chain(state.next_move(queue)).min()?;
            Some(next.duration_since(now).unwrap_or_default())
        })
    }
}

/// Of clocks that tell only milliseconds none stands still in it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
