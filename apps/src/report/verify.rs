//! What `verify` prints.

mod files;
mod notes;
mod state;

use std::fmt::{self, Write};

use domain::Stopped;
use domain::summary::Sample;
use domain::verify::{Difference, OtherObjects, VerifySummary};
use indicatif::{HumanBytes, HumanCount, HumanDuration};
use serde::Serialize;

pub use self::files::{Form, VerifyList};
use self::notes::{write_coverage, write_late, write_other_etags};
pub use self::state::{SortedEnd, StateEnd};
use super::advice::Again;
use super::list_file::ListEnd;
use super::requests::write_requests;
use super::sample::{
    FINDINGS, is_whole, write_failed, write_rejected, write_sample, write_samples, write_stopped,
};
use super::table::{Table, write_sums};
use super::{Cost, Report, shell};
use crate::exit::Verdict;

/// What a comparison has found.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
    /// The counts.
    #[serde(flatten)]
    pub summary: VerifySummary,
    /// Whether the index is most likely another store's, or an old copy.
    pub is_of_another: bool,
    /// Whether a stock contentrepo cannot read some of the objects, and that is not allowed.
    pub has_other_etags: bool,
    #[serde(flatten)]
    pub lists: Lists,
    #[serde(flatten)]
    pub ways: Ways,
    #[serde(flatten)]
    pub cost: Cost,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What the operator allows of what would be findings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allowed {
    /// Very many objects of content that no row names.
    pub extra: bool,
    /// Objects whose `ETag` is not their MD5.
    pub etags: bool,
}

/// The files that were asked for.
#[derive(Debug, Default, Serialize)]
pub struct Lists {
    /// `--list`.
    pub list: Option<ListEnd>,
    /// `--sha1sums`.
    pub sha1sums: Option<ListEnd>,
    /// `--failures`.
    pub failures: Option<ListEnd>,
}

/// How the comparison was made, where not in the usual way.
#[derive(Debug, Default, Serialize)]
pub struct Ways {
    /// `--state`.
    pub state: Option<StateEnd>,
    /// An index that was sorted first.
    pub sorted: Option<SortedEnd>,
}

impl Lists {
    fn all(&self) -> impl Iterator<Item = &ListEnd> {
        [&self.list, &self.sha1sums, &self.failures].into_iter().flatten()
    }

    fn lack_lines(&self) -> bool {
        self.all().any(|list| list.trouble.is_some())
    }
}

impl VerifyReport {
    /// The report with its verdict. A file that was asked for and lacks lines is a finding: what is
    /// wrong may be named nowhere else.
    ///
    /// So are very many objects of content that no row names, and objects whose `ETag` is not their MD5, where
    /// these are not allowed.
    pub fn new(
        summary: VerifySummary,
        (lists, ways): (Lists, Ways),
        allowed: Allowed,
        cost: Cost,
    ) -> Self {
        let is_of_another = summary.is_likely_of_another_store() && !allowed.extra;
        let has_other_etags = summary.has_other_etags() && !allowed.etags;
        let differs = summary.differs() || is_of_another || has_other_etags || lists.lack_lines();
        let verdict = match &summary.stopped {
            Some(stopped) => Verdict::of(Some(stopped), differs),
            None => Verdict::of_checks(summary.is_incomplete(), differs),
        };
        Self { summary, is_of_another, has_other_etags, lists, ways, cost, verdict }
    }
}

