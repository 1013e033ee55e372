//! What `verify --references` prints.

mod advice;
mod evidence;
mod files;
mod names;

use std::fmt::{self, Write};
use std::path::PathBuf;

use domain::verify::references::{Broken, ReferencesSummary, RowSample, TableCounts};
use domain::{BucketMap, Stopped};
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use self::advice::advice;
pub use self::files::{ReferenceForm, ReferenceList};
use super::list_file::ListEnd;
use super::requests::write_requests;
use super::sample::write_stopped;
use super::table::{Table, write_sums};
use super::{Cost, Report, shell};
use crate::exit::Verdict;

/// What a comparison of references has found.
#[derive(Debug, Serialize)]
pub struct ReferencesReport {
    /// The counts.
    #[serde(flatten)]
    pub summary: ReferencesSummary,
    /// References that were broken before the migration.
    pub broken_before: u64,
    /// Those of them that are not allowed by name.
    pub not_allowed: u64,
    /// The list of those that are.
    pub allowed_by: Option<AllowedList>,
    /// Whether rhino's database is most likely another store's.
    pub is_of_another: bool,
    #[serde(flatten)]
    pub lists: Lists,
    #[serde(flatten)]
    pub cost: Cost,
    #[serde(flatten)]
    pub verdict: Verdict,
    #[serde(skip)]
    wishes: Wishes,
}

/// What the operator has decided.
#[derive(Debug)]
pub struct Wishes {
    /// The list of references that may be broken because they were so before.
    pub allowed: Option<AllowedList>,
    /// Whether rhino was left out on purpose.
    pub without_rhino: bool,
    /// The bucket map.
    pub buckets: BucketMap,
}

/// The file of `--allow-broken-before`.
#[derive(Debug, Clone, Serialize)]
pub struct AllowedList {
    /// Where it is.
    pub file: PathBuf,
    /// Its lines of references that cannot be allowed.
    pub others: u64,
}

/// The files that were asked for.
#[derive(Debug, Default, Serialize)]
pub struct Lists {
    /// `--list`.
    pub list: Option<ListEnd>,
    /// `--failures`.
    pub failures: Option<ListEnd>,
}

impl ReferencesReport {
    /// The report with its verdict. Without rhino the comparison is not complete, unless the operator
    /// wants it so. A file that lacks lines is a finding.
    pub fn new(summary: ReferencesSummary, wishes: Wishes, lists: Lists, cost: Cost) -> Self {
        let (broken_before, not_allowed) = (summary.broken_before(), summary.not_allowed());
        let allowed_by = wishes.allowed.clone();
        let lacks =
            |list: &Option<ListEnd>| list.as_ref().is_some_and(|list| list.trouble.is_some());
        let lacks_lines = lacks(&lists.list) || lacks(&lists.failures);
        let differs = summary.differs() || lacks_lines;
        let lacks_rhino = summary.article_files.is_none() && !wishes.without_rhino;
        let verdict = match &summary.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(summary.is_incomplete() || lacks_rhino, differs),
        };
        let is_of_another = summary.is_of_another();
        Self {
            summary,
            broken_before,
            not_allowed,
            allowed_by,
            is_of_another,
            lists,
            cost,
            verdict,
            wishes,
        }
    }
}

