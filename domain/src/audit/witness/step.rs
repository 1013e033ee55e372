//! Reads what is true today, takes the reports, and names what they say of each file.

use std::collections::BTreeSet;

use serde::Serialize;

use super::files::{ReportCounts, WitnessVerdict, WitnessedFiles};
use super::walk::{FilesPlan, IndexCounts, walk_files};
use crate::audit::row::AuditedFile;
use crate::ports::{Clock, ObjectStore, SourceIndex, StoreError};
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{Coverage, ObjectKey, Reason, S3Bucket};

/// What is read of today.
#[derive(Clone, Copy)]
pub struct WitnessPorts<'a> {
    /// MogileFS's index.
    pub index: &'a dyn SourceIndex,
    /// The buckets, which are only listed.
    pub objects: &'a dyn ObjectStore,
    /// The time, for waits between tries.
    pub clock: &'a dyn Clock,
}

/// The files that are judged.
pub type WitnessPlan<'a> = FilesPlan<'a>;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WitnessProgress {
    /// So many rows of the index are read.
    Rows(u64),
    /// So many objects are listed.
    Objects(u64),
}

/// A file that is not proven by S3's witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedRow {
    /// The file.
    pub file: AuditedFile,
    /// What is said of it; [`None`] where its row was written or changed meanwhile.
    pub verdict: Option<WitnessVerdict>,
}

/// What S3's witness says. Each file is in one class, from `whole` to `changed_meanwhile`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WitnessSummary {
    /// The rows of the index.
    #[serde(flatten)]
    pub index: IndexCounts,
    /// Objects that were listed, of whatever key.
    pub objects: u64,
    /// Files of which S3 computed the right SHA-1, and whose object is the same today.
    pub whole: u64,
    /// Files of whose object S3 computed another SHA-1.
    pub wrong: Sample,
    /// Files without an object today.
    pub missing: Sample,
    /// Files whose object was written again since S3 read it.
    pub changed: Sample,
    /// Files whose task failed, or whose row proves nothing.
    pub failed: Sample,
    /// Files of which no report has a row.
    pub not_witnessed: Sample,
    /// Files whose row was written or changed while this ran.
    pub changed_meanwhile: Sample,
    /// How each report fits its manifest, by the report's place among those that were given.
    pub reports: Vec<ReportCounts>,
    /// Why it ended early. No file is classed then.
    pub stopped: Option<Stopped>,
}

impl WitnessSummary {
    /// Whether something is not as it must be.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.wrong.files + self.missing.files > 0 || !self.index.rejected.is_empty()
    }

    /// Whether there are files, or rows, of which S3's witness says nothing.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        let Self { changed, failed, not_witnessed, changed_meanwhile, .. } = self;
        let unknown = changed.files + failed.files + not_witnessed.files + changed_meanwhile.files;
        unknown > 0
            || self.stopped.is_some()
            || matches!(self.index.coverage(), Coverage::Missing(_))
            || self.reports.iter().any(|report| !report.is_whole())
    }

    fn sample(&mut self, verdict: Option<WitnessVerdict>) -> Option<&mut Sample> {
        match verdict {
            Some(WitnessVerdict::Whole) => None,
            Some(WitnessVerdict::Wrong) => Some(&mut self.wrong),
            Some(WitnessVerdict::Missing) => Some(&mut self.missing),
            Some(WitnessVerdict::Changed) => Some(&mut self.changed),
            Some(WitnessVerdict::Failed) => Some(&mut self.failed),
            Some(WitnessVerdict::NotWitnessed) => Some(&mut self.not_witnessed),
            None => Some(&mut self.changed_meanwhile),
        }
    }
}

/// What is true today, and what the reports say of it.
#[derive(Debug, Default)]
pub struct Witness {
    /// Takes the rows of the reports.
    pub files: WitnessedFiles,
    /// What was found.
    pub summary: WitnessSummary,
}

