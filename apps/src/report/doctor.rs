//! What `doctor` prints.

use std::fmt::{self, Write};

use domain::{Check, Health};
use serde::Serialize;

use super::Report;
use crate::exit::Verdict;

/// The checks of all systems.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    checks: Vec<Check>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl DoctorReport {
    /// Bad checks are findings; a system that cannot be reached makes the report incomplete.
    pub fn new(checks: Vec<Check>) -> Self {
        let any = |health| checks.iter().any(|check| check.health == health);
        let verdict = Verdict::of_checks(any(Health::Unreachable), any(Health::Bad));
        Self { checks, verdict }
    }
}

impl Report for DoctorReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        for check in &self.checks {
            let Check { subject, fact, health, detail } = check;
            match health {
                Health::Good => writeln!(out, "ok   {subject}: {fact} ({detail})")?,
                Health::Bad => {
                    writeln!(out, "BAD  {subject}: does not hold: {fact}\n     {detail}")?;
                }
                Health::Unreachable => {
                    writeln!(out, "OUT  {subject}: not checked: {fact}\n     {detail}")?;
                }
            }
        }
        let all = self.checks.len();
        match self.checks.iter().filter(|check| check.health != Health::Good).count() {
            0 => writeln!(out, "All {all} checks are good."),
            sick => writeln!(out, "{sick} of {all} checks are not good: mend them first."),
        }
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn what_cannot_be_reached_is_incomplete_and_what_is_bad_differs() {
        let good = || Check::good("index", "it answers", "noop");
        let bad = || Check::bad("bucket b", "it is there", "it is not");
        let out = || Check::unreachable("tracker t", "it answers", "refused");
        for (checks, exit, incomplete, differs) in [
            (vec![good()], Exit::Clean, false, false),
            (vec![good(), bad()], Exit::Findings, false, true),
            (vec![out(), good()], Exit::Unreachable, true, false),
            (vec![out(), bad()], Exit::Unreachable, true, true),
        ] {
            let verdict = DoctorReport::new(checks).verdict();
            assert_eq!(verdict, Verdict { exit, incomplete, differs });
        }
    }
}
