//! What is told of the verifications.

use std::fmt;

use indicatif::HumanCount;

use super::table::Table;
use crate::verified::{Counts, Verified};

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::default();
        let columns = ["rows", "whole", "not whole", "rejected", "temporary", "ignored", "exit"];
        table.line("", columns.map(str::to_owned).to_vec());
        table.line("as planted", cells(&self.due));
        for verification in &self.by {
            let mut cells = cells(&verification.counts);
            cells.push(verification.exit_code.to_string());
            table.line(verification.name, cells);
        }
        let seconds = self.seconds();
        writeln!(f, "\nVERIFIED AFTERWARDS, each by the real commands, in {seconds:.1} s")?;
        table.write(f)
    }
}

impl Verified {
    /// In two lines where all count what was planted, and else in full.
    pub(super) fn write_in_short(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.problems.is_empty() {
            return write!(f, "{self}");
        }
        let names: Vec<_> = self.by.iter().map(|by| format!("`{}`", by.name)).collect();
        let (names, seconds) = (names.join("; "), self.seconds());
        writeln!(f, "\nVERIFIED AFTERWARDS by {names}, in {seconds:.1} s")?;
        let Counts { whole, not_whole, rejected, .. } = &self.due;
        let [whole, not_whole, rejected] = [whole, not_whole, rejected].map(|it| HumanCount(*it));
        writeln!(
            f,
            "  as planted: {whole} files whole, {not_whole} not whole, {rejected} rows rejected"
        )
    }

    fn seconds(&self) -> f64 {
        self.by.iter().map(|by| by.took.as_secs_f64()).sum()
    }
}

fn cells(counts: &Counts) -> Vec<String> {
    let Counts { rows, temporary, ignored, rejected, whole, not_whole, .. } = counts;
    let counts = [rows, whole, not_whole, rejected, temporary, ignored];
    counts.map(|count| HumanCount(*count).to_string()).to_vec()
}
