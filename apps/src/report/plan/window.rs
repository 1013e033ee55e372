//! How long the clients stand still.

use std::fmt::{self, Write};

use domain::doctor::{Basis, Window, WindowGate};
use indicatif::{HumanBytes, HumanCount};

/// Writes the gates with their minutes, and what they rest on.
pub(super) fn write_window(out: &mut String, window: &Window) -> fmt::Result {
    writeln!(out, "The maintenance window, in which the clients stand still, gate by gate:")?;
    for WindowGate { name, seconds, formula, basis } in &window.gates {
        let basis = match basis {
            Basis::Measured => "measured",
            Basis::Estimate => "estimate",
        };
        writeln!(out, "  {name:<32} {:>5} min  {basis}: {formula}", minutes(*seconds))?;
    }
    // The sum of what is printed above, each rounded up.
    let all: u64 = window.gates.iter().map(|gate| minutes(gate.seconds)).sum();
    writeln!(out, "  {:<32} {all:>5} min", "all of it")?;
    if window.by_trackers {
        writeln!(
            out,
            "  The index is read through the trackers (MOGILE_DATABASE_URL is not set). How long that takes is \
             unknown: 33,000 rows/s is the rate of the database. `last migrate` and `verify what came since` \
             take longer than they say here."
        )?;
    }
    let rows = HumanCount(window.rhino_rows);
    let source = if window.rhino_counted {
        "counted in its database"
    } else {
        "assumed, one for each file: RHINO_DATABASE_URL is not set, or was not read"
    };
    writeln!(out, "  Rows of rhino that change: {rows}, {source}.")?;
    writeln!(
        out,
        "  Files that come in between the last migration and the freeze: {}, assumed (--ingested).",
        HumanCount(window.ingested)
    )?;
    writeln!(
        out,
        "  The update writes {} into rhino's binary log with whole rows, at most {} with \
         binlog_row_image=MINIMAL.",
        HumanBytes(window.binlog_bytes),
        HumanBytes(window.binlog_bytes_minimal)
    )?;
    writeln!(
        out,
        "  Measured means: on MariaDB 10.11, a million rows in memory, within 30 %. Where rhino's table does \
         not fit in memory it takes longer, and nobody has measured how much. Estimates were never \
         measured."
    )
}

/// Rounded up.
const fn minutes(seconds: u64) -> u64 {
    seconds.div_ceil(60)
}

#[cfg(test)]
mod tests {
    use domain::doctor::WindowSize;

    use super::*;

    #[test]
    fn the_minutes_that_are_printed_add_up() {
        let size = WindowSize {
            index_rows: 4_000_000,
            files: 3_700_000,
            ingested: 1_234,
            repo_rows: 1_000_000,
            by_trackers: false,
            rhino_rows: Some(7_654_321),
        };
        let printed = |size| {
            let mut said = String::new();
            write_window(&mut said, &Window::of(size)).expect("a string takes it");
            said
        };
        let said = printed(size);
        let minutes = said.lines().filter_map(|line| {
            let (before, _) = line.split_once(" min")?;
            before.split_whitespace().next_back()?.parse::<u64>().ok()
        });
        let mut minutes: Vec<_> = minutes.collect();
        let all = minutes.pop().expect("the last is the sum");
        assert_eq!((minutes.len(), all), (11, minutes.iter().sum()), "{said}");
        assert!(!said.contains("is unknown"), "{said}");
        let said = printed(WindowSize { by_trackers: true, ..size });
        assert!(said.contains("How long that takes is unknown"), "{said}");
    }
}
