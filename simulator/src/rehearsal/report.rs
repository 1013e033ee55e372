//! The rehearsal's report, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Options, Pass};
use crate::fault::RequestCounts;
use crate::oracle::Judgement;
use crate::planting::{Hazard, Planted};

/// What was rehearsed, and how it went.
#[derive(Debug, Serialize)]
pub struct Report {
    seed: u64,
    planted: PlantedReport,
    first_run: PassReport,
    second_run: PassReport,
    judgement: Judgement,
    /// Where the runs' own accounts differ from what was planted.
    problems: Vec<String>,
    #[serde(skip)]
    replay: String,
}

#[derive(Debug, Serialize)]
struct PlantedReport {
    files: usize,
    bytes: u64,
    synced: usize,
    temporary: usize,
    ignored: usize,
    other_domain: usize,
    hazards: BTreeMap<Hazard, usize>,
}

#[derive(Debug, Serialize)]
struct PassReport {
    by_copy: u64,
    by_mogile: u64,
    proven_before: u64,
    failed: u64,
    requests: BTreeMap<String, u64>,
    seconds: f64,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        planted: &Planted,
        first: Pass,
        second: Pass,
        judgement: Judgement,
        problems: Vec<String>,
    ) -> Self {
        let folder = options.folder.as_ref();
        let of_folder = folder.map_or_else(
            || format!("--files {}", options.files),
            |folder| format!("--corpus '{}'", folder.display()),
        );
        Self {
            seed: options.seed,
            planted: PlantedReport {
                files: planted.expected.len(),
                bytes: planted.bytes(),
                synced: planted.expected.iter().filter(|expected| expected.synced).count(),
                temporary: planted.temporary,
                ignored: planted.ignored,
                other_domain: planted.other_domain,
                hazards: planted.hazards(),
            },
            first_run: first.into(),
            second_run: second.into(),
            judgement,
            problems,
            replay: format!("--seed {} {of_folder}", options.seed),
        }
    }

    /// Whether the rehearsal went as it should.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.judgement.is_content()
    }
}

impl From<Pass> for PassReport {
    fn from(pass: Pass) -> Self {
        let failed = pass.run.summary["failed"].as_object();
        let failed = failed.into_iter().flat_map(|reasons| reasons.values());
        Self {
            by_copy: pass.run.files("by_copy"),
            by_mogile: pass.run.files("by_mogile"),
            proven_before: pass.run.files("proven_before"),
            failed: failed.filter_map(|sample| sample["files"].as_u64()).sum(),
            requests: named(&pass.requests),
            seconds: (pass.took.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}

fn named(requests: &RequestCounts) -> BTreeMap<String, u64> {
    let named = |((service, operation), count): (&(_, String), &u64)| {
        let service: &crate::fault::Service = service;
        (format!("{service} {operation}"), *count)
    };
    requests.iter().map(named).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planted = &self.planted;
        writeln!(f, "Planted (seed {})", self.seed)?;
        writeln!(
            f,
            "  {} files, {}; {} of them synced as intermediaries",
            planted.files,
            Bytes(planted.bytes),
            planted.synced
        )?;
        writeln!(
            f,
            "  beside them {} temporary, {} in an ignored bucket, {} of another domain",
            planted.temporary, planted.ignored, planted.other_domain
        )?;
        for (hazard, count) in &planted.hazards {
            writeln!(f, "  {count:>5} × {}", hazard.told())?;
        }
        write_pass(f, "First run", &self.first_run)?;
        write_pass(f, "Second run", &self.second_run)?;
        self.write_verdict(f)
    }
}

impl Report {
    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Oracle")?;
        writeln!(
            f,
            "  {} of {} files are whole under their own SHA-1, {}",
            self.judgement.whole,
            self.planted.files,
            Bytes(self.judgement.bytes)
        )?;
        for problem in self.judgement.problems.iter().chain(&self.problems) {
            writeln!(f, "  PROBLEM: {problem}")?;
        }
        if self.is_good() {
            return writeln!(f, "All is well: every file arrived, proven, and nothing else did.");
        }
        writeln!(f, "NOT WELL. The same again: rehearse {}", self.replay)
    }
}

fn write_pass(f: &mut fmt::Formatter<'_>, name: &str, pass: &PassReport) -> fmt::Result {
    writeln!(f, "{name}: {:.1} s", pass.seconds)?;
    writeln!(
        f,
        "  {} by copy, {} from MogileFS, {} proven before, {} failed",
        pass.by_copy, pass.by_mogile, pass.proven_before, pass.failed
    )?;
    let requests: Vec<_> =
        pass.requests.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    writeln!(f, "  requests: {}", requests.join(", "))
}

impl Hazard {
    const fn told(self) -> &'static str {
        match self {
            Self::CorruptIntermediary => "intermediary with one wrong byte",
            Self::CorruptFirstReplica => "first replica with one wrong byte",
            Self::PutAnswerLost => "PUT whose answer is lost after it took effect",
            Self::LeadingSlash => "intermediary under a key with a leading slash",
        }
    }
}

/// A number of bytes as people read it.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        let mut scaled = (self.0, "B");
        let mut tenths = 0;
        for next in UNITS {
            if scaled.0 < 1024 {
                break;
            }
            tenths = scaled.0 % 1024 * 10 / 1024;
            scaled = (scaled.0 / 1024, next);
        }
        let (number, unit) = scaled;
        if unit == "B" { write!(f, "{number} B") } else { write!(f, "{number}.{tenths} {unit}") }
    }
}
