//! How long it takes: what limits it, and what decides.

use std::fmt::{self, Write};

use domain::doctor::{Pace, TimeLimit, TimeNeeded, Worker};
use indicatif::HumanCount;

/// Writes each limit with its figures, the longer of which decide.
pub(super) fn write_time(out: &mut String, time: &TimeNeeded, pace: Pace) -> fmt::Result {
    if time.machine.seconds == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "  How long it takes is the longest of what limits it, where nothing is throttled:"
    )?;
    for TimeLimit { name, amount, of, rate, per, seconds } in &time.limits {
        let figures = format!("{} {of} / {} {per}", HumanCount(*amount), HumanCount(*rate));
        writeln!(out, "    {name:<29} {figures:<62} {:>12}", duration(*seconds))?;
    }
    let one = |out: &mut String, who: &str, Worker { seconds, decides }: &Worker| {
        writeln!(
            out,
            "    {who:<29} {:<62} {:>12}",
            format!("{decides} decides"),
            duration(*seconds)
        )
    };
    one(out, "= one `migrate` or `work`", &time.machine)?;
    one(out, "= the queue and the function", &time.function)?;
    let Pace { copy_milliseconds, mogile_milliseconds, look_milliseconds, .. } = pace;
    writeln!(
        out,
        "    A file by copy takes {copy_milliseconds} ms (--copy-ms), a file from MogileFS or a part \
         {mogile_milliseconds} ms (--mogile-ms), a look {look_milliseconds} ms (--look-ms), and the line has {} \
         Mbit/s (--bandwidth): assumed where you did not give them.",
        HumanCount(pace.bandwidth_megabits)
    )
}

/// A time for people: two units, of which the smaller one is rounded up.
pub(super) fn duration(seconds: u64) -> String {
    let (minutes, hours) = (seconds.div_ceil(60), seconds.div_ceil(3_600));
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..259_200 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        _ => format!("{} days {} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use domain::Tally;
    use domain::doctor::RequestsNeeded;

    use super::*;

    #[test]
    fn a_time_has_two_units_at_most() {
        for (seconds, words) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (121, "3 min"),
            (7_199, "120 min"),
            (7_200, "2 h 00 min"),
            (160_000, "44 h 27 min"),
            (259_199, "72 h 00 min"),
            (259_200, "3 days 0 h"),
            (1_000_000, "11 days 14 h"),
        ] {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn each_limit_has_its_figures_and_the_longest_is_named() {
        let by_mogile = Tally { files: 10_000_000, bytes: 20_000_000_000_000 };
        let needed = RequestsNeeded { writes: 10_000_000, by_mogile, ..RequestsNeeded::default() };
        let pace = Pace::default();
        let mut said = String::new();
        write_time(&mut said, &TimeNeeded::of(&needed, pace), pace).expect("a string takes it");
        let lines: Vec<_> = said
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "the line from MogileFS to S3 20,000,000,000,000 bytes x 8 / 1,000 Mbit/s 44 h 27 min",
            "one machine's files at once 2,000,000,000 ms of requests / 64 at once 8 h 41 min",
            "= one `migrate` or `work` the line from MogileFS to S3 decides 44 h 27 min",
        ] {
            assert!(lines.iter().any(|written| written == line), "{line}: {said}");
        }
        said.clear();
        let none = RequestsNeeded::default();
        write_time(&mut said, &TimeNeeded::of(&none, pace), pace).expect("nothing");
        assert_eq!(said, "");
    }
}
