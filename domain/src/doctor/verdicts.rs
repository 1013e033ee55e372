//! What the two verdicts behind a migration ask of AWS, what that costs and how long it takes: `audit`, which
//! scans tables, and `verify`, which lists buckets and reads content.

use serde::Serialize;

use super::census::Census;
use super::estimate::scan_reads;
use super::pace::Pace;
use crate::limits::{self, assumed};
use crate::prices::Unit;
use crate::{BucketMap, Dollars, Prices, Tally};

/// On what they depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictSize {
    /// Rows of MogileFS's index.
    pub index_rows: u64,
    /// Files to be migrated, each with a record in the ledger and an object.
    pub files: Tally,
    /// Files that the workers verify, each with a pass.
    pub passes: u64,
    /// Raw copies in the same buckets, which are listed, too.
    pub intermediaries: u64,
    /// Buckets.
    pub buckets: u64,
}

impl VerdictSize {
    /// The size of a store that was counted. A file by copy has an intermediary in its bucket.
    #[must_use]
    pub fn of(census: &Census, buckets: &BucketMap) -> Self {
        let needed = &census.requests_needed;
        let mut files = Tally::default();
        census.source.values().for_each(|tally| files.merge(*tally));
        Self {
            index_rows: census.rows + census.other_domains,
            files,
            passes: needed.jobs(),
            intermediaries: needed.by_copy.files,
            buckets: buckets.pairs().count() as u64,
        }
    }
}

/// Requests of one kind, and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictLine {
    /// What is counted.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// The unit that is charged.
    pub unit: Unit,
    /// What these cost.
    pub dollars: Dollars,
}

/// One verdict on the whole store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerdictNeeded {
    /// The command.
    pub command: &'static str,
    /// Its requests.
    pub lines: Vec<VerdictLine>,
    /// What they cost together.
    pub dollars: Dollars,
    /// Bytes of objects that it reads.
    pub read_bytes: u64,
    /// How long it takes from one machine, where nothing is throttled.
    pub seconds: u64,
    /// The formula of the seconds.
    pub formula: &'static str,
}

/// The files of a sample by `verify`, where no one says otherwise.
const SAMPLE: u64 = 1_000;

/// Runs of key ranges for which `verify` lists each bucket once: the last page of each is not full.
const RUNS: u64 = 65;

/// Keys on a page of a listing (S3 API reference, "`ListObjectsV2`").
const LISTED_AT_A_TIME: u64 = 1_000;

