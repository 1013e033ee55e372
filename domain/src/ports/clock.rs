use crate::Timestamp;
use std::time::Duration;

use async_trait::async_trait;

/// The time, and waiting. Domain code has no other.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns when this much time has passed.
    async fn sleep(&self, time: Duration);
}
