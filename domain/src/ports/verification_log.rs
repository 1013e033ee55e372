use async_trait::async_trait;
use roaring::RoaringTreemap;

use super::LedgerError;
use crate::Verification;

/// The verifications table: one record for each run and file that was found whole, keyed by both.
#[async_trait]
pub trait VerificationLog: Send + Sync {
    /// Writes all of these, or errors; on an error any of them may have been written.
    async fn record(&self, verifications: &[Verification]) -> Result<(), LedgerError>;

    /// The fids that have a record of this run, by consistent reads.
    async fn verified(&self, run: &str) -> Result<RoaringTreemap, LedgerError>;
}
