use crate::Timestamp;
use std::time::Duration;

use async_trait::async_trait;

/// The only source of time and pauses for the domain.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Waits until this much time has passed.
    async fn sleep(&self, time: Duration);
}
