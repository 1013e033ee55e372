//! What of the files is in S3 already.

use std::fmt::{self, Write};

use domain::doctor::{Arrived, BucketArrivals, lists_at_most, scan_reads};
use domain::prices::Unit;
use domain::{Dollars, Prices, Tally};
use indicatif::{HumanBytes, HumanCount};

use super::super::sample::{is_whole, write_sample};
use super::super::shell::printable;
use super::super::table::Table;

/// Writes what the listings found, by bucket.
/// `files` are all that are to be migrated.
pub(super) fn write_arrived(
    out: &mut String,
    arrived: &Arrived,
    files: u64,
    prices: &Prices,
) -> fmt::Result {
    write_requests(out, arrived, prices)?;
    for bucket in &arrived.absent_buckets {
        writeln!(out, "  Bucket `{}` does not exist yet.", printable(bucket))?;
    }
    for (bucket, of_bucket) in &arrived.buckets {
        let BucketArrivals { at_final_key, intermediary_only, absent, proven, synced, left } =
            *of_bucket;
        let mut to_be_written = intermediary_only;
        to_be_written.merge(absent);
        writeln!(out, "  In {bucket}:")?;
        let mut table = Table::of_buckets(out);
        table.tally("  at their final key", at_final_key)?;
        table.tally("  only as an intermediary", intermediary_only)?;
        table.tally("  neither", absent)?;
        table.tally("  to be written", to_be_written)?;
        table.tally("  left to migrate", left)?;
        let Tally { files, bytes } = synced;
        let (files, bytes) = (HumanCount(files), HumanBytes(bytes));
        let proven = HumanCount(proven.files);
        writeln!(
            out,
            "    ({proven} of those at their final key are proven by the ledger, and not left. {files} files, \
             {bytes}, have an intermediary)"
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
        let (fids, looked_at) = if is_whole(sample) {
            (format!(" --fids {}", fids.join(",")), sample.files)
        } else {
            (String::new(), files)
        };
        let dollars = again(looked_at, sample.files, prices);
        writeln!(
            out,
            "    → `mogile2s3 migrate --again{fids}` looks at each file, and writes what is absent: {dollars} for \
             {} HEADs, {} COPYs or PUTs and as many records as HEADs. An object without a stored SHA-1 is read \
             whole",
            HumanCount(looked_at),
            HumanCount(sample.files)
        )?;
    }
    Ok(())
}

/// The price of looking at each file again: a HEAD and a record each, and a write of what is absent.
fn again(files: u64, absent: u64, prices: &Prices) -> Dollars {
    let parts = [(files, Unit::S3Read), (files, Unit::DynamoDbWrite), (absent, Unit::S3Write)];
    parts.into_iter().map(|(count, unit)| prices.of(count, unit)).sum()
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

#[cfg(test)]
mod tests {
    use domain::Fid;

    use super::*;

    /// How many proven files are absent; the command and its price.
    #[test]
    fn looking_again_has_its_price() {
        for (absent, expected) in [
            (
                2,
                "migrate --again --fids 1,2` looks at each file, and writes what is absent: $0.01 for 2 HEADs",
            ),
            (
                30,
                "migrate --again` looks at each file, and writes what is absent: $10.26 for 10,000,000 HEADs, 30",
            ),
        ] {
            let mut arrived = Arrived::default();
            (1..=absent).for_each(|fid| arrived.proven_and_absent.add(Fid(fid), "key"));
            let mut said = String::new();
            write_arrived(&mut said, &arrived, 10_000_000, &Prices::us_east_1()).expect("written");
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
