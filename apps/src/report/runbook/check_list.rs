//! What `runbook status` prints.

use std::fmt::{self, Write};
use std::time::Duration;

use domain::checklist::{CheckList, Convergence, Next, State, StepProof, StepState};
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use super::in_words;
use super::next::{write_must_stay_stopped, write_next};
use crate::exit::Verdict;
use crate::report::Report;
use crate::report::shell::printable;

/// The most characters of a line.
const WIDTH: usize = 100;

/// Commands that are shown of the next step.
const COMMANDS: usize = 3;

/// What is shown of what a command counted, the most important first.
const SHOWN: [&str; 7] = ["left", "failed", "rejected", "rows", "whole", "content", "files"];

/// All twelve steps.
#[derive(Debug, Serialize)]
pub struct StatusReport<'a> {
    migration: String,
    /// The entries of the journal.
    entries: u64,
    #[serde(flatten)]
    list: &'a CheckList,
    /// What to do next.
    next: Next,
    #[serde(flatten)]
    verdict: Verdict,
}

impl<'a> StatusReport<'a> {
    /// Of a journal with this number of entries.
    #[must_use]
    pub fn new(migration: String, entries: u64, list: &'a CheckList, next: Next) -> Self {
        let verdict = Verdict::of_checks(false, list.has_findings());
        Self { migration, entries, list, next, verdict }
    }
}

/// A line that is no longer than a screen is wide.
fn line(out: &mut String, text: &str) -> fmt::Result {
    let text = printable(text.trim_end());
    if text.chars().count() <= WIDTH {
        return writeln!(out, "{text}");
    }
    let kept: String = text.chars().take(WIDTH - 1).collect();
    writeln!(out, "{kept}…")
}

/// The last part of an ARN says who it is.
fn short(by: &str) -> &str {
    by.rsplit('/').next().unwrap_or(by)
}

fn proof_in_words(proof: &StepProof) -> String {
    let StepProof { entry, at, by, what, counted, note } = proof;
    let at: String = at.to_string().chars().take(16).collect();
    let counts = SHOWN.iter().filter_map(|name| {
        let count = counted.get(*name)?;
        Some(format!("{name} {}", HumanCount(*count)))
    });
    let counts: Vec<_> = counts.take(3).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    // Words of any length come last: the line may end in them.
    let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("entry {entry}, {what}{counts}; {}, {}Z{note}", short(by), at.replace('T', " "))
}

fn write_step(out: &mut String, found: &StepState) -> fmt::Result {
    let StepState { step, state, why, proof } = found;
    let state_word = match state {
        State::Failed | State::Stale => state.name().to_uppercase(),
        State::NotBegun | State::UnderWay | State::Done | State::Skipped => state.name().to_owned(),
    };
    let proof = proof.as_ref().map(proof_in_words).unwrap_or_default();
    let begin = format!("{:>2}  {state_word:<10} {:<23}", step.number(), step.name());
    line(out, &format!("{begin} {proof}"))?;
    if why.is_empty() {
        return Ok(());
    }
    line(out, &format!("      {}", why.join("; ")))
}

pub(super) fn write_convergence(out: &mut String, found: &Convergence) -> fmt::Result {
    let left = HumanCount(found.left);
    let in_time = |seconds: u64| HumanDuration(Duration::from_secs(seconds)).to_string();
    let window = found.window_seconds.map(in_time);
    let window = window.map_or_else(String::new, |it| format!("; the window would be about {it}"));
    let text = match (found.fall(), found.left_before) {
        (Some((fallen, seconds)), _) => {
            #[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
            let rate = fallen as f64 / seconds as f64;
            let needed = found.seconds_left.map(in_time).unwrap_or_default();
            format!("{left} left, falls at {rate:.1} a second: {needed} more{window}")
        }
        (None, _) if found.left == 0 => format!("0 left{window}"),
        (None, Some(before)) if found.converges == Some(false) => format!(
            "IT DOES NOT CONVERGE: {left} left, {} a pass before. Files come as fast as they are migrated: \
             more workers, or a longer window",
            HumanCount(before)
        ),
        (None, _) => format!("{left} left{window}; a second pass shows how fast that falls"),
    };
    line(out, &text)?;
    if found.failed > 0 {
        line(out, &format!("  {} of them failed in the last pass", HumanCount(found.failed)))?;
    }
    Ok(())
}

impl Report for StatusReport<'_> {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { migration, entries, list, next, .. } = self;
        line(out, &format!("The check-list of `{migration}`, {}", in_words(*entries)))?;
        list.steps.iter().try_for_each(|step| write_step(out, step))?;
        if list.unknown_entries > 0 {
            let unknown = in_words(list.unknown_entries);
            let text = format!(
                "{unknown} of kinds that this version does not know: use the version that wrote them"
            );
            line(out, &text)?;
        }
        if let Some(convergence) = &list.convergence {
            write_convergence(out, convergence)?;
        }
        let mut text = String::new();
        write_must_stay_stopped(&mut text, list.clients_must_stay_stopped)?;
        write_next(&mut text, next, COMMANDS)?;
        text.lines().try_for_each(|text| line(out, text))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests;
