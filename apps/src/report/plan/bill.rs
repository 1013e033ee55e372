//! What it costs, line by line.

use std::fmt::{self, Write};

use domain::doctor::{CostLine, DataCosts, Stage, through_nat};
use domain::prices::Unit;
use domain::{Dollars, Prices, Tally};
use indicatif::{HumanBytes, HumanCount};

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
            write_line(out, (what, *count, *unit, *dollars), prices)?;
        }
    }
    Ok(())
}

/// Requests of one kind: how many, their price, and what they cost.
pub(super) fn write_line(
    out: &mut String,
    (what, count, unit, dollars): (&str, u64, Unit, Dollars),
    prices: &Prices,
) -> fmt::Result {
    let count = HumanCount(count).to_string();
    let price = format!("x ${} a million", prices.of_million(unit));
    writeln!(out, "    {what:<37} {count:>12} {price:<22} {dollars:>8}")
}

/// What requests do not show: the bytes, and what stands by the hour.
pub(super) fn write_beside(
    out: &mut String,
    data_costs: DataCosts,
    prices: &Prices,
) -> fmt::Result {
    let DataCosts { kept_twice_a_month, through_nat, nat_hours, sqs_endpoint, hours, job_bytes } =
        data_costs;
    writeln!(
        out,
        "  The bytes cost {kept_twice_a_month} a month while intermediaries are kept beside them, if all files have one, and \
         {through_nat} if they pass a NAT gateway (none where S3 has a gateway endpoint)."
    )?;
    let Prices { per_hour, per_gb, .. } = prices;
    writeln!(
        out,
        "  Where the function is in a VPC, for its {hours} h: a NAT gateway takes ${} an hour ({nat_hours}), \
         and ${} a GB of all that passes it. Without one, S3 and DynamoDB have gateway endpoints, which cost \
         nothing, and SQS an interface endpoint: ${} an hour and ${} a GB, {sqs_endpoint} with the {} of the \
         jobs, and its hours again in each further availability zone.",
        per_hour.nat,
        per_gb.nat,
        per_hour.interface_endpoint,
        per_gb.interface_endpoint,
        HumanBytes(job_bytes)
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
        through_nat(objects, prices)
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
