use std::fmt::{self, Write};

use domain::TypesSummary;
use indicatif::HumanCount;

use super::table::Table;

/// Writes what files were given of types and names. `what` got them, objects or jobs: so many were
/// written or sent.
pub(super) fn write_types(
    out: &mut String,
    what: &str,
    done: u64,
    summary: Option<&TypesSummary>,
) -> fmt::Result {
    let Some(TypesSummary { read, without_row, with_type, with_name }) = summary else {
        if done == 0 {
            return Ok(());
        }
        return writeln!(
            out,
            "The {what} have no content types and download names: CONTENTREPO_DATABASE_URL is not set."
        );
    };
    let rows = HumanCount(read.rows);
    writeln!(out, "Types and names, from {rows} rows of contentrepo's database:")?;
    let mut table = Table::new(out);
    table.count(&format!("{what} with a type"), *with_type)?;
    table.count(&format!("{what} with a name"), *with_name)?;
    table.count("files without a row", *without_row)?;
    for (count, words) in [
        (read.disagreeing, "files have rows that disagree: the newest row in use counts"),
        (read.unusable_types, "rows have a type that no header can carry: they give none"),
        (read.unusable_names, "rows have a name that no header can carry: they give none"),
    ] {
        if count > 0 {
            writeln!(out, "  ({} {words})", HumanCount(count))?;
        }
    }
    Ok(())
}
