//! The stories of the runbook, for people.

use std::fmt;

use super::text;
use crate::runbook::{Story, Typed};
use crate::scenarios::Scenario;

/// The most characters of a line.
const WIDTH: usize = 100;

/// The stories, and in the full report the commands of each.
pub struct Stories<'a>(pub &'a [Story]);

impl Stories<'_> {
    /// A line for each story, and its problems.
    pub(super) fn write_in_short(&self, f: &mut fmt::Formatter<'_>, most: usize) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nTHE RUNBOOK WITH BOTH CUT-OVERS, each story in a world of its own")?;
        let scenarios: Vec<_> = self.0.iter().map(|story| story.scenario.clone()).collect();
        text::write_each_scenario(f, &scenarios)?;
        for story in self.0.iter().filter(|story| !story.check_list.is_empty()) {
            writeln!(
                f,
                "\nTHE CHECK-LIST in the end of the first, as `mogile2s3 runbook status` prints it"
            )?;
            write!(f, "{}", story.check_list)?;
        }
        for problem in scenarios.iter().flat_map(Scenario::all_problems).take(most) {
            writeln!(f, "  PROBLEM: {problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Stories<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_in_short(f, usize::MAX)?;
        for story in self.0 {
            let (name, rows) = (story.scenario.name, story.rows_read);
            writeln!(f, "\n  {name}\n  {rows} rows of contentrepo and rhino were read in the end")?;
            story.commands.iter().try_for_each(|typed| write_typed(f, typed))?;
        }
        Ok(())
    }
}

/// A command, as wide as a screen: `--json` has all of it.
fn write_typed(f: &mut fmt::Formatter<'_>, typed: &Typed) -> fmt::Result {
    let line = format!("    {typed}");
    let is_long = line.chars().count() > WIDTH;
    let line: String = line.chars().take(if is_long { WIDTH - 1 } else { WIDTH }).collect();
    writeln!(f, "{}{}", line.trim_end(), if is_long { "…" } else { "" })
}

/// The commands during which a server failed on purpose.
pub struct Struck<'a>(pub &'a Story);

impl fmt::Display for Struck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut struck = self.0.commands.iter().filter(|typed| typed.met_a_fault()).peekable();
        if struck.peek().is_none() {
            return Ok(());
        }
        writeln!(
            f,
            "\nA SERVER FAILED during these; what ended with 3 completed when it was typed again"
        )?;
        struck.try_for_each(|typed| write_typed(f, typed))
    }
}

/// What a world of real servers lacks, as `doctor` has found it.
pub struct Lacks<'a>(pub &'a Story);

/// The words of `doctor` about an S3 that breaks a promise.
const UNSOUND: &str = "as S3_CONDITIONAL_COPY=unsound says";

impl fmt::Display for Lacks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doctor = &self.0.doctor;
        let (mut is_noted, mut lines) = (false, Vec::new());
        for line in doctor.lines() {
            // A line that is set in belongs to the one before it.
            is_noted = line.starts_with('!') || (is_noted && line.starts_with(' '));
            if is_noted || line.contains(UNSOUND) {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nWHAT THESE SERVERS LACK, as `mogile2s3 doctor` prints it")?;
        lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_lack_is_what_doctor_notes() {
        let doctor = "ok   one: good\n!    two: does not hold\n     turn it on\n\
                      ok   three: refused (as S3_CONDITIONAL_COPY=unsound says)\nok   four: good\n";
        let story = Story { doctor: doctor.to_owned(), ..Story::default() };
        let lacks = Lacks(&story).to_string();
        for (word, is_there) in [("one", false), ("two", true), ("turn", true), ("three", true)] {
            assert_eq!(lacks.contains(word), is_there, "{lacks}");
        }
        assert!(!lacks.contains("four") && Lacks(&Story::default()).to_string().is_empty());
    }
}
