//! What the journal has of a comparison.

use domain::cutover::VERIFY;
use domain::journal::ContentRead;

use super::{AllowedArguments, Arguments};
use crate::evidence::{
    Ended, MogileSettings, PlaceSettings, counted, flags, not_written, write_end,
};
use crate::report::Report;
use crate::report::verify::VerifyReport;
use crate::wiring::Services;

/// What a comparison of the buckets with the index found.
pub fn ended(arguments: &Arguments, report: &VerifyReport, from: Option<u64>) -> Ended {
    let (counted, content) = (counted::verify(&report.summary), report.summary.digest);
    let read = Some(match (arguments.deep, arguments.sample) {
        (true, _) => ContentRead::Everything,
        (false, 0) => ContentRead::Nothing,
        (false, _) => ContentRead::Sample,
    });
    let AllowedArguments { allow_extra: extra, allow_etags: etags } = arguments.allowed;
    let allowed = flags(&[("allow-extra", extra), ("allow-etags", etags)]);
    Ended { content, read, allowed, ..Ended::new(VERIFY, report.verdict(), counted, from) }
}

impl Arguments {
    /// Writes the result into the journal, unless something was left out. Returns whether another run with the same
    /// settings could not do better.
    pub(super) async fn journal_end(&self, services: &Services<'_>, ended: Ended) -> bool {
        let left_out = [
            ("--exclude-file leaves files out", self.exclude_file.is_some()),
            ("--no-rhino leaves rhino out", self.references.no_rhino),
        ];
        if let Some((why, _)) = left_out.iter().find(|(_, is_given)| *is_given) {
            not_written(ended.step, why, "run it again without the flag");
            return true;
        }
        let Ok(buckets) = self.target.bucket_map() else { return true };
        let place = PlaceSettings {
            source: MogileSettings::All(&self.source),
            buckets: &buckets,
            aws: &self.aws,
            tables: &self.tables,
            journal: &self.journal,
            queue: None,
        };
        let is_written = write_end(services, &place, &self.operator, ended).await;
        is_written || !self.aws.has_ledger_table()
    }
}
