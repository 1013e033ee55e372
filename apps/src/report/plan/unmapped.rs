//! The buckets of MogileFS that nobody has named.

use std::fmt::{self, Write};

use domain::Tally;
use domain::doctor::Census;
use indicatif::{HumanBytes, HumanCount};

use super::super::table::Table;

/// The buckets that are printed. `--json` has up to a thousand.
const PRINTED: usize = 20;

/// Writes the buckets with the most rows, and how many rows are in all others.
pub(super) fn write_unmapped(out: &mut String, census: &Census) -> fmt::Result {
    if census.unmapped.is_empty() {
        return Ok(());
    }
    writeln!(out, "Buckets of MogileFS that neither BUCKETS nor IGNORE_BUCKETS names:")?;
    let mut buckets: Vec<_> = census.unmapped.iter().collect();
    // The sort is stable: buckets with as many rows stay in the order of their names.
    buckets.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.files));
    let mut table = Table::of_buckets(out);
    for (bucket, tally) in buckets.iter().take(PRINTED) {
        table.tally(bucket, **tally)?;
    }
    let mut others = census.unmapped_others;
    buckets.iter().skip(PRINTED).for_each(|(_, tally)| others.merge(**tally));
    if others.files == 0 {
        return Ok(());
    }
    let Tally { files, bytes } = others;
    writeln!(out, "  and {} rows, {}, in other buckets", HumanCount(files), HumanBytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buckets_with_the_most_rows_are_printed_and_the_others_counted() {
        let mut census = Census::default();
        for number in 1..=25_u64 {
            let tally = Tally { files: number, bytes: 1 };
            census.unmapped.insert(format!("bucket-{number:02}"), tally);
        }
        let printed = |census: &Census| {
            let mut said = String::new();
            write_unmapped(&mut said, census).expect("a string takes it");
            said
        };
        let said = printed(&census);
        assert!(said.contains("bucket-25") && said.contains("bucket-06"), "{said}");
        assert!(!said.contains("bucket-05"), "{said}");
        // 1 + 2 + 3 + 4 + 5.
        assert!(said.ends_with("  and 15 rows, 5 B, in other buckets\n"), "{said}");
        census.unmapped_others = Tally { files: 100, bytes: 100 };
        let said = printed(&census);
        assert!(said.ends_with("  and 115 rows, 105 B, in other buckets\n"), "{said}");
        assert_eq!(printed(&Census::default()), "");
    }
}
