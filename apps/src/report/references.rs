//! What `verify --references` prints.

mod advice;
mod files;

use std::fmt::{self, Write};

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
    /// The number of them that is allowed.
    pub allowed_before: u64,
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
    /// References that may be broken because they were so before.
    pub allowed_before: u64,
    /// Whether rhino was left out on purpose.
    pub without_rhino: bool,
    /// The bucket map.
    pub buckets: BucketMap,
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
    /// wants it so. More references that were broken before than are allowed are a finding, and so is a
    /// file that lacks lines.
    pub fn new(summary: ReferencesSummary, wishes: Wishes, lists: Lists, cost: Cost) -> Self {
        let broken_before = summary.broken_before();
        let allowed_before = wishes.allowed_before;
        let lacks =
            |list: &Option<ListEnd>| list.as_ref().is_some_and(|list| list.trouble.is_some());
        let lacks_lines = lacks(&lists.list) || lacks(&lists.failures);
        let differs = summary.differs() || broken_before > allowed_before || lacks_lines;
        let lacks_rhino = summary.article_files.is_none() && !wishes.without_rhino;
        let verdict = match &summary.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(summary.is_incomplete() || lacks_rhino, differs),
        };
        let is_of_another = summary.is_of_another();
        Self { summary, broken_before, allowed_before, is_of_another, lists, cost, verdict, wishes }
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
    table.count("broken", counts.all_broken())?;
    for (name, count) in [
        ("purged", counts.purged),
        ("in ignored buckets", counts.ignored),
        ("changed meanwhile", counts.changed),
        ("written since the start", counts.since),
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

    /// How many rows bear the old name of a bucket, and how many the new one.
    fn write_names(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        for (old, new) in self.wishes.buckets.pairs() {
            let of =
                |table: &TableCounts, name: &str| table.by_name.get(name).copied().unwrap_or(0);
            let both = |table: &TableCounts| {
                let (before, after) = (of(table, old.as_str()), of(table, new.as_str()));
                format!("{} and {}", HumanCount(before), HumanCount(after))
            };
            if old.as_str() == new.as_str() {
                continue;
            }
            write!(out, "Rows under `{old}` and `{new}`: contentrepo {}", both(&summary.objects))?;
            match &summary.article_files {
                Some(files) => writeln!(out, "; rhino {}", both(files))?,
                None => writeln!(out)?,
            }
        }
        if summary.half_cut_over == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "HALF CUT OVER: {} rows of rhino name a bucket that contentrepo has under its other name, so that \
             rhino's reads fail.\n  → finish the cut-over of the other database, or revert the one that is \
             done; then run this again",
            HumanCount(summary.half_cut_over)
        )
    }

    fn write_notes(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
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
                let counted = table.counted.unwrap_or_default();
                writeln!(
                    out,
                    "NOT COMPARED: {} rows that {client}'s database counts were not read. Run this again.",
                    HumanCount(counted.saturating_sub(table.rows + table.since))
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
        let is_over = self.broken_before > self.allowed_before;
        if !is_over || self.is_of_another || self.verdict.incomplete {
            return Ok(());
        }
        writeln!(
            out,
            "{} references were broken before the migration, and {} are allowed. No command of ours mends \
             them. When a person has decided about each of them (--failures FILE lists them):\n  mogile2s3 \
             verify --references --allow-broken-before {}",
            HumanCount(self.broken_before),
            HumanCount(self.allowed_before),
            self.broken_before
        )
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
        let rhino = if self.wishes.without_rhino { " --no-rhino" } else { "" };
        writeln!(
            out,
            "  mogile2s3 verify --references{rhino} --failures FILE    (which lists all of them)"
        )?;
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
