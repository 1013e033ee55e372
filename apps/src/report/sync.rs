//! What `sync` tells at its end.

use std::fmt;

use std::collections::BTreeMap;

use domain::summary::Sample;
use domain::{RowCounts, Stopped, Summary, Tally};
use serde::{Serialize, Serializer};

use super::advice::Again;
use super::migrate::{MigrateReport, Words, write_other_classes};
use super::table::Table;
use super::{Cost, FailureListEnd, Report};
use crate::exit::Verdict;

/// What came of a run.
#[derive(Debug)]
pub struct SyncReport(pub MigrateReport);

/// The keys of `--json`.
#[derive(Serialize)]
struct Keys<'a> {
    #[serde(flatten)]
    intake: &'a RowCounts,
    /// Files whose content this run has written.
    written: Tally,
    /// Files whose intermediary was there: seen by a listing, or looked at.
    already_there: Tally,
    /// Files that no COPY could take: `migrate` brings them from MogileFS.
    too_large: Tally,
    gone: u64,
    accepted: &'a Sample,
    failed: &'a BTreeMap<&'static str, Sample>,
    findings: &'a BTreeMap<&'static str, Sample>,
    not_begun: u64,
    abandoned: u64,
    stopped: &'a Option<Stopped>,
    counted_before: Option<u64>,
    counted_after: Option<u64>,
    uncounted: &'a Option<String>,
    not_looked_at: &'a [String],
    failure_list: &'a Option<FailureListEnd>,
    #[serde(flatten)]
    cost: &'a Cost,
    #[serde(flatten)]
    verdict: Verdict,
}

impl Serialize for SyncReport {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let MigrateReport { summary, failure_list, cost, verdict, .. } = &self.0;
        let Summary { intake, ends, not_begun, abandoned, stopped, uncounted, .. } = summary;
        let keys = Keys {
            intake,
            written: ends.by_mogile,
            already_there: ends.already_there,
            too_large: ends.too_large,
            gone: ends.gone,
            accepted: &ends.accepted,
            failed: &ends.failed,
            findings: &ends.findings,
            not_begun: *not_begun,
            abandoned: *abandoned,
            stopped,
            counted_before: summary.counted_before,
            counted_after: summary.counted_after,
            uncounted,
            not_looked_at: &summary.not_looked_at,
            failure_list,
            cost,
            verdict: *verdict,
        };
        keys.serialize(to)
    }
}

impl Report for SyncReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let words = Words {
            classes: write_classes,
            // Intermediaries have none.
            types: |_, _| Ok(()),
            resumes: "what was written is in the bucket, and is skipped",
            clean: "Clean: every row is in a class above, and nothing failed. `mogile2s3 migrate` now \
                    copies these within S3.",
            again: Again::Sync,
        };
        self.0.write_in(&words, out)
    }

    fn verdict(&self) -> Verdict {
        self.0.verdict
    }
}

fn write_classes(out: &mut String, summary: &Summary) -> fmt::Result {
    let mut table = Table::new(out);
    table.tally("written", summary.ends.by_mogile)?;
    table.tally("already there", summary.ends.already_there)?;
    table.tally("migrated and proven before", summary.intake.proven_before)?;
    if summary.ends.too_large.files > 0 {
        table.tally("too large to be copied", summary.ends.too_large)?;
    }
    write_other_classes(out, summary)
}

#[cfg(test)]
mod tests {
    use domain::{Fid, ReasonKind};

    use super::*;
    use crate::report::migrate::verdict;

    #[test]
    fn a_wrong_object_is_at_an_intermediarys_key() {
        let mut summary = Summary::default();
        summary.intake.rows = 1;
        let mut sample = Sample::default();
        sample.add(Fid(7), "wrong-object: words");
        summary.ends.failed.insert(ReasonKind::WrongObject.name(), sample);
        let report = SyncReport(MigrateReport {
            verdict: verdict(&summary, None),
            summary,
            failure_list: None,
            cost: Cost::default(),
            command: "mogile2s3 sync".to_owned(),
            fids: String::new(),
        });
        let mut said = String::new();
        report.write(&mut said).expect("a string takes it");
        assert!(said.contains("objects at the keys of intermediaries"), "{said}");
        assert!(!said.contains("enqueue migrate"), "{said}");
    }
}
