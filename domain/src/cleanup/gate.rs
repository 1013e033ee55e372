use std::time::Duration;

use crate::journal::ChainFault;
use crate::limits;
use crate::ports::{Clock, LedgerError, ServiceTime};
use crate::retried::retried;
use crate::runbook::JournalTrouble;

/// Why nothing was done, or nothing more.
#[derive(Debug, thiserror::Error)]
pub enum CleanupRefusal {
    /// The journal cannot be continued, or somebody else has continued it.
    #[error(transparent)]
    Journal(#[from] JournalTrouble),
    /// The journal is not as it was written.
    #[error("the journal is not as it was written: {0}")]
    Changed(ChainFault),
    /// This machine's clock is wrong, or its service's is.
    #[error("this machine's clock is {} {} the one of the journal's service", text(*by), word(*ahead))]
    Clock {
        /// How far they are apart.
        by: Duration,
        /// Whether this machine's clock is the later one.
        ahead: bool,
    },
    /// The journal's service does not say what time it is.
    #[error("the journal's service does not say what time it is")]
    NoTime,
}

fn text(by: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(by.as_secs()))
}

const fn word(ahead: bool) -> &'static str {
    if ahead { "ahead of" } else { "behind" }
}

impl From<LedgerError> for CleanupRefusal {
    fn from(error: LedgerError) -> Self {
        Self::Journal(error.into())
    }
}

/// Errors when this machine's clock is not near the one of the journal's service. The age of an upload
/// is the time between two runs, on two machines perhaps: a clock that is wrong on one of them would
/// make an upload that is under way look old.
pub(super) async fn require_right_clock(
    clock: &dyn Clock,
    service: &dyn ServiceTime,
    salt: u64,
) -> Result<(), CleanupRefusal> {
    let theirs = retried(clock, salt, || service.service_time()).await?;
    let theirs = theirs.ok_or(CleanupRefusal::NoTime)?;
    let ours = clock.now();
    let by = ours.until(theirs).max(theirs.until(ours));
    if by > limits::CLOCKS_APART {
        return Err(CleanupRefusal::Clock { by, ahead: ours > theirs });
    }
    Ok(())
}
