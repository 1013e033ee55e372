//! The stories of the runbook, for people.

use std::fmt;

use super::text;
use crate::runbook::Story;
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
            for typed in &story.commands {
                // As wide as a screen: `--json` has the whole command.
                let line = format!("    {typed}");
                let is_long = line.chars().count() > WIDTH;
                let line: String =
                    line.chars().take(if is_long { WIDTH - 1 } else { WIDTH }).collect();
                writeln!(f, "{}{}", line.trim_end(), if is_long { "…" } else { "" })?;
            }
        }
        Ok(())
    }
}
