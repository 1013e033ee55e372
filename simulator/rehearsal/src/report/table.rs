//! A table whose columns stand under one another.

use std::fmt::{self, Write};

/// Lines of a name and a cell for each column; cells end at the same place.
#[derive(Default)]
pub(super) struct Table {
    lines: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(super) fn line(&mut self, name: impl Into<String>, cells: Vec<String>) {
        self.lines.push((name.into(), cells));
    }

    /// Writes it, indented; a line without cells is a heading of its own width.
    pub(super) fn write(&self, out: &mut impl Write) -> fmt::Result {
        let width = |text: &String| text.chars().count();
        let tabled = || self.lines.iter().filter(|(_, cells)| !cells.is_empty());
        let names = tabled().map(|(name, _)| width(name)).max().unwrap_or_default();
        let columns = tabled().map(|(_, cells)| cells.len()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|at| tabled().filter_map(|(_, cells)| cells.get(at)).map(width).max())
            .map(Option::unwrap_or_default)
            .collect();
        for (name, cells) in &self.lines {
            let mut line = format!("  {name:<names$}");
            for (cell, width) in cells.iter().zip(&widths) {
                write!(line, "   {cell:>width$}")?;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_one_another() {
        let mut table = Table::default();
        table.line("a", vec!["1".to_owned(), "first".to_owned()]);
        table.line("a heading that is long", Vec::new());
        table.line("longer", vec!["1,000".to_owned()]);
        let mut text = String::new();
        table.write(&mut text).expect("a string takes all");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            ["  a            1   first", "  a heading that is long", "  longer   1,000"]
        );
    }
}
