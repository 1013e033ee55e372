//! What `audit` prints, and the list that it writes.

mod accepted;
pub mod job;
mod list;
pub mod manifest;
mod withdrawn;
pub mod witness;

use std::fmt::{self, Write};

use domain::audit::{AuditSummary, RecordsWithoutRow};
use domain::{Coverage, Tally};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use self::accepted::write_accepted;
pub use self::list::AuditList;
pub use self::withdrawn::{WithdrawnEnd, WithdrawnList};
use super::Report;
use super::list_file::ListEnd;
use super::sample::{write_rejected, write_sample, write_stopped};
use super::shell::{printable, quoted};
use crate::exit::Verdict;

/// The index, compared with the ledger and a verification.
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// The verification that was compared.
    run: Option<String>,
    #[serde(flatten)]
    summary: AuditSummary,
    /// Whether the index is most likely another store's, or an old copy.
    is_of_another: bool,
    /// What became of `--list`.
    list: Option<ListEnd>,
    /// What became of `--withdrawn`.
    withdrawn: Option<WithdrawnEnd>,
    #[serde(flatten)]
    verdict: Verdict,
}

/// The files that an audit has written.
#[derive(Debug, Default)]
pub struct AuditFiles {
    /// `--list`.
    pub list: Option<ListEnd>,
    /// `--withdrawn`.
    pub withdrawn: Option<WithdrawnEnd>,
}

impl AuditReport {
    /// A list that is not complete is a finding, and so are many records without a row that nobody has
    /// allowed. What could not be read leaves the audit incomplete.
    pub fn new(
        summary: AuditSummary,
        run: Option<&str>,
        AuditFiles { list, withdrawn }: AuditFiles,
        allows_withdrawn: bool,
    ) -> Self {
        let lacks_lines = list.as_ref().is_some_and(|list| list.trouble.is_some())
            || withdrawn.as_ref().is_some_and(|list| list.trouble.is_some());
        let lacks_objects = withdrawn.as_ref().is_some_and(|list| list.incomplete.is_some());
        let is_of_another = summary.is_likely_of_another_store() && !allows_withdrawn;
        let differs = summary.differs() || is_of_another || lacks_lines;
        let verdict = match &summary.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(summary.is_incomplete() || lacks_objects, differs),
        };
        Self { run: run.map(str::to_owned), summary, is_of_another, list, withdrawn, verdict }
    }
}