impl Witness {
    /// Reads the index, and lists every bucket in which it has files.
    pub async fn read(
        ports: WitnessPorts<'_>,
        plan: &WitnessPlan<'_>,
        tell: &(dyn Fn(WitnessProgress) + Sync),
    ) -> Self {
        let mut witness = Self::default();
        witness.summary.stopped = witness.read_today(ports, plan, tell).await.err();
        witness
    }

    async fn read_today(
        &mut self,
        ports: WitnessPorts<'_>,
        plan: &WitnessPlan<'_>,
        tell: &(dyn Fn(WitnessProgress) + Sync),
    ) -> Result<(), Stopped> {
        let WitnessPorts { index, objects, clock } = ports;
        let mut buckets = BTreeSet::new();
        let mut each = |file: &AuditedFile| {
            self.files.add(&file.bucket, &file.sha1);
            if !buckets.contains(&file.bucket) {
                buckets.insert(file.bucket.clone());
            }
            true
        };
        let tell_rows = |rows| tell(WitnessProgress::Rows(rows));
        let counts = &mut self.summary.index;
        walk_files((index, clock), plan, counts, &tell_rows, &mut each).await?;
        self.files.seal();
        for bucket in &buckets {
            let (files, listed) = (&mut self.files, &mut self.summary.objects);
            list((objects, clock), bucket, files, listed, tell)
                .await
                .map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        }
        Ok(())
    }

    /// Reads the index once more, classes each file, and passes those on that are not whole.
    pub async fn name_files(
        &mut self,
        ports: WitnessPorts<'_>,
        plan: &WitnessPlan<'_>,
        each: &mut (dyn FnMut(&WitnessedRow) + Send),
    ) {
        let (files, summary) = (&self.files, &mut self.summary);
        let mut class = |file: &AuditedFile| {
            let verdict = files.verdict(&file.bucket, &file.sha1);
            match summary.sample(verdict) {
                None => summary.whole += 1,
                Some(sample) => {
                    sample.add(file.fid, format_args!("object `{}/{}`", file.bucket, file.sha1));
                    each(&WitnessedRow { file: file.clone(), verdict });
                }
            }
            true
        };
        let mut again = IndexCounts::default();
        let (index, clock) = (ports.index, ports.clock);
        let read = walk_files((index, clock), plan, &mut again, &|_| (), &mut class).await;
        // What is classed are the rows of this read.
        (self.summary.index, self.summary.stopped) = (again, read.err());
    }
}

/// Lists a bucket from its first key to its last.
async fn list(
    (objects, clock): (&dyn ObjectStore, &dyn Clock),
    bucket: &S3Bucket,
    files: &mut WitnessedFiles,
    listed: &mut u64,
    tell: &(dyn Fn(WitnessProgress) + Sync),
) -> Result<(), StoreError> {
    let mut last: Option<ObjectKey> = None;
    for pages in 1_u64.. {
        let page = retried(clock, pages, || objects.list(bucket, "", last.as_ref())).await?;
        for object in &page.objects {
            // What comes again or out of order may stand for a page that was passed over.
            if last.as_ref().is_some_and(|last| *last >= object.key) {
                let why = "a page of its listing is not in the order of keys".to_owned();
                return Err(StoreError::Refused { at: format!("s3://{bucket}/"), why });
            }
            last = Some(object.key.clone());
            files.listed(bucket, &object.key, &object.etag);
        }
        *listed += page.objects.len() as u64;
        if pages.is_multiple_of(PAGES_A_WORD) {
            tell(WitnessProgress::Objects(*listed));
        }
        if !page.more {
            break;
        }
        if page.objects.is_empty() {
            let why = "a page of its listing has no key and says that more follow".to_owned();
            return Err(StoreError::Refused { at: format!("s3://{bucket}/"), why });
        }
    }
    Ok(())
}

/// Pages of a listing between two words about how far it is.
const PAGES_A_WORD: u64 = 500;
