use std::time::Duration;

use async_trait::async_trait;

/// Milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// The time, and waiting. Domain code has no other.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns when this much time has passed.
    async fn sleep(&self, time: Duration);
}