/// What `audit`, `verify` and `verify --deep` need for a store of this size. The index is read from MogileFS's
/// database: how fast trackers list it is not known.
#[must_use]
pub fn verdicts(size: VerdictSize, pace: Pace, prices: &Prices) -> Vec<VerdictNeeded> {
    let VerdictSize { index_rows, files, passes, intermediaries, buckets } = size;
    let read = index_rows.div_ceil(assumed::INDEX_ROWS_A_SECOND);
    let scanned = files.files.saturating_add(passes).div_ceil(assumed::LEDGER_ITEMS_A_SECOND);
    let objects = files.files.saturating_add(intermediaries);
    let lists = objects.div_ceil(LISTED_AT_A_TIME) + RUNS * buckets;
    let list_milliseconds = u64::try_from(assumed::LIST_TIME.as_millis()).unwrap_or(u64::MAX);
    let at_once =
        |milliseconds: u64, at_once: usize| milliseconds.div_ceil(at_once as u64).div_ceil(1_000);
    let listed = at_once(lists.saturating_mul(list_milliseconds), limits::RANGES_AT_ONCE);
    let sample = SAMPLE.min(files.files);
    let share = u128::from(files.bytes) * u128::from(sample) / u128::from(files.files.max(1));
    let sampled = Tally { files: sample, bytes: u64::try_from(share).unwrap_or(u64::MAX) };
    let sampling = at_once(pace.of_looks(sampled.files), limits::SAMPLE_READS_AT_ONCE)
        + pace.of_line(sampled.bytes);
    let deep = at_once(pace.of_looks(files.files), limits::RANGES_AT_ONCE * limits::LOOKS_AT_ONCE)
        .max(pace.of_line(files.bytes));
    let line =
        |what, count, unit| VerdictLine { what, count, unit, dollars: prices.of(count, unit) };
    let of_lists = || line("LIST", lists, Unit::S3Write);
    let verdict = |command, lines: Vec<VerdictLine>, read_bytes, seconds, formula| {
        let dollars = lines.iter().map(|line| line.dollars).sum();
        VerdictNeeded { command, lines, dollars, read_bytes, seconds, formula }
    };
    vec![
        verdict(
            "mogile2s3 audit --run NAME",
            vec![
                line("ledger scanned", scan_reads(files.files), Unit::DynamoDbRead),
                line("passes of the run read", scan_reads(passes), Unit::DynamoDbRead),
            ],
            0,
            read + scanned,
            "index rows ÷ 33,000/s + (records + passes) ÷ 100,000/s",
        ),
        verdict(
            "mogile2s3 verify",
            vec![of_lists(), line("GET, whole, of the sample", sampled.files, Unit::S3Read)],
            sampled.bytes,
            read + listed + sampling,
            "index rows ÷ 33,000/s + LISTs × 200 ms ÷ 8 + sample × --look-ms ÷ 16 + its bytes ÷ line",
        ),
        verdict(
            "mogile2s3 verify --deep",
            vec![of_lists(), line("GET, whole, of every object", files.files, Unit::S3Read)],
            files.bytes,
            read + listed + deep,
            "index rows ÷ 33,000/s + LISTs × 200 ms ÷ 8 + longer of files × --look-ms ÷ 32, bytes ÷ line",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten_million() -> VerdictSize {
        let files = Tally { files: 10_000_000, bytes: 20_000_000_000_000 };
        let (passes, intermediaries) = (files.files, 0);
        VerdictSize { index_rows: 10_000_000, files, passes, intermediaries, buckets: 2 }
    }

    #[test]
    fn ten_million_files_take_minutes_and_their_bytes_take_the_line() {
        let found = verdicts(ten_million(), Pace::default(), &Prices::us_east_1());
        let seconds: Vec<_> = found.iter().map(|verdict| verdict.seconds).collect();
        // 10 M rows: 304 s. 20 M items: 200 s. 10,130 LISTs of 200 ms, 8 at once: 254 s. 1,000 GETs of 40 ms, 16
        // at once: 3 s, and 2 GB at a gigabit: 16 s. 20 TB: 160,000 s.
        assert_eq!(seconds, [304 + 200, 304 + 254 + 3 + 16, 304 + 254 + 160_000]);
        let counts: Vec<Vec<_>> = found
            .iter()
            .map(|verdict| verdict.lines.iter().map(|line| line.count).collect())
            .collect();
        assert_eq!(counts, [[732_422, 732_422], [10_130, 1_000], [10_130, 10_000_000]]);
        let dollars: Vec<_> = found.iter().map(|verdict| verdict.dollars.to_string()).collect();
        assert_eq!(dollars, ["$0.19", "$0.06", "$4.06"]);
        assert_eq!(found[1].read_bytes, 2_000_000_000);
    }

    #[test]
    fn small_files_take_their_requests_and_intermediaries_are_listed() {
        let size = ten_million();
        let files = Tally { bytes: 0, ..size.files };
        let size = VerdictSize { files, intermediaries: 10_000_000, passes: 0, ..size };
        let found = verdicts(size, Pace::default(), &Prices::us_east_1());
        // 20,130 LISTs: 504 s. 10 M GETs of 40 ms, 32 at once: 12,500 s.
        assert_eq!(found[2].seconds, 304 + 504 + 12_500);
        assert_eq!((found[1].lines[0].count, found[0].lines[1].count), (20_130, 0));
        let (index_rows, buckets) = (0, 0);
        let nothing = VerdictSize {
            index_rows,
            files: Tally::default(),
            passes: 0,
            intermediaries: 0,
            buckets,
        };
        for verdict in verdicts(nothing, Pace::default(), &Prices::us_east_1()) {
            assert_eq!((verdict.seconds, verdict.read_bytes), (0, 0), "{verdict:?}");
        }
    }
}
