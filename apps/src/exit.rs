//! Exit codes, and the errors that have one.

use std::process::ExitCode;

use domain::Stopped;
use serde::{Serialize, Serializer};

/// What a command that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done and clean.
    Clean,
    /// 1: findings, rejected rows or failed files; or the run was interrupted, or stopped because
    /// too many files failed.
    Findings,
    /// 2: wrong usage or configuration; nothing was started.
    Usage,
    /// 3: something could not be reached, and the rest was not started.
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

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.code())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// How a command ended, for machines: it can both have left something undone and have found
/// something wrong. Its exit code says the first before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The exit code of the process.
    #[serde(rename = "exit_code")]
    pub exit: Exit,
    /// Something was not looked at or not done: it could not be reached, or the run was stopped.
    pub incomplete: bool,
    /// Something that was looked at is not as it must be.
    pub differs: bool,
}

impl Verdict {
    /// The verdict on a run that was stopped or came to its end.
    #[must_use]
    pub const fn of(stopped: Option<&Stopped>, differs: bool) -> Self {
        Self { exit: of(stopped, !differs), incomplete: stopped.is_some(), differs }
    }

    /// The verdict on what was looked at, `incomplete` where something could not be reached.
    #[must_use]
    pub const fn of_checks(incomplete: bool, differs: bool) -> Self {
        let exit = match (incomplete, differs) {
            (true, _) => Exit::Unreachable,
            (false, true) => Exit::Findings,
            (false, false) => Exit::Clean,
        };
        Self { exit, incomplete, differs }
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

/// The exit code of a run that was stopped or came to its end, clean or not.
const fn of(stopped: Option<&Stopped>, clean: bool) -> Exit {
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
    use domain::{Reason, ReasonKind};

    use super::*;

    #[test]
    fn incomplete_wins_over_differs() {
        let outage = Stopped::Trouble(Reason::new(ReasonKind::StoreUnreachable, "no way there"));
        for differs in [false, true] {
            let verdict = Verdict { exit: Exit::Unreachable, incomplete: true, differs };
            assert_eq!(Verdict::of(Some(&outage), differs), verdict);
            assert_eq!(Verdict::of_checks(true, differs), verdict);
        }
        for (differs, exit) in [(false, Exit::Clean), (true, Exit::Findings)] {
            let verdict = Verdict { exit, incomplete: false, differs };
            assert_eq!(Verdict::of(None, differs), verdict);
            assert_eq!(Verdict::of_checks(false, differs), verdict);
        }
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = IndexError::Unavailable { at: "db/mogile".into(), cause: "refused".into() };
        let error = anyhow::Error::from(error).context("reading the index");
        let told = "reading the index: the index at `db/mogile` cannot be read now: refused";
        assert_eq!(in_one_line(&error), told);
    }
}
