use async_trait::async_trait;

use super::LedgerError;
use crate::{Verification, VerifiedFile};

/// The verifications table: one record for each file that a run found whole, keyed by run and file.
#[async_trait]
pub trait VerificationLog: Send + Sync {
    /// Writes all verifications, or errors; after an error any of them may have been written.
    async fn record(&self, verifications: &[Verification]) -> Result<(), LedgerError>;

    /// Passes every file that this run found whole to `each`, by consistent reads, in no order. A
    /// file may come twice when a page was read again.
    async fn verified(
        &self,
        run: &str,
        each: &mut (dyn FnMut(VerifiedFile) + Send),
    ) -> Result<(), LedgerError>;
}
