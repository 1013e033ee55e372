use std::collections::BTreeMap;

use serde::Serialize;

use super::retried::retried;
use super::settings_guard::{require_domain, require_rows};
use crate::ports::{Clock, SourceIndex};
use crate::summary::{Sample, Tally};
use crate::{BucketMap, ByteCount, Fid, Intake, Reason, RowClass, Stopped, limits};

/// The whole index, counted by class and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Rows of the configured domain.
    pub rows: u64,
    /// Rows of other domains; not part of `rows`.
    pub other_domains: u64,
    /// Files to be migrated, by the S3 bucket that they go to.
    pub source: BTreeMap<String, Tally>,
    /// `{uuid}.tmp` rows.
    pub temporary: Tally,
    /// Rows of ignored buckets.
    pub ignored: Tally,
    /// Rows that cannot be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
    /// The highest fid of the domain.
    pub highest_fid: Option<Fid>,
    /// Files that one request cannot write, which go in parts.
    pub in_parts: Tally,
}

/// Reads all rows and counts them. Nothing but the index is asked. Errors also when none of the rows
/// means anything by these settings.
pub async fn census(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    single_request_bytes: u64,
) -> Result<Census, Stopped> {
    require_domain(index, clock).await?;
    let mut census = Census::default();
    let mut next = Some(Fid(0));
    while let Some(after) = next {
        let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        census.other_domains += page.other_domains;
        for row in page.rows {
            let length = row.length.unwrap_or_default();
            census.count(row.fid, length, row.classify(buckets), single_request_bytes);
        }
        next = page.next;
    }
    require_rows(index, clock, buckets, &census.intake()).await?;
    Ok(census)
}

impl Census {
    /// The rows, as a run takes them in.
    fn intake(&self) -> Intake {
        Intake {
            rows: self.rows,
            other_domains: self.other_domains,
            temporary: self.temporary.files,
            ignored: self.ignored.files,
            rejected: self.rejected.clone(),
            ..Intake::default()
        }
    }

    fn count(&mut self, fid: Fid, length: ByteCount, class: RowClass, single_request_bytes: u64) {
        self.rows += 1;
        self.highest_fid = Some(fid);
        match class {
            RowClass::Source(file) => {
                self.source.entry(file.bucket.to_string()).or_default().add(length);
                if length.0 > single_request_bytes {
                    self.in_parts.add(length);
                }
            }
            RowClass::Temporary => self.temporary.add(length),
            RowClass::Ignored => self.ignored.add(length),
            RowClass::Rejected(why) => {
                self.rejected.entry(why.name()).or_default().add(fid, &why);
            }
        }
    }
}
