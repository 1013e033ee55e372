//! What it costs, line by line, and how long it takes.

use std::fmt::{self, Write};
use std::time::Duration;

use domain::doctor::{CostLine, DataCosts, Stage};
use domain::prices::Unit;
use domain::{Dollars, Prices, Tally};
use indicatif::{HumanBytes, HumanCount, HumanDuration};

/// Each stage with its sum, and its lines below.
pub(super) fn write_stages(
    out: &mut String,
    lines: &[CostLine],
    stages: &[(Stage, &str)],
    prices: &Prices,
) -> fmt::Result {
    for (stage, name) in stages {
        let of_stage = || lines.iter().filter(|line| line.stage == *stage);
        let total: Dollars = of_stage().map(|line| line.dollars).sum();
        writeln!(out, "  {name:<73} {total:>10}")?;
        for CostLine { what, count, unit, dollars, .. } in of_stage() {
            let count = HumanCount(*count).to_string();
            let price = format!("x ${} a million", prices.of_million(*unit));
            writeln!(out, "    {what:<37} {count:>12} {price:<22} {dollars:>8}")?;
        }
    }
    Ok(())
}

/// What requests do not show: the function's time, and the bytes.
pub(super) fn write_beside(
    out: &mut String,
    files: u64,
    data_costs: DataCosts,
    prices: &Prices,
) -> fmt::Result {
    // A tenth of a second, ten files at once, half a gigabyte: the template's defaults.
    let gb_seconds = files.div_ceil(200);
    writeln!(
        out,
        "  The function's time comes on top: {} for each 0.1 s that ten files take it together, with \
         512 MB.",
        prices.of(gb_seconds, Unit::LambdaGbSecond)
    )?;
    let DataCosts { kept_twice_a_month, through_nat } = data_costs;
    writeln!(
        out,
        "  The bytes cost {kept_twice_a_month} a month while intermediaries are kept beside them, and \
         {through_nat} if they pass a NAT gateway (none where S3 has a gateway endpoint)."
    )
}

/// The files that the bill of the queue and the verification leaves out.
pub(super) fn write_without_job(out: &mut String, files: Tally) -> fmt::Result {
    if files.files == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "  {} files, {}, are larger than LAMBDA_MAX_BYTES and get no job: `mogile2s3 migrate` writes them. \
         The queue and the verification by the function have no requests of them.",
        HumanCount(files.files),
        HumanBytes(files.bytes)
    )
}

/// The objects that have to be read whole, and what their bytes cost where somebody charges for them.
pub(super) fn write_to_be_read(out: &mut String, objects: Tally, prices: &Prices) -> fmt::Result {
    if objects.files == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "  No SHA-1 is stored with {} of the objects at their final keys: each is read whole, together {}. \
         These bytes cost {} if they pass a NAT gateway. Outside of the bucket's region AWS also charges for \
         the transfer, which is not in these sums.",
        HumanCount(objects.files),
        HumanBytes(objects.bytes),
        DataCosts::of(objects, prices).through_nat
    )
}

/// How long so many files take.
pub(super) fn write_time(out: &mut String, files: u64) -> fmt::Result {
    let time = |a_second: u64| HumanDuration(Duration::from_secs(files.div_ceil(a_second)));
    writeln!(
        out,
        "  At 200 files/s it takes {}, at 1,000 {}, at 3,500 {}. A new S3 bucket takes about 3,500 writes \
         a second, a new ledger about 4,000. The function begins with 5 calls at once and adds 300 each \
         minute.",
        time(200),
        time(1000),
        time(3500)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_whole_has_its_bytes_and_their_price() {
        let mut said = String::new();
        let objects = Tally { files: 1_500, bytes: 200 << 30 };
        write_to_be_read(&mut said, objects, &Prices::us_east_1()).expect("a string takes it");
        let words = "No SHA-1 is stored with 1,500 of the objects at their final keys: each is read \
                     whole, together 200.00 GiB. These bytes cost $9.00 if";
        assert!(said.contains(words), "{said}");
        said.clear();
        write_to_be_read(&mut said, Tally::default(), &Prices::us_east_1()).expect("nothing");
        assert_eq!(said, "");
    }
}