impl Report for ReferencesReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        let took = HumanDuration(self.cost.took);
        let files = summary.article_files.as_ref().map_or(0, |files| files.rows);
        writeln!(
            out,
            "{} rows of contentrepo compared with {} objects, {} rows of rhino with these rows, in {took}",
            HumanCount(summary.objects.rows),
            HumanCount(summary.listed),
            HumanCount(files),
        )?;
        write_table(out, "contentrepo's `objects`", &summary.objects)?;
        match &summary.article_files {
            Some(files) => write_table(out, "rhino's `articleFile`", files)?,
            None => self.write_without_rhino(out)?,
        }
        self.write_names(out)?;
        self.write_notes(out)?;
        self.write_broken(out)?;
        self.write_evidence(out)?;
        write_requests(out, &self.cost)?;
        for list in [&self.lists.list, &self.lists.failures].into_iter().flatten() {
            let file = list.file.display();
            match &list.trouble {
                None => writeln!(out, "{file} has {} lines", HumanCount(list.lines))?,
                Some(trouble) => writeln!(out, "{file} IS NOT COMPLETE: {trouble}")?,
            }
        }
        self.write_end(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_table(out: &mut String, title: &str, counts: &TableCounts) -> fmt::Result {
    writeln!(out, "{title}:")?;
    let mut table = Table::new(out);
    table.count("sound", counts.sound)?;
    table.count("broken", counts.all_broken() - counts.accepted())?;
    for (name, count) in [
        ("accepted by name", counts.accepted()),
        ("purged", counts.purged),
        ("in ignored buckets", counts.ignored),
        ("changed meanwhile", counts.changed),
        ("came meanwhile", counts.since),
    ] {
        if count > 0 {
            table.count(name, count)?;
        }
    }
    if counts.unknown_size > 0 {
        let rows = HumanCount(counts.unknown_size);
        writeln!(out, "  ({rows} of the sound ones have no size that can be believed)")?;
    }
    Ok(())
}

impl ReferencesReport {
    fn write_without_rhino(&self, out: &mut String) -> fmt::Result {
        if self.wishes.without_rhino {
            return writeln!(out, "rhino was not compared: --no-rhino.");
        }
        writeln!(
            out,
            "NOT COMPARED: rhino's database. Set RHINO_DATABASE_URL; or, where there is no rhino, give --no-rhino."
        )
    }

    fn write_notes(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if summary.looked_at > 0 {
            writeln!(
                out,
                "Looked at one by one: {} objects of which the listing and the rows did not say enough.",
                HumanCount(summary.looked_at)
            )?;
        }
        for bucket in &summary.without_rows {
            writeln!(out, "Note: contentrepo has no row whose content belongs into `{bucket}`.")?;
        }
        if !summary.mogile_asked {
            writeln!(
                out,
                "Note: MOGILE_DATABASE_URL is not set, so that nothing says what was broken before the migration."
            )?;
        }
        let tables = [Some(("contentrepo", &summary.objects)), self.rhino()];
        for (client, table) in tables.into_iter().flatten() {
            if table.lacks_rows() && summary.stopped.is_none() {
                writeln!(
                    out,
                    "NOT COMPARED: {} rows that {client}'s database counts were not read. Run this again.",
                    HumanCount(table.missed)
                )?;
            }
            if table.changed > 0 {
                writeln!(
                    out,
                    "NOT COMPARED: {} rows of {client} were broken, and changed or went before they could be \
                     named. Run this again.",
                    HumanCount(table.changed)
                )?;
            }
        }
        Ok(())
    }

    fn rhino(&self) -> Option<(&'static str, &TableCounts)> {
        self.summary.article_files.as_ref().map(|files| ("rhino", files))
    }

    fn write_broken(&self, out: &mut String) -> fmt::Result {
        let tables = [Some(("contentrepo", &self.summary.objects)), self.rhino()];
        for (client, table) in tables.into_iter().flatten() {
            if table.broken.is_empty() {
                continue;
            }
            writeln!(out, "Broken references of {client}:")?;
            for kind in Broken::ALL {
                let Some(sample) = table.broken.get(kind.name()) else { continue };
                write_sample(out, *kind, sample)?;
                if let (Broken::Unseen, Some(why)) = (*kind, &self.summary.unseen_because) {
                    writeln!(out, "    {}", shell::printable(why))?;
                }
                writeln!(out, "    → {}", advice(*kind))?;
            }
        }
        if !self.is_of_another {
            return Ok(());
        }
        writeln!(
            out,
            "RHINO NAMES MANY ROWS THAT CONTENTREPO DOES NOT HAVE: most likely RHINO_DATABASE_URL or \
             CONTENTREPO_DATABASE_URL is another store's.\n  → `mogile2s3 doctor` looks at both databases"
        )
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        write_sums(out, summary.adds_up(), "rows")?;
        match &summary.stopped {
            Some(stopped @ (Stopped::Trouble(_) | Stopped::Misconfigured(_))) => {
                write_stopped(out, stopped)?;
            }
            Some(stopped @ (Stopped::Interrupted | Stopped::Failures(_))) => {
                writeln!(out, "STOPPED: {stopped}.")?;
            }
            None => {}
        }
        if summary.stopped.is_some() {
            writeln!(
                out,
                "NOT COMPLETE: what is not named above is not known to be sound: run this again."
            )?;
        } else if self.verdict.incomplete {
            writeln!(out, "NOT COMPLETE: mend what is named above, then run this again.")?;
        }
        self.write_next(out)?;
        if self.verdict.incomplete || self.verdict.differs {
            return Ok(());
        }
        let before = match self.broken_before {
            0 => String::new(),
            before => format!(
                ", except {} that were broken before the migration and are allowed",
                HumanCount(before)
            ),
        };
        writeln!(out, "Clean: each reference has its object{before}.")
    }

    /// What mends the references, and what is to be decided about.
    fn write_next(&self, out: &mut String) -> fmt::Result {
        let table = &self.summary.objects;
        let samples = Broken::ALL.iter().filter(|kind| kind.is_mended_by_migrate());
        let samples: Vec<_> = samples.filter_map(|kind| table.broken.get(kind.name())).collect();
        let is_listed = samples.iter().any(|sample| !sample.first_fids.is_empty());
        if is_listed {
            writeln!(
                out,
                "Files that MogileFS has are missing or wrong in S3. Migrate them again, by:"
            )?;
            self.write_migrate(out, &samples)?;
            writeln!(out, "Then run this again.")?;
        }
        if self.not_allowed == 0 || self.is_of_another || self.verdict.incomplete {
            return Ok(());
        }
        writeln!(
            out,
            "{} references were broken before the migration, and are not allowed. No command of ours mends \
             them. When a person has decided about each of them, the list allows them by name:",
            HumanCount(self.not_allowed),
        )?;
        let rhino = self.no_rhino();
        let file = self.failures_file();
        if file.is_none() {
            self.write_lister(out)?;
        }
        let file = file.unwrap_or_else(|| "FILE".to_owned());
        writeln!(out, "  mogile2s3 verify --references{rhino} --allow-broken-before {file}")
    }

    /// The file of `--failures` as a shell takes it, where it is whole.
    fn failures_file(&self) -> Option<String> {
        match &self.lists.failures {
            Some(ListEnd { file, lines: 1.., trouble: None }) => {
                Some(shell::quoted(&file.display().to_string()))
            }
            Some(_) | None => None,
        }
    }

    fn write_lister(&self, out: &mut String) -> fmt::Result {
        let rhino = self.no_rhino();
        writeln!(
            out,
            "  mogile2s3 verify --references{rhino} --failures FILE    (which lists all of them)"
        )
    }

    /// The flag that a printed command needs to compare the same.
    const fn no_rhino(&self) -> &'static str {
        if self.wishes.without_rhino { " --no-rhino" } else { "" }
    }

    fn write_migrate(&self, out: &mut String, samples: &[&RowSample]) -> fmt::Result {
        let migrate = |fids: &str| format!("mogile2s3 migrate --again --fids {fids}");
        if let Some(ListEnd { file, lines: 1.., trouble: None }) = &self.lists.failures {
            let file = shell::quoted(&format!("@{}", file.display()));
            return writeln!(out, "  {}", migrate(&file));
        }
        if !samples.iter().any(|sample| sample.has_more_fids) {
            let mut fids: Vec<_> = samples.iter().flat_map(|sample| &sample.first_fids).collect();
            fids.sort_unstable();
            fids.dedup();
            let fids: Vec<_> = fids.iter().map(ToString::to_string).collect();
            return writeln!(out, "  {}", migrate(&fids.join(",")));
        }
        self.write_lister(out)?;
        writeln!(out, "  {}", migrate("@FILE"))
    }
}

fn write_sample(out: &mut String, kind: Broken, sample: &RowSample) -> fmt::Result {
    let ids: Vec<_> = sample.first_ids.iter().map(ToString::to_string).collect();
    let more = if sample.rows > ids.len() as u64 { " …" } else { "" };
    writeln!(out, "  {} {kind}: rows {}{more}", HumanCount(sample.rows), ids.join(", "))?;
    if sample.example.is_empty() {
        return Ok(());
    }
    writeln!(out, "    {}", shell::printable(&sample.example))
}

#[cfg(test)]
mod tests;
