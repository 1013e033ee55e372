//! The report for a tired operator: the verdict last, where the eye is.

use std::collections::BTreeSet;
use std::fmt;

use indicatif::{HumanBytes, HumanCount};

use super::table::Table;
use super::{PassReport, Report};
use crate::hazard::Outcome;
use crate::rehearsal::{Account, Sample};

/// Problems that are written out; the rest is counted.
const PROBLEMS_TOLD: usize = 30;

/// The classes of rows, in the words of the report. Of the others there are none in a rehearsal that
/// goes well.
const CLASSES: [(&str, &str); 8] = [
    ("by_copy", "migrated by copy"),
    ("by_mogile", "migrated from MogileFS"),
    ("already_there", "already there, proven"),
    ("proven_before", "proven before, passed over"),
    ("gone", "gone from MogileFS"),
    ("temporary", "temporary (.tmp)"),
    ("ignored", "in the ignored bucket"),
    ("other_domains", "of another domain"),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_planted(f)?;
        self.write_hazards(f)?;
        self.write_accounts(f)?;
        self.write_requests(f)?;
        self.write_verdict(f)
    }
}

impl Report {
    fn write_planted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planted = &self.planted;
        let count = |files: usize| HumanCount(files as u64);
        writeln!(f, "PLANTED by seed {}", self.seed)?;
        writeln!(
            f,
            "  {} files of {}: {} synced as intermediaries, {} too large for one request",
            count(planted.files),
            HumanBytes(planted.bytes),
            count(planted.synced),
            count(planted.in_parts)
        )?;
        writeln!(
            f,
            "  beside them {} temporary rows, {} in an ignored bucket, {} of another domain",
            count(planted.temporary),
            count(planted.ignored),
            count(planted.other_domain)
        )?;
        if planted.strays > 0 {
            let strays = count(planted.strays);
            writeln!(f, "  and {strays} intermediaries and ledger records of files long deleted")?;
        }
        Ok(())
    }

    fn write_hazards(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planted = &self.planted;
        if planted.hazards.is_empty() {
            return writeln!(f, "  nothing is wrong with any of them");
        }
        let files: usize = planted.hazards.iter().map(|line| line.files).sum();
        let kinds = planted.hazards.len();
        writeln!(f, "\nHAZARDS: {kinds} kinds in {} files", HumanCount(files as u64))?;
        let words = planted.hazards.iter().map(|line| line.hazard.spec().told.len()).max();
        let words = words.unwrap_or_default();
        for line in &planted.hazards {
            let (files, told, outcome) = (line.files, line.hazard.spec().told, line.outcome);
            let why = line.reason.into_iter().chain(line.findings.iter().copied());
            let why = why.collect::<Vec<_>>().join(", ");
            let text = format!("  {files:>4} × {told:<words$}  {outcome:<13}  {why}");
            writeln!(f, "{}", text.trim_end())?;
        }
        for trouble in &planted.troubles {
            let times = trouble.strikes().map_or(1, |(_, _, times)| times);
            writeln!(f, "  {times:>4} × {}", trouble.told())?;
        }
        if !planted.not_planted.is_empty() {
            let missing: Vec<_> = planted.not_planted.iter().map(|hazard| hazard.name()).collect();
            writeln!(f, "  (the corpus is too small for {})", missing.join(", "))?;
        }
        Ok(())
    }

    /// What came of it, a column for each pass.
    fn write_accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        let cells = |cell: &dyn Fn(&PassReport) -> String| -> Vec<String> {
            self.passes.iter().map(cell).collect()
        };
        table.line("", cells(&|pass| pass.name.to_owned()));
        for (class, words) in CLASSES {
            let of = |counts: &std::collections::BTreeMap<&'static str, u64>| {
                counts.get(class).copied().unwrap_or_default()
            };
            table
                .line(words, cells(&|pass| told(of(&pass.account.classes), of(&pass.due.classes))));
        }
        for (name, samples) in [
            ("rejected", (|account| &account.rejected) as fn(&Account) -> &Samples),
            ("failed", |account| &account.failed),
            ("worth a look", |account| &account.findings),
        ] {
            let sides = self.passes.iter().flat_map(|pass| [&pass.account, &pass.due]);
            let reasons: BTreeSet<&String> =
                sides.flat_map(|account| samples(account).keys()).collect();
            for reason in reasons {
                let of = |account: &Account| {
                    samples(account).get(reason).map_or(0, |sample| sample.files)
                };
                let cell = |pass: &PassReport| told(of(&pass.account), of(&pass.due));
                table.line(format!("{name}: {reason}"), cells(&cell));
            }
        }
        table.line("exit code", cells(&|pass| told(pass.account.exit_code, pass.due.exit_code)));
        table.line("time", cells(&|pass| format!("{:.1} s", pass.seconds)));
        table.line(
            "peak memory",
            cells(&|pass| {
                pass.peak_rss_bytes
                    .map_or_else(|| "?".to_owned(), |peak| HumanBytes(peak).to_string())
            }),
        );
        let commands: BTreeSet<_> = self.passes.iter().map(|pass| pass.command).collect();
        let commands = commands.into_iter().collect::<Vec<_>>().join(", ");
        writeln!(f, "\nWHAT CAME OF IT ({commands})")?;
        table.write(f)
    }

    fn write_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        table.line("", self.passes.iter().map(|pass| pass.name.to_owned()).collect());
        let kinds: BTreeSet<&String> =
            self.passes.iter().flat_map(|pass| pass.requests.keys()).collect();
        for kind in kinds {
            let cell = |pass: &PassReport| match pass.requests.get(kind) {
                None => "-".to_owned(),
                Some(super::Asked { asked, budget }) => {
                    let over = if asked > budget { " OVER" } else { "" };
                    format!("{} (budget {}){over}", HumanCount(*asked), HumanCount(*budget))
                }
            };
            table.line(kind, self.passes.iter().map(cell).collect());
        }
        writeln!(f, "\nREQUESTS, as the world counted them")?;
        table.write(f)
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judgement = &self.judgement;
        let count = |files: usize| HumanCount(files as u64);
        writeln!(f, "\nORACLE")?;
        writeln!(
            f,
            "  {} of {} files are whole under their own SHA-1, {}",
            count(judgement.whole),
            count(judgement.expected),
            HumanBytes(judgement.bytes)
        )?;
        for problem in self.problems.iter().take(PROBLEMS_TOLD) {
            writeln!(f, "  PROBLEM: {problem}")?;
        }
        if let Some(more @ 1..) = self.problems.len().checked_sub(PROBLEMS_TOLD) {
            writeln!(f, "  … and {} problems more", count(more))?;
        }
        if !self.good {
            let problems = count(self.problems.len());
            writeln!(f, "\nNOT WELL: {problems} problems. The same again:")?;
            return writeln!(f, "  {}", self.replay);
        }
        let failed = self.planted.ending(|outcome| matches!(outcome, Outcome::Failed { .. }));
        let rejected = self.planted.ending(|outcome| matches!(outcome, Outcome::Rejected(_)));
        let gone = self.planted.ending(|outcome| outcome == Outcome::Gone);
        writeln!(
            f,
            "\nAll is well: everything ended as planted, {} proven, {} failed, {} rejected, {} gone.",
            count(judgement.whole),
            count(failed),
            count(rejected),
            count(gone)
        )
    }
}

type Samples = std::collections::BTreeMap<String, Sample>;

/// A count, and the planted one where it is another.
fn told(count: u64, due: u64) -> String {
    if count == due {
        return HumanCount(count).to_string();
    }
    format!("{} (planted {})", HumanCount(count), HumanCount(due))
}
