//! Parts of what `verify` prints: what stands behind its counts.

use std::fmt::{self, Write};

use domain::verify::VerifySummary;
use domain::{Coverage, limits};
use indicatif::HumanCount;

/// What HEADs have said of files that the listings do not have.
pub(super) fn write_late(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    let (found, unlooked) = (summary.found_by_head, summary.missing_by_listing);
    if found > 0 {
        let found = HumanCount(found);
        writeln!(out, "{found} files were not listed and were found by HEAD: written meanwhile.")?;
    }
    if unlooked > 0 {
        let (unlooked, row) = (HumanCount(unlooked), HumanCount(limits::MISSING_LOOKED_FOR));
        writeln!(
            out,
            "{unlooked} of the missing files were not looked for by HEAD: {row} before them were, in a row, \
             and none was there."
        )?;
    }
    Ok(())
}

/// What stands behind the number of rows.
pub(super) fn write_coverage(out: &mut String, summary: &VerifySummary) -> fmt::Result {
    if let Some(listed) = summary.listed_by_fid {
        let why = match &summary.uncounted {
            Some(why) => format!("The index could not be counted: {why}"),
            None => "The index has more rows than its key ranges gave, or no count.".to_owned(),
        };
        writeln!(
            out,
            "{why}\n  So its rows were read by fid, too: {} rows, each of which is among those that were read.",
            HumanCount(listed)
        )?;
    }
    match summary.coverage() {
        Coverage::NotTold => match &summary.uncounted {
            Some(why) if summary.listed_by_fid.is_none() => {
                writeln!(out, "The index could not be counted: {why}")
            }
            None if summary.stopped.is_none() && !summary.is_backed() => {
                writeln!(
                    out,
                    "Nothing counts the rows: whether all of them were read is not known."
                )
            }
            _ => Ok(()),
        },
        Coverage::Equal => writeln!(out, "The index counts as many rows as were read."),
        Coverage::More(rows) => {
            let rows = HumanCount(rows);
            writeln!(out, "{rows} rows more than the index counted before: written meanwhile.")
        }
        Coverage::Deleted(rows) => {
            let rows = HumanCount(rows);
            writeln!(out, "{rows} rows fewer than the index counted before: deleted meanwhile.")
        }
        Coverage::Missing(rows) => writeln!(
            out,
            "NOT COMPARED: {} rows that the index counts were not read. Rows that are written while this \
             runs may be passed over: run this again when ingest has stopped.",
            HumanCount(rows)
        ),
    }
}

/// What objects that a stock contentrepo cannot read mean, and what mends them.
pub(super) fn write_other_etags(out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "A STOCK CONTENTREPO CANNOT READ THE FILES OF `etag-not-md5`: it compares each ETag with the MD5 of what it \
         has read. Their content is right. Only files that were read are judged.\n  → objects that are encrypted \
         by SSE-KMS have such ETags. Set SSE-S3 as the default encryption of their bucket, then copy each of its \
         objects onto itself:\n    aws s3api copy-object --bucket BUCKET --key KEY --copy-source BUCKET/KEY \
         --server-side-encryption AES256 --checksum-algorithm SHA1\n    Where no stock contentrepo reads these \
         buckets, run this again with --allow-etags"
    )
}
