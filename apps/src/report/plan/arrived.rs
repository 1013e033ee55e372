//! What of the files is in S3 already.

use std::fmt::{self, Write};

use domain::doctor::{Arrived, BucketArrivals, lists_at_most, scan_reads};
use domain::prices::Unit;
use domain::{Prices, Tally};
use indicatif::{HumanBytes, HumanCount};

use super::super::sample::{is_whole, write_sample};
use super::super::shell::printable;
use super::super::table::Table;

/// Writes what the listings found, by bucket.
pub(super) fn write_arrived(out: &mut String, arrived: &Arrived, prices: &Prices) -> fmt::Result {
    write_requests(out, arrived, prices)?;
    for bucket in &arrived.absent_buckets {
        writeln!(out, "  Bucket `{}` does not exist yet.", printable(bucket))?;
    }
    for (bucket, of_bucket) in &arrived.buckets {
        let BucketArrivals { at_final_key, intermediary_only, absent, proven, synced } = *of_bucket;
        let mut left = intermediary_only;
        left.merge(absent);
        writeln!(out, "  In {bucket}:")?;
        let mut table = Table::of_buckets(out);
        table.tally("  at their final key", at_final_key)?;
        table.tally("  only as an intermediary", intermediary_only)?;
        table.tally("  neither", absent)?;
        table.tally("  left to migrate", left)?;
        let Tally { files, bytes } = synced;
        let (files, bytes) = (HumanCount(files), HumanBytes(bytes));
        let proven = HumanCount(proven.files);
        writeln!(
            out,
            "    ({proven} of those at their final key are proven by the ledger. {files} files, {bytes}, have \
             an intermediary)"
        )?;
    }
    if arrived.proven_and_absent.files > 0 {
        writeln!(
            out,
            "PROVEN AND ABSENT: the ledger has a proof of these files, and no object is at their final key:"
        )?;
        write_sample(out, "proven and absent", &arrived.proven_and_absent)?;
        let sample = &arrived.proven_and_absent;
        let fids: Vec<_> = sample.first_fids.iter().map(ToString::to_string).collect();
        // Where not all are named, every file is looked at.
        let fids =
            if is_whole(sample) { format!(" --fids {}", fids.join(",")) } else { String::new() };
        writeln!(
            out,
            "    → `mogile2s3 migrate --again{fids}` looks at each file, and writes what is absent"
        )?;
    }
    Ok(())
}

/// What was asked, and what it costs.
fn write_requests(out: &mut String, arrived: &Arrived, prices: &Prices) -> fmt::Result {
    let lists = HumanCount(arrived.lists);
    let dollars = prices.of(arrived.lists, Unit::S3Write);
    let scanned = match arrived.ledger_items {
        Some(items) => {
            let dollars = prices.of(scan_reads(items), Unit::DynamoDbRead);
            format!(
                ", and a scan of {} items of the ledger ({dollars}) and of the failures table",
                HumanCount(items)
            )
        }
        None => String::new(),
    };
    writeln!(
        out,
        "What is in S3 already, by {lists} LISTs ({dollars}){scanned}. What the objects contain was not \
         looked at."
    )?;
    if arrived.ledger_items.is_none() {
        writeln!(
            out,
            "  No ledger was read (DYNAMODB_TABLE is not set, or there is no such table yet): no file counts \
             as proven."
        )?;
    }
    Ok(())
}

/// Says that S3 was not looked at, and what a look costs.
pub(super) fn write_not_listed(
    out: &mut String,
    files: u64,
    buckets: u64,
    prices: &Prices,
) -> fmt::Result {
    let lists = lists_at_most(files, buckets);
    writeln!(
        out,
        "S3 was not looked at, and all of this counts as left. `mogile2s3 plan --list-buckets` says what is \
         there already, by at most about {} LISTs ({}).",
        HumanCount(lists),
        prices.of(lists, Unit::S3Write)
    )
}
