use serde::Serialize;

use super::estimate::RequestsNeeded;
use super::pace::TimeNeeded;
use crate::limits::assumed;
use crate::{Dollars, Prices, Tally};

/// What bytes and hours cost beside the requests, where files are kept twice for a month, or the function
/// runs in a VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DataCosts {
    /// The intermediaries are kept beside the final objects, for a month.
    pub kept_twice_a_month: Dollars,
    /// The content passes a NAT gateway. It passes none where the function's VPC has S3's gateway
    /// endpoint, and what comes by copy passes none anyway.
    pub through_nat: Dollars,
    /// The NAT gateway's hours, while the function migrates.
    pub nat_hours: Dollars,
    /// The interface endpoint of SQS, in one availability zone: its hours, while the function migrates, and
    /// the bytes of the jobs.
    pub sqs_endpoint: Dollars,
    /// These hours.
    pub hours: u64,
    /// The bytes of the jobs, there and back.
    pub job_bytes: u64,
}

/// Prices of data are by 2^30 bytes.
const GB: u64 = 1 << 30;

impl DataCosts {
    /// The costs of keeping these files twice, and of the requests that a first migration needs.
    #[must_use]
    pub fn of(kept: Tally, needed: &RequestsNeeded, time: &TimeNeeded, prices: &Prices) -> Self {
        let hours = time.function.seconds.div_ceil(3_600);
        let jobs = needed.files() - needed.without_job.files.min(needed.files());
        let job_bytes = jobs.saturating_mul(assumed::JOB_BYTES);
        let mut passing = needed.by_mogile;
        passing.merge(needed.to_be_read);
        let (per_gb, per_hour) = (prices.per_gb, prices.per_hour);
        let endpoint = [
            per_hour.interface_endpoint.times(hours, 1),
            per_gb.interface_endpoint.times(job_bytes, GB),
        ];
        Self {
            kept_twice_a_month: per_gb.storage_month.times(kept.bytes, GB),
            through_nat: through_nat(passing, prices),
            nat_hours: per_hour.nat.times(hours, 1),
            sqs_endpoint: endpoint.into_iter().sum(),
            hours,
            job_bytes,
        }
    }
}

/// What these bytes cost if they pass a NAT gateway.
#[must_use]
pub fn through_nat(passing: Tally, prices: &Prices) -> Dollars {
    prices.per_gb.nat.times(passing.bytes, GB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Pace;

    #[test]
    fn what_comes_by_copy_passes_no_nat_and_the_endpoint_costs_its_hours_and_jobs() {
        let files = Tally { files: 10_000_000, bytes: 20_000 * GB };
        let of = |by_copy, by_mogile: Tally| {
            let needed = RequestsNeeded {
                writes: files.files,
                by_copy,
                by_mogile,
                ..RequestsNeeded::default()
            };
            let time = TimeNeeded::of(&needed, Pace::default());
            DataCosts::of(files, &needed, &time, &Prices::us_east_1())
        };
        let (sent, copied) = (of(Tally::default(), files), of(files, Tally::default()));
        let words = [sent.kept_twice_a_month, sent.through_nat, sent.nat_hours, sent.sqs_endpoint];
        // 20,000 GB at $0.023 and $0.045; 48 hours at $0.045 and $0.01, and 18.63 GB of jobs at $0.01.
        assert_eq!(words.map(|cost| cost.to_string()), ["$460.00", "$900.00", "$2.16", "$0.67"]);
        assert_eq!((sent.hours, copied.hours), (48, 2));
        assert_eq!(copied.through_nat, Dollars::default());
        assert_eq!(copied.kept_twice_a_month, sent.kept_twice_a_month);
    }
}
