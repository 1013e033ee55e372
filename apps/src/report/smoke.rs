//! What `smoke` prints.

use std::fmt::{self, Write};

use domain::smoke::{SmokeSummary, TableDrawn};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::Report;
use super::shell::{printable, printable_lines};
use crate::exit::{Exit, Verdict, in_one_line, of_error};

/// What was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The clients behind the cut-over.
    CutOver,
    /// A second contentrepo, before the window.
    Trial,
    /// MogileFS and S3, before the cut-over.
    Shadow,
}

impl Mode {
    /// The step of the runbook.
    #[must_use]
    pub const fn step(self) -> &'static str {
        match self {
            Self::CutOver => "smoke",
            Self::Trial => "smoke trial",
            Self::Shadow => "smoke shadow",
        }
    }
}

/// The result of a smoke test.
#[derive(Debug, Serialize)]
pub struct SmokeReport {
    mode: Mode,
    /// The seed of the sample, where one was drawn.
    seed: Option<u64>,
    /// The number of the journal's entry, where there is a journal.
    entry: Option<u64>,
    /// Why the journal has no entry, where it should.
    not_journalled: Option<String>,
    #[serde(flatten)]
    summary: SmokeSummary,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Findings that are printed; `--json` has all of them.
const PRINTED: usize = 50;

impl SmokeReport {
    /// Of this summary, and of what came of its entry in the journal. Without the entry that should be there
    /// the test is not complete, whatever it found.
    pub fn new(
        mode: Mode,
        summary: SmokeSummary,
        seed: Option<u64>,
        noted: &anyhow::Result<Option<u64>>,
    ) -> Self {
        let mut verdict = Verdict::of_checks(summary.is_incomplete(), summary.differs());
        let (entry, not_journalled) = match noted {
            Ok(entry) => (*entry, None),
            Err(error) => {
                let is_refused = of_error(error) == Exit::Refused;
                verdict.exit = if is_refused { Exit::Refused } else { Exit::Unreachable };
                verdict.incomplete = true;
                (None, Some(in_one_line(error)))
            }
        };
        Self { mode, seed, entry, not_journalled, summary, verdict }
    }

    fn write_counts(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if self.mode != Mode::Trial {
            write_table(out, "contentrepo", &summary.contentrepo)?;
            if let Some(rhino) = &summary.rhino {
                write_table(out, "rhino", rhino)?;
            }
        }
        if let Some(seed) = self.seed {
            writeln!(out, "  seed                     {seed}")?;
        }
        for (node, store) in &summary.nodes {
            writeln!(out, "  node {}: store {}", printable(node), printable(store))?;
        }
        for (name, count) in [
            ("whole in S3             ", summary.s3_whole),
            ("whole in MogileFS       ", summary.mogile_whole),
            ("whole by contentrepo    ", summary.api_whole),
            ("given without keys      ", summary.anonymous),
            ("accepted as lost        ", summary.accepted),
        ] {
            if count > 0 {
                writeln!(out, "  {name} {}", HumanCount(count))?;
            }
        }
        writeln!(out, "  read                     {}", HumanBytes(summary.bytes))?;
        for object in &summary.ingested {
            let end = if object.is_whole { "read, found in S3, purged" } else { "NOT WHOLE" };
            let key = printable(&object.key);
            writeln!(out, "  written `{key}` in `{}` by {}: {end}", object.bucket, object.node)?;
        }
        Ok(())
    }

    fn write_findings(&self, out: &mut String) -> fmt::Result {
        let SmokeSummary { findings, unlooked, .. } = &self.summary;
        if !findings.is_empty() {
            writeln!(out, "\nNot as it must be: {}", HumanCount(findings.len() as u64))?;
        }
        for finding in findings.iter().take(PRINTED) {
            let (at, why) = (printable(&finding.at), printable(&finding.why));
            writeln!(out, "  {:<16} {at}: {why}", finding.kind.name())?;
        }
        if !unlooked.is_empty() {
            writeln!(out, "\nNot looked at: {}", HumanCount(unlooked.len() as u64))?;
        }
        for unlooked in unlooked.iter().take(PRINTED) {
            writeln!(out, "  {}: {}", printable(&unlooked.at), printable(&unlooked.why))?;
        }
        if findings.len().max(unlooked.len()) > PRINTED {
            writeln!(out, "  --json has all of them")?;
        }
        Ok(())
    }

