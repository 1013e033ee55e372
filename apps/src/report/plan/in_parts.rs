//! Files that are too large for one PUT.

use std::fmt::{self, Write};

use domain::Tally;
use indicatif::{HumanBytes, HumanCount};

/// They are among the files that are to be migrated.
pub(super) fn write_in_parts(out: &mut String, Tally { files, bytes }: Tally) -> fmt::Result {
    if files == 0 {
        return Ok(());
    }
    let (files, bytes) = (HumanCount(files), HumanBytes(bytes));
    writeln!(
        out,
        "Of the files to be migrated {files} ({bytes}) are too large for one PUT, and are written in \
         parts."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_parts_are_said_of_those_that_are_to_be_migrated() {
        let mut said = String::new();
        write_in_parts(&mut said, Tally { files: 2, bytes: 12 << 30 }).expect("a string takes it");
        let words = "Of the files to be migrated 2 (12.00 GiB) are too large for one PUT";
        assert!(said.starts_with(words), "{said}");
        said.clear();
        write_in_parts(&mut said, Tally::default()).expect("a string takes it");
        assert_eq!(said, "");
    }
}
