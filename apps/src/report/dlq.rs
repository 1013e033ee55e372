//! What `dlq list` and `dlq redrive` print.

use std::fmt::{self, Write};

use domain::queue::{Choice, DONE_SINCE, DeadLetters, Redriven};
use indicatif::HumanCount;
use serde::Serialize;

use super::Report;
use super::advice::Again;
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
    /// Letters that were chosen, whatever became of them.
    chosen: u64,
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
    /// Chosen letters that were not sent, or not taken away, are findings. So is a choice that chose
    /// nothing: it may be the wrong one. All of none is nothing wrong.
    pub fn new(redriven: Redriven, choice: &Choice) -> Self {
        let trouble = redriven.failed.files + redriven.unreadable.files + redriven.kept;
        let chosen = redriven.chosen();
        let chose_nothing = chosen == 0 && *choice != Choice::All;
        let differs = trouble > 0 || redriven.more || chose_nothing;
        let verdict = Verdict::of(redriven.stopped.as_ref(), differs);
        Self { redriven, chosen, verdict }
    }
}

impl Report for ListReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let list = &self.letters;
        if let Some(stopped) = &list.stopped {
            write_stopped(out, stopped)?;
            if list.letters == 0 {
                return Ok(());
            }
        } else if list.letters == 0 {
            return writeln!(
                out,
                "No dead letters are visible. Letters that another program reads now are not seen."
            );
        }
        writeln!(out, "Dead letters: {}", HumanCount(list.letters))?;
        for (reason, sample) in &list.reasons {
            write_reason(out, reason, sample, |_| Again::DeadLetters)?;
            if reason == DONE_SINCE {
                writeln!(
                    out,
                    "    → `mogile2s3 dlq redrive --reason done-since` clears them: a worker looks at each \
                     file once more, in the bucket that BUCKETS names today"
                )?;
            }
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
            if self.chosen == 0 && redriven.left == 0 {
                return Ok(());
            }
        }
        if self.chosen == 0 {
            return write_nothing_chosen(out, redriven);
        }
        writeln!(out, "{} sent again", HumanCount(redriven.sent))?;
        writeln!(out, "{} not chosen, and still dead letters", HumanCount(redriven.left))?;
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

fn write_nothing_chosen(out: &mut String, redriven: &Redriven) -> fmt::Result {
    if redriven.left == 0 {
        return writeln!(
            out,
            "Nothing was sent: no dead letters are visible. Letters that another program reads now are \
             not seen."
        );
    }
    writeln!(
        out,
        "Nothing was sent: none of the {} dead letters matches. `mogile2s3 dlq list` shows their \
         reasons and fids.",
        HumanCount(redriven.left)
    )?;
    if redriven.more {
        writeln!(out, "There may be more dead letters: run this again.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{Obstacle, Reason, ReasonKind, Stopped, Thing};

    use super::*;
    use crate::exit::Exit;

    fn text(report: &impl Report) -> String {
        let mut text = String::new();
        report.write(&mut text).expect("a string takes it");
        text
    }

    fn redriven(sent: u64, left: u64) -> Redriven {
        Redriven { sent, left, ..Redriven::default() }
    }

    #[test]
    fn a_choice_that_matches_nothing_is_a_finding() {
        let reason = || Choice::Reason("no-replica".to_owned());
        for (redriven, choice, exit) in [
            (redriven(2, 0), reason(), Exit::Clean),
            (redriven(0, 7), reason(), Exit::Findings),
            (redriven(0, 0), reason(), Exit::Findings),
            (redriven(0, 0), Choice::All, Exit::Clean),
        ] {
            let sent = redriven.sent;
            let report = RedriveReport::new(redriven, &choice);
            assert_eq!(report.verdict().exit, exit, "{choice:?} {report:?}");
            assert_eq!(text(&report).contains("Nothing was sent"), sent == 0, "{report:?}");
        }
        let said = text(&RedriveReport::new(redriven(0, 7), &reason()));
        assert!(said.contains("none of the 7 dead letters matches"), "{said}");
    }

    #[test]
    fn a_dead_letter_queue_that_is_not_there_is_named_and_no_redrive_is_advised() {
        let why = "the dead-letter queue `https://x/1/dead` does not exist";
        let reason = Reason::new(ReasonKind::QueueUnavailable, why);
        let reason = reason.because_of(Obstacle::Absent(Thing::DeadLetterQueue));
        let stopped = Some(Stopped::Trouble(reason));
        let list = ListReport::new(DeadLetters { stopped: stopped.clone(), ..<_>::default() });
        let redriven = Redriven { stopped, ..Redriven::default() };
        let redrive = RedriveReport::new(redriven, &Choice::All);
        assert_eq!((list.verdict().exit, redrive.verdict().exit), (Exit::Usage, Exit::Usage));
        for said in [text(&list), text(&redrive)] {
            assert!(said.contains(why) && said.contains("correct SQS_DLQ_URL"), "{said}");
            assert!(!said.contains("redrive") && !said.contains(" SQS_URL"), "{said}");
        }
    }

    #[test]
    fn letters_that_are_done_since_can_be_cleared() {
        let mut letters = DeadLetters { letters: 1, ..DeadLetters::default() };
        letters.reasons.entry(DONE_SINCE.to_owned()).or_default().add(domain::Fid(7), "proven");
        let said = text(&ListReport::new(letters));
        assert!(said.contains("dlq redrive --reason done-since` clears them"), "{said}");
    }
}