impl Report for VerifyReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if let (Some(stopped), 0) = (&summary.stopped, summary.rows + summary.objects) {
            return write_stopped(out, stopped);
        }
        let (rows, objects) = (HumanCount(summary.rows), HumanCount(summary.objects));
        let took = HumanDuration(self.cost.took);
        writeln!(out, "{rows} rows of the index compared with {objects} objects, in {took}")?;
        if let Some(state) = &self.ways.state {
            state.write_age(out)?;
        }
        if let Some(sorted) = &self.ways.sorted {
            sorted.write(out)?;
        }
        write_classes(out, summary)?;
        write_late(out, summary)?;
        write_coverage(out, summary)?;
        write_rejected(out, &summary.rejected)?;
        write_different(out, summary)?;
        write_failed(out, "Could not be looked at", &summary.unseen, Again::ThisCommand)?;
        write_samples(out, FINDINGS, &summary.findings)?;
        write_others(out, summary)?;
        write_content(out, summary)?;
        write_requests(out, &self.cost)?;
        for list in self.lists.all() {
            write_list(out, list)?;
        }
        self.write_end(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_classes(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    let mut table = Table::new(out);
    table.tally("whole", summary.whole)?;
    let of = |of: Difference| summary.different.get(of.name()).map_or(0, |sample| sample.files);
    table.count("missing", of(Difference::Missing))?;
    let others = Difference::ALL.iter().filter(|other| **other != Difference::Missing);
    table.count("different", others.map(|other| of(*other)).sum())?;
    let unseen = summary.unseen.values().map(|sample| sample.files).sum();
    let rejected = summary.rejected.values().map(|sample| sample.files).sum();
    for (name, count, always) in [
        ("not looked at", unseen, false),
        ("not compared", summary.not_compared(), false),
        ("temporary (.tmp)", summary.temporary, true),
        ("in ignored buckets", summary.ignored, true),
        ("excluded", summary.excluded, false),
        ("rejected", rejected, true),
        ("accepted", summary.accepted.files + summary.accepted_rows, false),
    ] {
        if always || count > 0 {
            table.count(name, count)?;
        }
    }
    Ok(())
}

fn write_different(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    if summary.different.is_empty() {
        return Ok(());
    }
    writeln!(out, "Files that are not in S3 as they must be:")?;
    for difference in Difference::ALL {
        let Some(sample) = summary.different.get(difference.name()) else { continue };
        write_sample(out, difference.name(), sample)?;
        writeln!(out, "    → {}", advice(*difference))?;
    }
    Ok(())
}

const fn advice(difference: Difference) -> &'static str {
    match difference {
        Difference::Missing => {
            "nothing is at the file's final key. `mogile2s3 migrate` migrates it, with --again where the \
             ledger has a proof from before the object went"
        }
        Difference::WrongLength | Difference::WrongContent => {
            "`mogile2s3 migrate` with --again replaces the object where MogileFS has the content. An \
             object that it leaves as it is was stored with a SHA-1 that is not its own: delete that \
             object first"
        }
        Difference::Archived => {
            "a lifecycle rule, or a person, moved the object to an archive: restore it, move it back to \
             STANDARD, and change the rule (`mogile2s3 doctor` shows the rules of each bucket)"
        }
    }
}

fn write_others(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    for (others, what) in [
        (&summary.extra, "objects of content that no row of their bucket names"),
        (&summary.intermediaries, "intermediaries are left"),
        (&summary.other_keys, "objects have other keys"),
    ] {
        let OtherObjects { tally, examples } = others;
        if let Some(example) = examples.first() {
            let (count, bytes) = (HumanCount(tally.files), HumanBytes(tally.bytes));
            let example = shell::printable(example);
            writeln!(out, "Note: {count} {what} ({bytes}), such as `{example}`.")?;
        }
    }
    Ok(())
}

fn write_content(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    let content = &summary.content;
    let (files, bytes) = (HumanCount(content.read.files), HumanBytes(content.read.bytes));
    if content.deep {
        return writeln!(out, "The content of {files} files ({bytes}) was read and hashed.");
    }
    if content.drawn == 0 {
        writeln!(out, "No content was read.")?;
    } else {
        writeln!(
            out,
            "The content of {files} files ({bytes}) was read and hashed: a sample of {} over all buckets, \
             sizes and ages. `mogile2s3 verify --seed {} --sample {}` draws it again.",
            HumanCount(content.drawn),
            content.seed,
            content.drawn
        )?;
    }
    if content.read.files >= summary.files.files {
        return Ok(());
    }
    writeln!(
        out,
        "Of the other files only key and length were compared: wrong bytes of the right length are not \
         seen. `mogile2s3 verify --deep` reads every file; `mogile2s3 enqueue verify --run NAME` has \
         workers compare the stored SHA-1s."
    )
}