impl Report for AuditReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if let Some(stopped) = &summary.stopped {
            let rows = HumanCount(summary.rows);
            writeln!(out, "NOTHING IS COMPARED: the audit ended when it had read {rows} rows.")?;
            return write_stopped(out, stopped);
        }
        write_sum(out, summary)?;
        write_coverage(out, summary)?;
        self.write_run(out)?;
        write_rejected(out, &summary.rejected)?;
        self.write_findings(out)?;
        write_accepted(out, summary)?;
        if self.is_of_another {
            write_of_another(out)?;
        }
        write_without_row(out, &summary.without_row)?;
        write_unreadable(out, summary)?;
        if let Some(list) = &self.list {
            list::write_end(out, list)?;
        }
        if let Some(withdrawn) = &self.withdrawn {
            withdrawn.report(out, summary.other_domains)?;
        }
        self.write_verdict(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

/// A line of the sum that leads from the rows to the records.
fn write_term(out: &mut String, sign: &str, words: &str, count: u64, how: &str) -> fmt::Result {
    let line = format!("  {sign} {words:<42} {:>12}  {how}", HumanCount(count).to_string());
    writeln!(out, "{}", line.trim_end())
}

/// How the rows of the index lead to the records of the ledger. An operator can count both ends himself.
fn write_sum(out: &mut String, summary: &AuditSummary) -> fmt::Result {
    let AuditSummary { other_domains, files, temporary, ignored, without_row, records, .. } =
        summary;
    let Tally { files, bytes } = files;
    writeln!(out, "From the rows of MogileFS to the records of the ledger:")?;
    let counted = "SELECT COUNT(fid) FROM file";
    write_term(out, " ", "rows of the table `file`", summary.rows_of_the_table(), counted)?;
    write_term(out, "-", "rows of other domains", *other_domains, "")?;
    write_term(out, "-", "unfinished uploads (`{uuid}.tmp`)", *temporary, "")?;
    write_term(out, "-", "rows of ignored buckets", *ignored, "")?;
    write_term(out, "-", "excluded rows", summary.excluded, "--exclude-file")?;
    write_term(out, "-", "rejected rows", summary.rejections(), "")?;
    let accepted = &summary.accepted;
    if accepted.rejected.files > 0 {
        write_term(out, "-", "accepted rows without a file", accepted.rejected.files, "")?;
    }
    let bytes = HumanBytes(*bytes).to_string();
    write_term(out, "=", "files that must be in S3", *files, &bytes)?;
    write_term(out, "-", "files without a record", summary.without_record.files, "")?;
    if accepted.without_record > 0 {
        write_term(out, "-", "accepted files without a record", accepted.without_record, "")?;
    }
    write_term(
        out,
        "+",
        "records of rows that are no such file",
        summary.records_of_other_rows,
        "",
    )?;
    let of_others = summary.records_of_other_domains;
    if of_others > 0 {
        write_term(out, "+", "records of fids of other domains", of_others, "")?;
    }
    write_term(out, "+", "records of fids without a row", without_row.records, "")?;
    write_term(out, "=", "records in the ledger", *records, "mogile2s3 fids | wc -l")
}

/// Whether the index has given as many rows as it counts.
fn write_coverage(out: &mut String, summary: &AuditSummary) -> fmt::Result {
    if let Some(why) = &summary.uncounted {
        writeln!(out, "The index could not be counted: {}", printable(why))?;
    }
    match summary.coverage() {
        Coverage::Missing(rows) => writeln!(
            out,
            "NOT COMPARED: {} rows that the index counts were not read. Run this again when nothing is being \
             stored.",
            HumanCount(rows)
        ),
        Coverage::NotTold | Coverage::Equal | Coverage::More(_) | Coverage::Deleted(_) => Ok(()),
    }
}

fn write_of_another(out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "THE INDEX LACKS MANY FILES OF THE LEDGER: most likely it is another store's, or an old copy.\n\
         \x20 → `mogile2s3 doctor` compares the database with the trackers. Where so many files were deleted from \
         MogileFS, run this again with --allow-withdrawn"
    )
}

impl AuditReport {
    fn write_run(&self, out: &mut String) -> fmt::Result {
        let (Some(run), Some(passes)) = (&self.run, self.summary.passes) else {
            return Ok(());
        };
        writeln!(out, "Verification `{run}`:")?;
        write_term(out, " ", "passes of these files as they are today", passes, "")?;
        write_term(
            out,
            " ",
            "passes of other content, or without a row",
            self.summary.passes_of_others,
            "",
        )
    }

    fn write_findings(&self, out: &mut String) -> fmt::Result {
        let AuditSummary { without_record, claimed, of_another, doubted, without_pass, .. } =
            &self.summary;
        let of_migration = [
            ("without a record in the ledger", without_record),
            ("with a record of s3migrate, which proves nothing", claimed),
            ("with a record of another bucket or another SHA-1", of_another),
            ("found missing or wrong by a verification", doubted),
        ];
        if of_migration.iter().any(|(_, sample)| sample.files > 0) {
            writeln!(out, "FILES THAT ARE NOT PROVEN:")?;
            for (words, sample) in of_migration.iter().filter(|(_, sample)| sample.files > 0) {
                write_sample(out, words, sample)?;
            }
            writeln!(
                out,
                "    → `mogile2s3 migrate` migrates and proves each of them; then verify, and audit again"
            )?;
        }
        if without_pass.files == 0 {
            return Ok(());
        }
        let run = self.run.as_deref().unwrap_or_default();
        let name = quoted(run);
        writeln!(out, "FILES THAT VERIFICATION `{run}` DID NOT FIND WHOLE:")?;
        write_sample(out, "proven in the ledger, without a pass", without_pass)?;
        if self.summary.passes == Some(0) {
            return writeln!(
                out,
                "    → no file has a pass of this name. Is it that of your verification? If there was none:\n\
                 \x20     mogile2s3 enqueue verify --run {name}"
            );
        }
        writeln!(
            out,
            "    → send jobs for these files, and audit again when the queue is empty:\n\
             \x20     mogile2s3 enqueue verify --run {name}"
        )
    }

