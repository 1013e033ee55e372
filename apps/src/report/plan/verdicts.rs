//! What `audit` and `verify` cost, and how long they take.

use std::fmt::{self, Write};

use domain::doctor::{VerdictLine, VerdictNeeded, through_nat};
use domain::{Prices, Tally};
use indicatif::HumanBytes;

use super::bill::write_line;
use super::time::duration;

/// Each verdict with its sum, its requests and its time.
pub(super) fn write_verdicts(
    out: &mut String,
    verdicts: &[VerdictNeeded],
    prices: &Prices,
) -> fmt::Result {
    writeln!(
        out,
        "The verdicts behind it, from one machine with MogileFS's database, where nothing is throttled:"
    )?;
    for VerdictNeeded { command, lines, dollars, read_bytes, seconds, formula } in verdicts {
        writeln!(out, "  {:<73} {dollars:>10}", format!("`{command}`"))?;
        for VerdictLine { what, count, unit, dollars } in lines {
            write_line(out, (what, *count, *unit, *dollars), prices)?;
        }
        writeln!(out, "    = {formula:<90} {:>12}", duration(*seconds))?;
        if *read_bytes > 0 {
            let bytes = Tally { files: 0, bytes: *read_bytes };
            writeln!(
                out,
                "    {} are read, {} if they pass a NAT gateway.",
                HumanBytes(*read_bytes),
                through_nat(bytes, prices)
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::doctor::{Pace, VerdictSize, verdicts};

    use super::*;

    #[test]
    fn each_verdict_has_its_requests_its_price_and_its_minutes() {
        let files = Tally { files: 10_000_000, bytes: 20_000_000_000_000 };
        let size = VerdictSize {
            index_rows: 10_000_000,
            files,
            passes: files.files,
            intermediaries: 0,
            buckets: 2,
        };
        let prices = Prices::us_east_1();
        let mut said = String::new();
        let verdicts = verdicts(size, Pace::default(), &prices);
        write_verdicts(&mut said, &verdicts, &prices).expect("a string takes it");
        let lines: Vec<_> = said
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "`mogile2s3 audit --run NAME` $0.19",
            "= index rows ÷ 33,000/s + (records + passes) ÷ 100,000/s 9 min",
            "`mogile2s3 verify` $0.06",
            "LIST 10,130 x $5.00 a million $0.06",
            "`mogile2s3 verify --deep` $4.06",
            "18.19 TiB are read, $838.20 if they pass a NAT gateway.",
        ] {
            assert!(lines.iter().any(|written| written == line), "{line}: {said}");
        }
        assert!(said.contains("10 min\n") && said.contains("44 h 36 min\n"), "{said}");
    }
}
