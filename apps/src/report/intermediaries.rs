//! What `intermediaries delete` prints.

use std::fmt::{self, Write};

use domain::cutover::IntermediaryDeletion;
use serde::Serialize;

use super::Report;
use super::list_file::ListEnd;
use super::sample::{write_sample, write_stopped};
use super::table::{Table, write_sums};
use crate::exit::Verdict;

/// What became of the intermediaries.
#[derive(Debug, Serialize)]
pub struct IntermediariesReport {
    #[serde(flatten)]
    deletion: IntermediaryDeletion,
    /// What the buckets keep of deleted objects.
    versions: Versions,
    /// The list, where one was asked for.
    list: Option<ListEnd>,
    /// Whether anything was to be deleted.
    executed: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What buckets keep of deleted objects.
#[derive(Debug, Default, Serialize)]
pub struct Versions {
    /// The buckets that keep versions: a deletion there writes a delete marker.
    pub kept_in: Vec<String>,
    /// The buckets of which it could not be read.
    pub unknown_in: Vec<String>,
}

impl IntermediariesReport {
    /// What stays is a finding. So is a list that could not be written.
    pub fn new(
        deletion: IntermediaryDeletion,
        versions: Versions,
        list: Option<ListEnd>,
        executed: bool,
    ) -> Self {
        let is_left = executed && deletion.stopped.is_none() && deletion.deletable.files > 0;
        let is_broken = list.as_ref().is_some_and(|list| list.trouble.is_some());
        let differs = !deletion.kept.is_empty() || is_left || is_broken;
        let verdict = Verdict::of(deletion.stopped.as_ref(), differs);
        let report = Self { deletion, versions, list, executed, verdict };
        if report.adds_up() {
            return report;
        }
        Self { verdict: Verdict::of(report.deletion.stopped.as_ref(), true), ..report }
    }

    fn adds_up(&self) -> bool {
        let all = &self.deletion;
        let kept: u64 = all.kept.values().map(|sample| sample.files).sum();
        all.deleted.files + all.deletable.files + kept == all.intermediaries.files
    }

    fn write_classes(&self, out: &mut String) -> fmt::Result {
        let all = &self.deletion;
        writeln!(out, "Intermediaries, `0/000/000/0000000001.fid`:")?;
        let mut table = Table::of_buckets(out);
        table.tally("in the buckets", all.intermediaries)?;
        if self.executed {
            table.tally("deleted", all.deleted)?;
        }
        if !self.executed || all.deletable.files > 0 {
            table.tally("may be deleted", all.deletable)?;
        }
        for (name, sample) in &all.kept {
            table.count(&format!("kept: {name}"), sample.files)?;
        }
        write_sums(out, self.adds_up(), "intermediaries")
    }

    fn write_versions(&self, out: &mut String) -> fmt::Result {
        for bucket in &self.versions.kept_in {
            writeln!(
                out,
                "note: bucket `{bucket}` keeps versions: a deletion there writes a delete marker and frees no \
                 storage. A lifecycle rule with NoncurrentVersionExpiration does"
            )?;
        }
        for bucket in &self.versions.unknown_in {
            writeln!(
                out,
                "note: whether bucket `{bucket}` keeps versions could not be read. Where it does a deletion frees no \
                 storage"
            )?;
        }
        Ok(())
    }
}

impl Report for IntermediariesReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let all = &self.deletion;
        self.write_classes(out)?;
        if !all.kept.is_empty() {
            writeln!(out, "KEPT (docs/FINDINGS.md says what each means):")?;
        }
        for (name, sample) in &all.kept {
            write_sample(out, name, sample)?;
        }
        if all.other_keys > 0 {
            writeln!(
                out,
                "{} keys beside them are no intermediary's, and were not touched",
                all.other_keys
            )?;
        }
        self.write_versions(out)?;
        if let Some(ListEnd { file, lines, trouble }) = &self.list {
            writeln!(out, "List: `{}`, {lines} lines", file.display())?;
            if let Some(trouble) = trouble {
                writeln!(out, "  NOT WHOLE: {trouble}\n  → name another file, and run this again")?;
            }
        }
        if !self.executed && all.deletable.files > 0 {
            writeln!(out, "Nothing was deleted. To delete what may be: add --execute")?;
        }
        all.stopped.iter().try_for_each(|stopped| write_stopped(out, stopped))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