fn write_list(out: &mut String, list: &ListEnd) -> fmt::Result {
    let file = list.file.display();
    match &list.trouble {
        None => writeln!(out, "{file} has {} lines", HumanCount(list.lines)),
        Some(trouble) => writeln!(out, "{file} IS NOT COMPLETE: {trouble}"),
    }
}

impl VerifyReport {
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
        let (done, all) = (HumanCount(summary.ranges_done), HumanCount(summary.ranges));
        if summary.stopped.is_some() {
            writeln!(
                out,
                "NOT COMPLETE: {done} of {all} key ranges were compared. What is not named above is not \
                 known to be whole."
            )?;
            match &self.ways.state {
                Some(state) => state.write_next(out)?,
                None => writeln!(
                    out,
                    "Run this again. With --state FILE a comparison that ends early can be continued."
                )?,
            }
        } else if summary.is_incomplete() {
            writeln!(out, "NOT COMPLETE: mend what is named above, then run this again.")?;
        }
        if summary.changed.files > 0 {
            writeln!(
                out,
                "NOT COMPARED, because their rows became files meanwhile. Run this again:"
            )?;
            write_sample(out, "changed", &summary.changed)?;
        }
        if self.is_of_another {
            writeln!(
                out,
                "THE BUCKETS HAVE MANY FILES THAT THE INDEX LACKS: most likely it is another store's, or an old \
                 copy.\n  → `mogile2s3 doctor` compares the database with the trackers. Where so many files were \
                 deleted from MogileFS, or other programs write into these buckets, run this again with \
                 --allow-extra"
            )?;
        }
        if self.has_other_etags {
            write_other_etags(out)?;
        }
        self.write_next(out)?;
        if self.verdict.incomplete || self.verdict.differs {
            return Ok(());
        }
        writeln!(
            out,
            "Clean: each of the {} files of the index is in its bucket.",
            HumanCount(summary.files.files)
        )
    }

    /// What mends the files that are not as they must be.
    fn write_next(&self, out: &mut String) -> fmt::Result {
        let archived = Difference::Archived.name();
        let different = || {
            let all = self.summary.different.iter();
            all.filter(|(name, _)| **name != archived).map(|(_, sample)| sample)
        };
        if different().next().is_none() {
            let is_known = self.verdict.differs && !self.verdict.incomplete;
            return if is_known {
                writeln!(out, "Not clean: mend what is named above, then run this again.")
            } else {
                Ok(())
            };
        }
        writeln!(out, "Not clean: files are missing or wrong. Migrate them again, by:")?;
        let migrate = |fids: &str| format!("mogile2s3 migrate --again --fids {fids}");
        match &self.lists.failures {
            Some(ListEnd { file, lines: 1.., trouble: None }) => {
                let file = shell::quoted(&format!("@{}", file.display()));
                writeln!(out, "  {}", migrate(&file))?;
            }
            _ if different().all(is_whole) => {
                writeln!(out, "  {}", migrate(&shell::fids(&all_fids(different()))))?;
            }
            _ => {
                writeln!(out, "  mogile2s3 verify --failures FILE    (which lists all of them)")?;
                writeln!(out, "  mogile2s3 migrate --again --fids @FILE")?;
            }
        }
        writeln!(out, "Then run this again.")
    }
}

fn all_fids<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<domain::Fid> {
    let mut fids: Vec<_> = samples.flat_map(|sample| sample.first_fids.clone()).collect();
    fids.sort_unstable();
    fids.dedup();
    fids
}

#[cfg(test)]
mod tests;