    fn write_verdict(&self, out: &mut String) -> fmt::Result {
        let AuditSummary { files, whole, accepted, .. } = &self.summary;
        let accepted = accepted.files.files;
        let (files, not_whole) = (files.files - accepted, files.files - whole - accepted);
        let (files, not_whole) = (HumanCount(files), HumanCount(not_whole));
        if self.verdict.differs {
            return writeln!(
                out,
                "NOT CLEAN, as said above: {not_whole} of {files} files are not whole by this audit, {} rows are \
                 rejected.",
                HumanCount(self.summary.rejections())
            );
        }
        if self.verdict.incomplete {
            return writeln!(out, "INCOMPLETE: something above could not be read.");
        }
        match &self.run {
            Some(run) => writeln!(
                out,
                "Clean: the ledger proves each of the {files} files, and verification `{run}` found each whole."
            ),
            None => writeln!(
                out,
                "Index and ledger agree on {files} files. No verification was compared: whether the objects \
                 are still whole is not said."
            ),
        }
    }
}

/// Records without a row are no findings: files are deleted while a migration goes on.
fn write_without_row(out: &mut String, found: &RecordsWithoutRow) -> fmt::Result {
    let RecordsWithoutRow {
        ingested_since,
        content_of_another_row,
        content_of_another_domain,
        not_judged,
        ..
    } = found;
    if found.records == 0 {
        return Ok(());
    }
    writeln!(out, "Records of fids without a row, which are no findings:")?;
    for (count, words) in [
        (*ingested_since, "their rows were written while the audit ran"),
        (*content_of_another_row, "another row has the same content in the same bucket"),
        (*content_of_another_domain, "a row of another MogileFS domain has the same SHA-1"),
        (*not_judged, "they are more than an audit judges"),
    ] {
        if count > 0 {
            writeln!(out, "  {} {words}", HumanCount(count))?;
        }
    }
    if found.unmapped.files > 0 {
        write_sample(out, "of a bucket that is not in BUCKETS", &found.unmapped)?;
    }
    if found.referenced.files > 0 {
        write_sample(out, "only contentrepo refers to their content", &found.referenced)?;
    }
    if found.withdrawn.files > 0 {
        let words = if found.content_repo_asked {
            "withdrawn: no row and no object of contentrepo has their content"
        } else {
            "withdrawn: no row has their content (contentrepo was not asked: CONTENTREPO_DATABASE_URL)"
        };
        write_sample(out, words, &found.withdrawn)?;
    }
    match &found.content_repo_unread {
        None => Ok(()),
        Some(why) => writeln!(
            out,
            "  CONTENTREPO WAS NOT READ: {why}\n  → `mogile2s3 doctor` shows what is wrong with the way to it"
        ),
    }
}

fn write_unreadable(out: &mut String, summary: &AuditSummary) -> fmt::Result {
    let AuditSummary { unreadable_items: items, unreadable_failures: failures, .. } = summary;
    if items.files > 0 {
        writeln!(out, "Items of the ledger that cannot be read, which prove nothing:")?;
        write_sample(out, "unreadable", items)?;
        writeln!(out, "    → `mogile2s3 fids --unreadable` lists them")?;
    }
    if failures.files > 0 {
        writeln!(out, "FAILURE RECORDS THAT CANNOT BE READ, each of which may be a doubt:")?;
        write_sample(out, "unreadable", failures)?;
        writeln!(
            out,
            "    → `mogile2s3 migrate` looks at these files in S3 and clears the records of those that it \
             proves. A record of a fid without a file: delete it from the failures table yourself"
        )?;
    }
    Ok(())
}
