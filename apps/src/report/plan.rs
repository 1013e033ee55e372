//! What `plan` prints.

use std::fmt::{self, Write};

use domain::doctor::Census;
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::sample::{REJECTED, write_samples, write_stopped};
use super::shell::printable;
use super::table::{Table, write_other_domains};
use crate::exit::Verdict;

/// The whole index, counted.
#[derive(Debug, Serialize)]
pub struct PlanReport {
    #[serde(flatten)]
    pub census: Census,
    /// What the settings alone show to be wrong with the way after the migration, and the ways out.
    pub hazards: Vec<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// The verdict on a count: rejected rows and hazards are findings.
pub fn verdict(census: &Census, hazards: &[String]) -> Verdict {
    let differs = !census.rejected.is_empty() || !hazards.is_empty();
    Verdict::of(census.stopped.as_ref(), differs)
}

impl Report for PlanReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let census = &self.census;
        let highest = census.highest_fid.map(|fid| format!(", up to fid {fid}"));
        writeln!(out, "{} rows{}", HumanCount(census.rows), highest.unwrap_or_default())?;
        let mut table = Table::of_buckets(out);
        for (bucket, tally) in &census.source {
            table.tally(&format!("to {bucket}"), *tally)?;
        }
        table.tally("temporary (.tmp)", census.temporary)?;
        table.tally("in ignored buckets", census.ignored)?;
        table.count("rejected", census.rejected.values().map(|sample| sample.files).sum())?;
        if census.in_parts.files > 0 {
            table.tally("(of them too large for one PUT)", census.in_parts)?;
        }
        write_other_domains(out, census.other_domains)?;
        write_samples(out, REJECTED, &census.rejected)?;
        if !census.unmapped.is_empty() {
            writeln!(out, "Buckets of MogileFS that neither BUCKETS nor IGNORE_BUCKETS names:")?;
        }
        let mut table = Table::of_buckets(out);
        for (bucket, tally) in &census.unmapped {
            table.tally(bucket, *tally)?;
        }
        for bucket in &census.without_rows {
            let bucket = printable(bucket);
            writeln!(out, "No row of the index is in `{bucket}`, which BUCKETS names.")?;
        }
        self.hazards.iter().try_for_each(|hazard| writeln!(out, "HAZARD: {hazard}"))?;
        census.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
