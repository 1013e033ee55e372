//! What `--compare` of `plan` prints: an estimate beside what runs counted.

use std::fmt::{self, Write};

use domain::prices::Unit;
use domain::{Dollars, Prices};
use indicatif::HumanCount;
use serde::Serialize;

use super::time::duration;
use crate::exit::Verdict;
use crate::report::Report;

/// A kind of request, where the estimate has it, and how runs call it.
pub struct Kind {
    /// For people.
    pub what: &'static str,
    /// The fields of the estimate, which are summed.
    pub fields: &'static [&'static str],
    /// The requests of a run, which are summed.
    pub requests: &'static [&'static str],
    /// What is charged.
    pub unit: Unit,
}

/// All kinds that are compared.
pub const KINDS: [Kind; 7] = [
    Kind {
        what: "COPY or PUT",
        fields: &["writes"],
        requests: &["S3 COPY", "S3 PUT"],
        unit: Unit::S3Write,
    },
    Kind {
        what: "uploads begun",
        fields: &["uploads"],
        requests: &["S3 CREATE_MULTIPART"],
        unit: Unit::S3Write,
    },
    Kind {
        what: "uploads completed",
        fields: &["uploads"],
        requests: &["S3 COMPLETE"],
        unit: Unit::S3Write,
    },
    Kind { what: "their parts", fields: &["parts"], requests: &["S3 PART"], unit: Unit::S3Write },
    Kind { what: "LIST", fields: &["lists"], requests: &["S3 LIST"], unit: Unit::S3Write },
    Kind {
        what: "HEAD",
        fields: &["uploads", "refused", "looked_at", "looked_for", "without_way.files"],
        requests: &["S3 HEAD"],
        unit: Unit::S3Read,
    },
    Kind {
        what: "GET, whole",
        fields: &["to_be_read.files"],
        requests: &["S3 GET"],
        unit: Unit::S3Read,
    },
];

/// What the files say.
#[derive(Debug, Default)]
pub struct Compared {
    /// The estimate of each of [`KINDS`].
    pub estimated: Vec<u64>,
    /// What the runs counted of each.
    pub counted: Vec<u64>,
    /// Whether the estimate is of what was left when S3 was listed, and not of everything.
    pub is_of_what_was_left: bool,
    /// The estimate of the time by one machine.
    pub estimated_seconds: Option<u64>,
    /// The time of all runs together.
    pub seconds: f64,
    /// The time of the longest.
    pub longest_seconds: f64,
    /// The runs that did not come to their end.
    pub incomplete: Vec<String>,
}

/// One kind of request: estimated and counted.
#[derive(Debug, Serialize)]
struct ComparedKind {
    what: &'static str,
    estimated: u64,
    counted: u64,
    /// Counted by estimated; none where nothing was estimated.
    ratio: Option<f64>,
    estimated_dollars: Dollars,
    counted_dollars: Dollars,
}

/// An estimate beside what was counted.
#[derive(Debug, Serialize)]
pub struct CompareReport {
    /// In the order of [`KINDS`].
    kinds: Vec<ComparedKind>,
    is_of_what_was_left: bool,
    estimated_seconds: Option<u64>,
    seconds: f64,
    longest_seconds: f64,
    incomplete_runs: Vec<String>,
    #[serde(flatten)]
    verdict: Verdict,
}

impl CompareReport {
    /// Each kind whose counts differ is a finding. With a run that did not end nothing is whole.
    #[must_use]
    pub fn new(compared: Compared, prices: &Prices) -> Self {
        let both = compared.estimated.iter().zip(&compared.counted);
        let kinds = KINDS.iter().zip(both).map(|(kind, (estimated, counted))| ComparedKind {
            what: kind.what,
            estimated: *estimated,
            counted: *counted,
            ratio: ratio(*counted, *estimated),
            estimated_dollars: prices.of(*estimated, kind.unit),
            counted_dollars: prices.of(*counted, kind.unit),
        });
        let kinds: Vec<_> = kinds.collect();
        let differs = kinds.iter().any(|kind| kind.estimated != kind.counted);
        Self {
            kinds,
            is_of_what_was_left: compared.is_of_what_was_left,
            estimated_seconds: compared.estimated_seconds,
            seconds: compared.seconds,
            longest_seconds: compared.longest_seconds,
            verdict: Verdict::of_checks(!compared.incomplete.is_empty(), differs),
            incomplete_runs: compared.incomplete,
        }
    }
}

/// To the thousandth.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
fn ratio(counted: u64, estimated: u64) -> Option<f64> {
    (estimated > 0).then(|| (counted as f64 / estimated as f64 * 1_000.0).round() / 1_000.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time for people to read"
)]
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0).ceil() as u64
}

impl Report for CompareReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let of = if self.is_of_what_was_left { "of what was left" } else { "of everything" };
        let header = format!("The estimate {of}");
        writeln!(out, "{header:<30} {:>14} {:>14} {:>7}", "estimated", "counted", "ratio")?;
        for ComparedKind { what, estimated, counted, ratio, .. } in &self.kinds {
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            let (estimated, counted) =
                (HumanCount(*estimated).to_string(), HumanCount(*counted).to_string());
            writeln!(out, "  {what:<28} {estimated:>14} {counted:>14} {ratio:>7}")?;
        }
        let sum = |of: fn(&ComparedKind) -> Dollars| {
            self.kinds.iter().map(of).sum::<Dollars>().to_string()
        };
        let (estimated, counted) =
            (sum(|kind| kind.estimated_dollars), sum(|kind| kind.counted_dollars));
        writeln!(out, "  {:<28} {estimated:>14} {counted:>14}", "these requests of S3")?;
        let estimated = self.estimated_seconds.map_or_else(|| "unknown".to_owned(), duration);
        writeln!(
            out,
            "The estimate for one machine was {estimated}. The runs took {} together, and the longest {}.",
            duration(whole(self.seconds)),
            duration(whole(self.longest_seconds))
        )?;
        for run in &self.incomplete_runs {
            writeln!(
                out,
                "NOT WHOLE: the run of `{run}` did not come to its end. Compare again with the runs that \
                 continued it"
            )?;
        }
        if self.verdict.differs {
            writeln!(
                out,
                "Not equal. More requests than estimated come from tries that were repeated, from workers that \
                 were stopped, or from files that came later; fewer from files that failed, or were done before."
            )?;
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}