    fn write_end(&self, out: &mut String) -> fmt::Result {
        if let Some(why) = &self.not_journalled {
            return writeln!(
                out,
                "\nNOT JOURNALLED: {}\n  What stands above was found, and the runbook does not know it\n  → correct \
                 what the words say, then run this again",
                printable_lines(why)
            );
        }
        let entry = match self.entry {
            Some(entry) => format!("Entry {entry} of the journal says so."),
            None => "The journal does not say so.".to_owned(),
        };
        if self.summary.looked() == 0 {
            return writeln!(
                out,
                "\nNOTHING WAS WHOLE: nothing of the clients is proven. {entry}\n  → mend what stands above, \
                 then run this again"
            );
        }
        match (self.verdict.incomplete, self.verdict.differs) {
            (false, false) => {
                let next = match self.mode {
                    Mode::CutOver => "start the clients for their readers",
                    Mode::Trial => {
                        "go on with `mogile2s3 freeze --means TEXT` when the window begins"
                    }
                    Mode::Shadow => "before the window: `mogile2s3 smoke --trial URL`",
                };
                writeln!(out, "\nCLEAN: all that was drawn is as it must be. {entry}\n  → {next}")
            }
            (true, differs) => {
                let both = if differs { ", and something is not as it must be" } else { "" };
                writeln!(
                    out,
                    "\nINCOMPLETE: something was not looked at{both}. {entry}\n  → mend it, then run this again"
                )
            }
            (false, true) => {
                let next = match self.mode {
                    Mode::CutOver => {
                        "docs/FINDINGS.md says what each of them means; `mogile2s3 cutover contentrepo --revert` \
                         shows the way back"
                    }
                    Mode::Trial => "mend contentrepo or the bucket, then run this again",
                    Mode::Shadow => {
                        "`mogile2s3 verify` compares all files, and `mogile2s3 migrate --again` proves them"
                    }
                };
                writeln!(out, "\nDIFFERS: readers would miss something. {entry}\n  → {next}")
            }
        }
    }
}

impl Report for SmokeReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "{}:", self.mode.step())?;
        self.write_counts(out)?;
        self.write_findings(out)?;
        self.write_end(out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_table(out: &mut String, name: &str, table: &TableDrawn) -> fmt::Result {
    let rows = HumanCount(table.rows.values().sum());
    let sampled = HumanCount(table.sampled);
    writeln!(out, "  {name:<24} {sampled} of {rows} rows drawn, of {} buckets", table.rows.len())?;
    if table.ignored > 0 {
        writeln!(out, "  {name}, ignored: {} rows", HumanCount(table.ignored))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::smoke::{SmokeFault, SmokeFinding};

    use super::*;
    use crate::journal::refused;

    fn text(summary: SmokeSummary) -> (String, Exit) {
        shown(summary, &Ok(Some(3)))
    }

    fn shown(summary: SmokeSummary, noted: &anyhow::Result<Option<u64>>) -> (String, Exit) {
        let report = SmokeReport::new(Mode::CutOver, summary, Some(7), noted);
        let mut out = String::new();
        report.write(&mut out).expect("written");
        (out, report.verdict().exit)
    }

    #[test]
    fn a_result_that_the_journal_does_not_have_is_never_clean() {
        use domain::runbook::{JournalTrouble, TakenOver};
        let by = "bob\u{1b}".to_owned();
        let taken_over = TakenOver { sequence: 7, own: None, by, at: None };
        let taken_over = || refused(JournalTrouble::TakenOver(taken_over.clone()));
        let away = || anyhow::anyhow!("DynamoDB does not answer");
        let no_table = || crate::exit::UsageError("no table".to_owned()).into();
        let differs = || {
            let mut summary = SmokeSummary { s3_whole: 1, ..SmokeSummary::default() };
            let (kind, at, why) = (SmokeFault::Missing, "x".to_owned(), "y".to_owned());
            summary.findings.push(SmokeFinding { kind, at, why });
            summary
        };
        let clean = || SmokeSummary { s3_whole: 1, ..SmokeSummary::default() };
        for (noted, exit, words) in [
            (taken_over(), Exit::Refused, "taken over by bob\\u{1b}"),
            (away(), Exit::Unreachable, "does not answer"),
            (no_table(), Exit::Unreachable, "no table"),
        ] {
            let noted = Err(noted);
            for summary in [SmokeSummary::default(), clean(), differs()] {
                let (said, found) = shown(summary, &noted);
                assert_eq!(found, exit, "{said}");
                assert!(said.contains(words) && said.contains("NOT JOURNALLED"), "{said}");
                assert!(!said.contains("CLEAN"), "{said}");
            }
            let (said, _) = shown(differs(), &noted);
            assert!(said.contains("missing"), "what was found is printed: {said}");
        }
    }

    #[test]
    fn a_test_that_saw_nothing_says_so() {
        let (said, exit) = text(SmokeSummary::default());
        assert!(said.contains("NOTHING WAS WHOLE") && !said.contains("CLEAN"), "{said}");
        assert_eq!(exit, Exit::Unreachable);
        let (said, exit) = text(SmokeSummary { s3_whole: 1, ..SmokeSummary::default() });
        assert!(said.contains("CLEAN"), "{said}");
        assert_eq!(exit, Exit::Clean);
    }
}
