//! What `runbook next` prints.

use std::fmt::{self, Write};

use domain::checklist::{CheckList, CommandLine, Convergence, Next};
use serde::Serialize;

use super::check_list::write_convergence;
use crate::exit::{Exit, Verdict};
use crate::report::Report;
use crate::report::shell::quoted;

/// What to do next.
#[derive(Debug, Serialize)]
pub struct NextReport {
    migration: String,
    #[serde(flatten)]
    next: Next,
    /// How fast the number of files falls that are left to migrate, until the freeze.
    convergence: Option<Convergence>,
    /// Whether the databases are between the two stores.
    clients_must_stay_stopped: bool,
    #[serde(flatten)]
    verdict: Verdict,
}

/// A command as an operator types it.
#[must_use]
pub fn command_text(command: &CommandLine) -> String {
    let words = command.words.iter().map(|word| quoted(word));
    std::iter::once("mogile2s3".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

impl NextReport {
    /// Of this check-list.
    #[must_use]
    pub fn new(migration: String, list: &CheckList, next: Next) -> Self {
        let (convergence, verdict) =
            (list.convergence.clone(), Verdict::of_checks(false, list.has_findings()));
        let clients_must_stay_stopped = list.clients_must_stay_stopped;
        Self { migration, next, convergence, clients_must_stay_stopped, verdict }
    }

    /// The command that comes next was to be started, and needs an operator.
    #[must_use]
    pub fn refused(self) -> Self {
        let verdict = Verdict { exit: Exit::Refused, incomplete: true, ..self.verdict };
        Self { verdict, ..self }
    }
}

/// Says loudly that the databases are between the two stores.
pub(super) fn write_must_stay_stopped(out: &mut String, is_between: bool) -> fmt::Result {
    if is_between {
        writeln!(out, "CLIENTS MUST STAY STOPPED: their databases are between the two stores")?;
    }
    Ok(())
}

/// Writes the step, why, and the first of its commands.
pub(super) fn write_next(out: &mut String, next: &Next, most: usize) -> fmt::Result {
    match next.step {
        Some(step) => writeln!(out, "Next: step {}, {}", step.number(), step.name())?,
        None if next.open.is_empty() => writeln!(out, "Next: nothing")?,
        None => {
            let open: Vec<_> = next.open.iter().map(|step| step.number().to_string()).collect();
            writeln!(out, "Next: no step is due, and not settled: {}", open.join(", "))?;
        }
    }
    for why in &next.why {
        writeln!(out, "  {why}")?;
    }
    for command in next.commands.iter().take(most) {
        writeln!(out, "  → {:<44} {}", command_text(command), command.purpose)?;
    }
    let more = next.commands.len().saturating_sub(most);
    if more > 0 {
        writeln!(out, "  and {more} more: `mogile2s3 runbook next`")?;
    }
    Ok(())
}

impl Report for NextReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let Self { next, convergence, verdict, .. } = self;
        write_must_stay_stopped(out, self.clients_must_stay_stopped)?;
        write_next(out, next, usize::MAX)?;
        if let Some(convergence) = convergence {
            write_convergence(out, convergence)?;
        }
        if let Some(way_back) = next.way_back {
            writeln!(out, "  The way back: {way_back}")?;
        }
        match next.automatic() {
            _ if next.step.is_none() => Ok(()),
            Some(_) => writeln!(out, "`mogile2s3 runbook run` starts the first of them"),
            None if verdict.exit == Exit::Refused => writeln!(
                out,
                "NOTHING WAS STARTED: this step needs an operator. Type it yourself, then `mogile2s3 runbook next`"
            ),
            None => {
                writeln!(out, "An operator types them: `mogile2s3 runbook run` starts nothing here")
            }
        }
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
