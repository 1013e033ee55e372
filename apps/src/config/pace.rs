//! What `plan` takes for the time of a migration.

use std::num::NonZeroU16;

use clap::Args;
use domain::doctor::Pace;

use super::{CONCURRENCY, at_once};

/// What the time of a migration depends on, beside what there is to migrate.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Time of the migration")]
pub struct PaceSettings {
    /// Files at once of one `migrate` or `work`
    #[arg(long, default_value_t = CONCURRENCY, value_name = "N", value_parser = at_once)]
    concurrency: NonZeroU16,

    /// The slowest line between MogileFS's disks and S3, in millions of bits a second: the network, or
    /// what the disks give. An assumption where it is not given
    #[arg(long, default_value_t = Pace::default().bandwidth_megabits, value_name = "MBIT", value_parser = number)]
    bandwidth: u64,

    /// Calls of the function at once (`MaximumConcurrency` of the template)
    #[arg(long, default_value_t = Pace::default().function_calls, value_name = "N", value_parser = number)]
    function_calls: u64,

    /// Jobs of one call (`BatchSize` of the template)
    #[arg(long, default_value_t = Pace::default().function_batch, value_name = "N", value_parser = number)]
    function_batch: u64,

    /// The function's memory (`MemoryMegabytes` of the template)
    #[arg(long, default_value_t = Pace::default().function_megabytes, value_name = "N", value_parser = number)]
    function_megabytes: u64,

    /// Milliseconds that a file by copy takes: assumed, not measured
    #[arg(long, default_value_t = Pace::default().copy_milliseconds, value_name = "N", value_parser = number)]
    copy_ms: u64,

    /// Milliseconds that a small file from MogileFS takes, or a part of a large one: assumed, not measured
    #[arg(long, default_value_t = Pace::default().mogile_milliseconds, value_name = "N", value_parser = number)]
    mogile_ms: u64,

    /// Milliseconds that a look at an object takes: assumed, not measured
    #[arg(long, default_value_t = Pace::default().look_milliseconds, value_name = "N", value_parser = number)]
    look_ms: u64,
}

impl PaceSettings {
    /// The pace that is asked for.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            concurrency: self.concurrency.get().into(),
            function_calls: self.function_calls,
            function_batch: self.function_batch,
            function_megabytes: self.function_megabytes,
            bandwidth_megabits: self.bandwidth,
            copy_milliseconds: self.copy_ms,
            mogile_milliseconds: self.mogile_ms,
            look_milliseconds: self.look_ms,
        }
    }
}

/// A number that a time is computed from.
fn number(text: &str) -> Result<u64, String> {
    let range = 1..=10_000_000;
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("give a number from 1 to {}", range.end()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Given {
        #[command(flatten)]
        pace: PaceSettings,
    }

    #[test]
    fn a_flag_changes_its_own_figure_alone() {
        let of = |flags: &[&str]| {
            let given = Given::try_parse_from([&["plan"], flags].concat());
            given.map(|given| given.pace.pace()).map_err(|error| error.to_string())
        };
        assert_eq!(of(&[]), Ok(Pace::default()));
        let usual = Pace::default();
        assert_eq!(of(&["--bandwidth", "100"]), Ok(Pace { bandwidth_megabits: 100, ..usual }));
        assert_eq!(of(&["--concurrency=9"]), Ok(Pace { concurrency: 9, ..usual }));
        assert_eq!(of(&["--function-calls", "500"]), Ok(Pace { function_calls: 500, ..usual }));
        assert_eq!(of(&["--function-batch", "100"]), Ok(Pace { function_batch: 100, ..usual }));
        assert_eq!(of(&["--function-megabytes", "1"]), Ok(Pace { function_megabytes: 1, ..usual }));
        assert_eq!(of(&["--copy-ms", "1"]), Ok(Pace { copy_milliseconds: 1, ..usual }));
        assert_eq!(of(&["--mogile-ms", "2"]), Ok(Pace { mogile_milliseconds: 2, ..usual }));
        assert_eq!(of(&["--look-ms", "3"]), Ok(Pace { look_milliseconds: 3, ..usual }));
        for wrong in ["0", "-1", "1e3", "10000001", "1.5", ""] {
            let said = of(&[&format!("--bandwidth={wrong}")]).expect_err("no number");
            assert!(said.contains("give a number from 1 to 10000000"), "{wrong}: {said}");
        }
    }
}
