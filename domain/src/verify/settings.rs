//! Are the settings those of this store? A comparison of nothing with nothing must not look whole.

use super::summary::VerifySummary;
use crate::ports::{Clock, SourceIndex};
use crate::retried::retried;
use crate::{BucketMap, Fid, Misconfigured, Reason, Stopped, limits};

/// Errors when MogileFS does not have the configured domain.
pub(super) async fn require_domain(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
) -> Result<(), Stopped> {
    let known = domains(index, clock).await?;
    if known.iter().any(|name| name == index.domain()) {
        return Ok(());
    }
    let domain = index.domain().to_owned();
    Err(Stopped::Misconfigured(Misconfigured::NoSuchDomain { domain, known }))
}

/// Errors when the domain has no row, or none in a bucket that is mapped.
pub(super) async fn require_rows(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    summary: &VerifySummary,
) -> Result<(), Stopped> {
    let of = |name| summary.rejected.get(name).map_or(0, |sample| sample.files);
    let misconfigured = if summary.rows == 0 {
        let page = retried(clock, 0, || index.page(Fid(0), limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        Misconfigured::EmptyDomain {
            domain: index.domain().to_owned(),
            known: domains(index, clock).await?,
            other_domains: page.other_domains,
        }
    } else if summary.files.files == 0
        // Also where every file is excluded: nothing would be compared.
        && of("no-length") == 0
        && summary.rows > of("unreadable-row")
    {
        let mapped = buckets.pairs().map(|(old, _)| old.to_string()).collect();
        Misconfigured::NothingMapped { rows: summary.rows, mapped }
    } else {
        return Ok(());
    };
    Err(Stopped::Misconfigured(misconfigured))
}

async fn domains(index: &dyn SourceIndex, clock: &dyn Clock) -> Result<Vec<String>, Stopped> {
    let known = retried(clock, 0, || index.domains()).await;
    known.map_err(|error| Stopped::Trouble(Reason::from(&error)))
}
