use async_trait::async_trait;

use super::LedgerError;
use crate::{Verification, VerifiedFile};

/// The verifications table: one record for each run and file that was found whole, keyed by both.
#[async_trait]
pub trait VerificationLog: Send + Sync {
    /// Writes all of these, or errors; on an error any of them may have been written.
    async fn record(&self, verifications: &[Verification]) -> Result<(), LedgerError>;

    /// Gives every file that has a record of this run to `each`, by consistent reads, in no order. A
    /// file may come twice when a page had to be asked for again.
    async fn verified(
        &self,
        run: &str,
        each: &mut (dyn FnMut(VerifiedFile) + Send),
    ) -> Result<(), LedgerError>;
}
