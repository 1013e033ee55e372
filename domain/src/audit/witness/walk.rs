//! Reads the index, and passes on each file that must be in S3.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringTreemap;
use serde::Serialize;

use crate::audit::row::{AuditedFile, AuditedRow, RejectedAs};
use crate::limits;
use crate::ports::{Clock, IndexError, SourceIndex};
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{BucketMap, Coverage, Fid, IndexRow, Misconfigured, Reason, S3Bucket, Tally, coverage};

/// Which files of the index are meant.
#[derive(Debug)]
pub struct FilesPlan<'a> {
    /// Where files belong.
    pub buckets: &'a BucketMap,
    /// Fids that the operator has decided about. Their rows are counted, and not judged.
    pub excluded: RoaringTreemap,
    /// The S3 buckets that are meant; all of the map where it is empty.
    pub only: BTreeSet<S3Bucket>,
    /// The fids that are meant; [`None`] for all.
    pub selected: Option<RoaringTreemap>,
}

/// The rows of the index, each in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IndexCounts {
    /// Rows of the configured domain that are selected.
    pub rows: u64,
    /// Rows of the domain that are not selected; not part of `rows`.
    pub not_selected: u64,
    /// Rows of other domains; not part of `rows`.
    pub other_domains: u64,
    /// Files that must be in S3, in the buckets that are meant.
    pub files: Tally,
    /// Files of other buckets than those that are meant.
    pub of_other_buckets: u64,
    /// `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Rows of ignored buckets.
    pub ignored: u64,
    /// Rows that the operator excluded.
    pub excluded: u64,
    /// Rows from which no file can be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
    /// The index's count before the first row was read; [`None`] where the index cannot count.
    pub counted_before: Option<u64>,
    /// The index's count after the last row, where fewer rows were read than counted before.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted.
    pub uncounted: Option<String>,
}

impl IndexCounts {
    /// Compares the rows that were read with the index's counts.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        coverage(self.rows + self.not_selected, self.counted_before, self.counted_after)
    }

    /// Counts a row in its class. Returns the file that it names, where that is meant.
    fn take(&mut self, row: &IndexRow, plan: &FilesPlan<'_>) -> Option<AuditedFile> {
        if !plan.selects(row.fid) {
            self.not_selected += 1;
            return None;
        }
        self.rows += 1;
        if plan.excluded.contains(row.fid.0) {
            self.excluded += 1;
            return None;
        }
        match AuditedRow::of(row, plan.buckets) {
            AuditedRow::File(file) if plan.only.is_empty() || plan.only.contains(&file.bucket) => {
                self.files.add(file.length);
                return Some(file);
            }
            AuditedRow::File(_) => self.of_other_buckets += 1,
            AuditedRow::Temporary => self.temporary += 1,
            AuditedRow::Ignored => self.ignored += 1,
            AuditedRow::Rejected(why) => {
                let key = row.dkey.as_deref().unwrap_or("NULL");
                let sample = self.rejected.entry(why.name()).or_default();
                sample.add(row.fid, format_args!("its key is `{key}`"));
            }
        }
        None
    }

    /// Errors where no row can be right: settings are wrong then.
    fn require_files(
        &self,
        domain: String,
        known: Vec<String>,
        plan: &FilesPlan<'_>,
    ) -> Result<(), Stopped> {
        let rows = self.rows;
        let may_be_files: u64 = [UNREADABLE_ROW, RejectedAs::NoLength.name()]
            .iter()
            .filter_map(|name| self.rejected.get(name))
            .map(|sample| sample.files)
            .sum();
        let why = if rows + self.not_selected == 0 {
            let other_domains = self.other_domains;
            Misconfigured::EmptyDomain { domain, known, other_domains }
        } else if plan.selected.is_none()
            && self.files.files + self.of_other_buckets + may_be_files == 0
        {
            let mapped = plan.buckets.pairs().map(|(old, _)| old.to_string()).collect();
            Misconfigured::NothingMapped { rows, mapped }
        } else {
            return Ok(());
        };
        Err(Stopped::Misconfigured(why))
    }
}

impl FilesPlan<'_> {
    fn selects(&self, fid: Fid) -> bool {
        self.selected.as_ref().is_none_or(|fids| fids.contains(fid.0))
    }
}

/// Reads the whole index, ascending by fid, counts each row, and passes on the files that are meant until
/// `each` returns false. Once in a while `tell` gets the number of rows.
pub async fn walk_files(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    plan: &FilesPlan<'_>,
    counts: &mut IndexCounts,
    tell: &(dyn Fn(u64) + Sync),
    each: &mut (dyn FnMut(&AuditedFile) -> bool + Send),
) -> Result<(), Stopped> {
    let known = retried(clock, 0, || index.domains()).await.map_err(|error| of_index(&error))?;
    let domain = index.domain().to_owned();
    if !known.contains(&domain) {
        return Err(Stopped::Misconfigured(Misconfigured::NoSuchDomain { domain, known }));
    }
    counts.counted_before = count(index, clock, &mut counts.uncounted).await;
    let (mut next, mut last, mut pages) = (Some(Fid(0)), None, 0_u64);
    while let Some(after) = next {
        let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| of_index(&error))?;
        counts.other_domains += page.other_domains;
        for row in &page.rows {
            if last >= Some(row.fid) {
                let why = format!("fid {} does not come in ascending order", row.fid);
                return Err(of_index(&IndexError::BadAnswer { at: domain, why }));
            }
            last = Some(row.fid);
            let file = counts.take(row, plan);
            if file.is_some_and(|file| !each(&file)) {
                return Ok(());
            }
        }
        for row in page.unreadable.into_iter().filter(|row| plan.selects(row.fid)) {
            counts.rows += 1;
            if plan.excluded.contains(row.fid.0) {
                counts.excluded += 1;
            } else {
                counts.rejected.entry(UNREADABLE_ROW).or_default().add(row.fid, row.why);
            }
        }
        next = page.next;
        pages += 1;
        if pages.is_multiple_of(PAGES_A_WORD) {
            tell(counts.rows);
        }
    }
    if counts.counted_before.is_some_and(|counted| counts.rows + counts.not_selected < counted) {
        counts.counted_after = count(index, clock, &mut counts.uncounted).await;
    }
    counts.require_files(domain, known, plan)
}

async fn count(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    uncounted: &mut Option<String>,
) -> Option<u64> {
    match retried(clock, 0, || index.count()).await {
        Ok(counted) => counted,
        Err(error) => {
            *uncounted = Some(error.to_string());
            None
        }
    }
}

pub(super) fn of_index(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

/// The name of rows that the index cannot give.
const UNREADABLE_ROW: &str = "unreadable-row";

/// Pages between two words about how far the index is read.
const PAGES_A_WORD: u64 = 500;
