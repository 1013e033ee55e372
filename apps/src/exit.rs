//! Exit codes, and the errors that have one.

use std::collections::BTreeMap;
use std::process::ExitCode;

use domain::summary::Sample;
use domain::{Misconfigured, Reason, ReasonKind, Stopped};
use serde::{Serialize, Serializer};

use crate::report::{advice_on, advice_on_settings};

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
    /// 4: a gate refused; nothing was changed.
    Refused,
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
            Self::Refused => 4,
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

    /// The same verdict, where files failed because a bucket does not exist that the settings name:
    /// that is configuration, in every command.
    #[must_use]
    pub fn with_failures(self, failed: &BTreeMap<&'static str, Sample>) -> Self {
        let is_missing = failed.contains_key(ReasonKind::NoBucket.name());
        let exit = if is_missing && self.exit == Exit::Findings { Exit::Usage } else { self.exit };
        Self { exit, ..self }
    }

    /// The verdict where a trouble let nothing be seen.
    #[must_use]
    pub const fn of_trouble(reason: &Reason) -> Self {
        Self { exit: of_reason(reason), incomplete: true, differs: false }
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
#[derive(Debug, Clone)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl UsageError {
    /// All of them as one; [`Ok`] where there is none.
    pub fn all(errors: Vec<Self>) -> Result<(), Self> {
        let many = errors.len();
        let mut lines: Vec<_> = errors.into_iter().map(|error| error.0).collect();
        let Some(last) = lines.pop() else { return Ok(()) };
        if lines.is_empty() {
            return Err(Self(last));
        }
        lines.push(last);
        let lines = lines.join("\n  ");
        Err(Self(format!(
            "{many} settings are missing or cannot be used. Each is a flag, a variable of the environment or \
             a line of the file .env:\n  {lines}"
        )))
    }
}

/// A gate that did not let a command go on.
#[derive(Debug)]
pub struct RefusedError(pub String);

impl std::fmt::Display for RefusedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RefusedError {}

/// The exit code of a run that was stopped or came to its end, clean or not.
const fn of(stopped: Option<&Stopped>, clean: bool) -> Exit {
    match (stopped, clean) {
        (Some(Stopped::Misconfigured(_)), _) => Exit::Usage,
        (Some(Stopped::Trouble(reason)), _) => of_reason(reason),
        (Some(Stopped::Failures(_) | Stopped::Interrupted), _) | (None, false) => Exit::Findings,
        (None, true) => Exit::Clean,
    }
}

/// The exit code of a trouble: what the settings name and does not exist is configuration.
#[must_use]
pub const fn of_reason(reason: &Reason) -> Exit {
    if reason.is_of_wrong_settings() { Exit::Usage } else { Exit::Unreachable }
}

/// A wrong setting that ended a command before it had anything to report.
#[derive(Debug)]
pub struct MisconfiguredError(pub Misconfigured);

impl std::fmt::Display for MisconfiguredError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n  → {}", self.0, advice_on_settings(&self.0))
    }
}

impl std::error::Error for MisconfiguredError {}

/// A trouble that ended a command before it had anything to report.
#[derive(Debug)]
pub struct TroubleError(pub Reason);

impl std::fmt::Display for TroubleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n  → {}", self.0, advice_on(&self.0))
    }
}

impl std::error::Error for TroubleError {}

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
    if let Some(TroubleError(reason)) = error.downcast_ref() {
        return of_reason(reason);
    }
    if error.is::<RefusedError>() {
        return Exit::Refused;
    }
    let of_settings = error.is::<UsageError>() || error.is::<MisconfiguredError>();
    if of_settings { Exit::Usage } else { Exit::Unreachable }
}

#[cfg(test)]
mod tests {
    use domain::ports::IndexError;
    use domain::{Fid, Obstacle, Thing};

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
    fn what_the_settings_name_and_does_not_exist_is_configuration() {
        let no_table = Reason::new(ReasonKind::LedgerUnavailable, "no such table");
        let away = no_table.clone().because_of(Obstacle::Unreachable);
        let no_table = no_table.because_of(Obstacle::Absent(Thing::Table));
        for (reason, exit) in [(no_table, Exit::Usage), (away, Exit::Unreachable)] {
            assert_eq!(Verdict::of(Some(&Stopped::Trouble(reason.clone())), false).exit, exit);
            assert_eq!(Verdict::of_trouble(&reason).exit, exit);
            assert_eq!(of_error(&TroubleError(reason).into()), exit);
        }
    }

    #[test]
    fn files_that_fail_for_a_bucket_that_does_not_exist_are_configuration() {
        let mut sample = Sample::default();
        sample.add(Fid(7), "words");
        let failed = |reason: ReasonKind| BTreeMap::from([(reason.name(), sample.clone())]);
        let findings = || Verdict::of(None, true);
        assert_eq!(findings().with_failures(&failed(ReasonKind::NoBucket)).exit, Exit::Usage);
        assert_eq!(findings().with_failures(&failed(ReasonKind::NoReplica)).exit, Exit::Findings);
        let out = Verdict::of_checks(true, true).with_failures(&failed(ReasonKind::NoBucket));
        assert_eq!(out.exit, Exit::Unreachable, "incomplete wins");
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = IndexError::Unavailable { at: "db/mogile".into(), cause: "refused".into() };
        let error = anyhow::Error::from(error).context("reading the index");
        let told = "reading the index: the index at `db/mogile` cannot be read now: refused";
        assert_eq!(in_one_line(&error), told);
    }
}
