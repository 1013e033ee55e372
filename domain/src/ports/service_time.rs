use async_trait::async_trait;

use super::LedgerError;
use crate::Timestamp;

/// A clock that is not this machine's: that of the service which keeps the journal.
#[async_trait]
pub trait ServiceTime: Send + Sync {
    /// Returns the service's time, to the second, from a new answer of it, which may be a refusal;
    /// [`None`] where its answers do not say. Errors where no answer comes, or a refusal has no time.
    async fn service_time(&self) -> Result<Option<Timestamp>, LedgerError>;
}
