//! The formats on which the command line and the worker function must agree. The two are deployed
//! separately, so one of them can be older.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BucketMap, JobAction};

/// The formats of the messages and tables that the command line and the workers share. Each is a
/// number that only grows.
///
/// Raise a number in a commit after which an older program would misread, miss or refuse what the
/// new one writes, or the new one what the older one wrote. Leave it where the older program can
/// read the new form: one more attribute that may be lost is no new format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formats {
    /// The messages of the job queue: the body, and the attributes that change what the job means.
    pub jobs: u32,
    /// The ledger's table: its key, and the attributes by which a record counts as proven.
    pub ledger: u32,
    /// The verifications table: its key, and how the records of a run are found. Format 2 has the
    /// hash key `{run}#{fid mod 64}`.
    pub verifications: u32,
    /// The failures table: which of its records say that a proof does not count. In format 2 a
    /// later failure leaves a doubt in place; older programs overwrite the doubt, and their report
    /// lacks this number. In format 3 the deliveries of each message are counted, and the worker
    /// itself moves a job that fails again and again to the dead-letter queue.
    #[serde(default = "first_failures")]
    pub failures: u32,
}

const fn first_failures() -> u32 {
    1
}

impl Formats {
    /// The formats that this program reads and writes.
    pub const OURS: Self = Self { jobs: 1, ledger: 1, verifications: 2, failures: 3 };

    /// Returns a text for each format in which another program differs. Only the formats that jobs
    /// of these actions need are compared.
    #[must_use]
    pub fn differences_from(self, other: Self, actions: &[JobAction]) -> Vec<String> {
        let all = [
            ("jobs", self.jobs, other.jobs),
            ("ledger records", self.ledger, other.ledger),
            ("failure records", self.failures, other.failures),
            ("verifications", self.verifications, other.verifications),
        ];
        let verifies = actions.contains(&JobAction::Verify);
        let needed = if verifies { &all[..] } else { &all[..3] };
        let different = needed.iter().filter(|(_, this, other)| this != other);
        different
            .map(|(what, this, other)| format!("{what} in format {this}, not {other}"))
            .collect()
    }
}

/// The worker function's report about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// The version of its program.
    pub version: String,
    /// The formats that it reads and writes.
    pub formats: Formats,
    /// The MogileFS domain in which it looks for files.
    pub domain: String,
    /// Its bucket map in canonical text, as [`BucketMap`] displays it.
    pub buckets: String,
    /// Its other settings that are no secrets, by their variables. One that does not report them has none
    /// here.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl WorkerReport {
    /// Builds the report of a program with this version, MogileFS domain and bucket map, without its other
    /// settings.
    #[must_use]
    pub fn of(version: &str, domain: &str, buckets: &BucketMap) -> Self {
        let (version, domain, buckets) =
            (version.to_owned(), domain.to_owned(), buckets.to_string());
        let settings = BTreeMap::new();
        Self { version, formats: Formats::OURS, domain, buckets, settings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_that_differs_is_named_with_both_numbers() {
        let ours = Formats { jobs: 1, ledger: 4, verifications: 2, failures: 3 };
        let differences = |other: Formats| other.differences_from(ours, JobAction::ALL);
        assert_eq!(differences(ours), [""; 0]);
        for (other, said) in [
            (Formats { jobs: 2, ..ours }, "jobs in format 2, not 1"),
            (Formats { ledger: 3, ..ours }, "ledger records in format 3, not 4"),
            (Formats { failures: 2, ..ours }, "failure records in format 2, not 3"),
            (Formats { verifications: 1, ..ours }, "verifications in format 1, not 2"),
        ] {
            assert_eq!(differences(other), [said]);
        }
        let other = Formats { jobs: 9, ledger: 9, verifications: 9, failures: 9 };
        assert_eq!(differences(other).len(), 4);
    }

    #[test]
    fn migrations_need_no_verifications() {
        let ours = Formats::OURS;
        let migrations = |other: Formats| other.differences_from(ours, &[JobAction::Migrate]).len();
        assert_eq!(migrations(Formats { verifications: 9, ..ours }), 0);
        for other in [
            Formats { jobs: 9, ..ours },
            Formats { ledger: 9, ..ours },
            Formats { failures: 9, ..ours },
        ] {
            assert_eq!(migrations(other), 1, "{other:?}");
        }
    }

    #[test]
    fn a_report_is_read_as_it_is_written() {
        let buckets = BucketMap::parse("b:bbb,a:aaa", "old").expect("valid");
        let report = WorkerReport::of("1.2.3", "repo", &buckets);
        let written = serde_json::to_value(&report).expect("JSON");
        let ours = Formats::OURS;
        let formats = serde_json::json!({
            "jobs": ours.jobs, "ledger": ours.ledger, "verifications": ours.verifications,
            "failures": ours.failures
        });
        let wanted = serde_json::json!({
            "version": "1.2.3", "formats": formats, "domain": "repo", "buckets": "a:aaa,b:bbb",
            "settings": {}
        });
        assert_eq!(written, wanted);
        let mut more = wanted;
        more["healthy"] = true.into();
        more["formats"]["samples"] = 1.into();
        let reread = |value| serde_json::from_value::<WorkerReport>(value).expect("a report");
        assert_eq!(reread(more.clone()), report);
        // The functions that wrote over doubts said nothing of failures.
        more["formats"].as_object_mut().expect("an object").remove("failures");
        assert_eq!(reread(more).formats, Formats { failures: 1, ..ours });
    }
}
