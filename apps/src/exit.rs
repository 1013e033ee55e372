//! Exit codes, and the errors that have one.

use std::process::ExitCode;

use domain::{Stopped, Summary};
use serde::Serialize;

/// What a command that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done and clean.
    Clean,
    /// 1: findings, rejected rows or failed files; or it was interrupted, or stopped since too
    /// many files failed.
    Findings,
    /// 2: wrong usage or configuration; nothing was begun.
    Usage,
    /// 3: something could not be reached, and the rest was not begun.
    Unreachable,
}

impl Exit {
    /// The code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// How something ended, for machines: a run can both have left something undone and have found
/// something wrong. The exit code tells the first before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The process's exit code.
    pub exit_code: u8,
    /// Something was not looked at or not done: it could not be reached, or was stopped.
    pub incomplete: bool,
    /// Something that was looked at is not as it must be.
    pub differs: bool,
}

impl Verdict {
    /// Of what was stopped or came to its end, and found nothing wrong or something.
    #[must_use]
    pub const fn of(stopped: Option<&Stopped>, differs: bool) -> Self {
        Self { exit_code: of(stopped, !differs).code(), incomplete: stopped.is_some(), differs }
    }

    /// Of a run.
    #[must_use]
    pub fn of_run(summary: &Summary) -> Self {
        let differs = match summary.stopped {
            // What was stopped is not clean for that alone.
            Some(_) => {
                !summary.ends.failed.is_empty()
                    || summary.ends.uncleared.files > 0
                    || !summary.intake.is_clean()
            }
            None => !summary.is_clean(),
        };
        Self::of(summary.stopped.as_ref(), differs)
    }
}

/// A setting that is missing or makes no sense.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// The exit code of a run.
#[must_use]
pub fn of_run(summary: &Summary) -> Exit {
    of(summary.stopped.as_ref(), summary.is_clean())
}

/// The exit code of what was stopped or came to its end, clean or not.
#[must_use]
pub const fn of(stopped: Option<&Stopped>, clean: bool) -> Exit {
    match (stopped, clean) {
        (Some(Stopped::Misconfigured(_)), _) => Exit::Usage,
        (Some(Stopped::Trouble(_)), _) => Exit::Unreachable,
        (Some(Stopped::Failures(_) | Stopped::Interrupted), _) | (None, false) => Exit::Findings,
        (None, true) => Exit::Clean,
    }
}

/// An error with everything that caused it, in one line, nothing said twice.
#[must_use]
pub fn in_one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The exit code of an error that ended a command.
#[must_use]
pub fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<UsageError>() { Exit::Usage } else { Exit::Unreachable }
}

#[cfg(test)]
mod tests {
    use domain::ports::IndexError;
    use domain::{Fid, Intake, Misconfigured, Reason, ReasonKind, Rejection};

    use super::*;

    #[test]
    fn a_runs_exit_code_says_what_became_of_it() {
        let stopped = |stopped| Summary { stopped: Some(stopped), ..Summary::default() };
        let mut rejected =
            Summary { intake: Intake { rows: 1, ..<_>::default() }, ..<_>::default() };
        rejected.intake.add_rejected(Fid(1), &Rejection::NoKey);
        let (domain, known) = ("repo".to_owned(), Vec::new());
        let no_domain = Misconfigured::NoSuchDomain { domain, known };
        let outage = Reason::new(ReasonKind::StoreUnreachable, "no way there");
        for (summary, exit) in [
            (Summary::default(), Exit::Clean),
            (rejected, Exit::Findings),
            (Summary { counted_before: Some(1), ..Summary::default() }, Exit::Findings),
            (stopped(Stopped::Interrupted), Exit::Findings),
            (stopped(Stopped::Failures(3)), Exit::Findings),
            (stopped(Stopped::Trouble(outage)), Exit::Unreachable),
            (stopped(Stopped::Misconfigured(no_domain)), Exit::Usage),
        ] {
            assert_eq!(of_run(&summary), exit, "{summary:?}");
        }
    }

    #[test]
    fn incomplete_wins_over_differs_and_machines_are_told_both() {
        let outage = Reason::new(ReasonKind::StoreUnreachable, "no way there");
        let stopped = Some(Stopped::Trouble(outage));
        let mut summary = Summary { stopped, ..Summary::default() };
        let verdict = |exit_code, incomplete, differs| Verdict { exit_code, incomplete, differs };
        assert_eq!(Verdict::of_run(&summary), verdict(3, true, false));
        summary.intake.rows = 1;
        summary.intake.add_rejected(Fid(1), &Rejection::NoKey);
        assert_eq!(Verdict::of_run(&summary), verdict(3, true, true));
        summary.stopped = None;
        assert_eq!(Verdict::of_run(&summary), verdict(1, false, true));
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = IndexError::Unavailable { at: "db/mogile".into(), cause: "refused".into() };
        let error = anyhow::Error::from(error).context("reading the index");
        let told = "reading the index: the index at `db/mogile` cannot be read now: refused";
        assert_eq!(in_one_line(&error), told);
    }
}
