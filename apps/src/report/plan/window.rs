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
    writeln!(out, "  {:<32} {:>5} min", "all of it", minutes(window.seconds))?;
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
