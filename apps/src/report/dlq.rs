//! What `dlq list` and `dlq redrive` print.

use std::fmt::{self, Write};

use domain::queue::{DeadLetters, Redriven};
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::sample::{write_reason, write_sample, write_stopped};
use crate::exit::Verdict;

/// The dead letters, by what they died of.
#[derive(Debug, Serialize)]
pub struct ListReport {
    #[serde(flatten)]
    letters: DeadLetters,
    #[serde(flatten)]
    verdict: Verdict,
}

/// What became of the dead letters that were chosen.
#[derive(Debug, Serialize)]
pub struct RedriveReport {
    #[serde(flatten)]
    redriven: Redriven,
    #[serde(flatten)]
    verdict: Verdict,
}

impl ListReport {
    /// Dead letters are findings.
    pub fn new(letters: DeadLetters) -> Self {
        let verdict = Verdict::of(letters.stopped.as_ref(), letters.letters > 0);
        Self { letters, verdict }
    }
}

impl RedriveReport {
    /// Chosen letters that were not sent, or not taken away, are findings.
    pub fn new(redriven: Redriven) -> Self {
        let trouble = redriven.failed.files + redriven.unreadable.files + redriven.kept;
        let verdict = Verdict::of(redriven.stopped.as_ref(), trouble > 0 || redriven.more);
        Self { redriven, verdict }
    }
}

impl Report for ListReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let list = &self.letters;
        if let Some(stopped) = &list.stopped {
            write_stopped(out, stopped)?;
        } else if list.letters == 0 {
            return writeln!(
                out,
                "No dead letters are visible. Letters that another program reads now are not seen."
            );
        }
        writeln!(out, "Dead letters: {}", HumanCount(list.letters))?;
        for (reason, sample) in &list.reasons {
            write_reason(out, reason, sample)?;
        }
        if !list.nameless.is_empty() {
            writeln!(out, "Letters without a fid, by message id: {}", list.nameless.join(", "))?;
        }
        if list.more {
            writeln!(
                out,
                "There may be more dead letters: the queue does not show all of them at once."
            )?;
        }
        writeln!(out, "Mend what is wrong, then send them again:")?;
        writeln!(out, "  mogile2s3 dlq redrive --reason REASON    (or --fids LIST, or --all)")
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl Report for RedriveReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let redriven = &self.redriven;
        if let Some(stopped) = &redriven.stopped {
            write_stopped(out, stopped)?;
        }
        writeln!(out, "{} sent again", HumanCount(redriven.sent))?;
        writeln!(out, "{} not chosen, and still dead letters", HumanCount(redriven.left))?;
        let chosen =
            redriven.sent + redriven.kept + redriven.unreadable.files + redriven.failed.files;
        if chosen == 0 && redriven.left > 0 {
            writeln!(
                out,
                "No letter matches the choice: `mogile2s3 dlq list` shows their reasons and fids."
            )?;
        }
        if redriven.kept > 0 {
            let count = HumanCount(redriven.kept);
            writeln!(
                out,
                "{count} sent again, and still dead letters: a job that is done twice does no harm"
            )?;
        }
        if redriven.unreadable.files > 0 {
            writeln!(out, "Not readable as jobs, and still dead letters:")?;
            write_sample(out, "unreadable", &redriven.unreadable)?;
        }
        if redriven.failed.files > 0 {
            writeln!(out, "Not accepted by the queue, and still dead letters:")?;
            write_sample(out, "queue-unavailable", &redriven.failed)?;
        }
        if redriven.more {
            writeln!(out, "There may be more dead letters: run this again.")?;
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
