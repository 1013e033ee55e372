//! What the journal has of a look at all systems.

use std::collections::BTreeMap;

use super::Arguments;
use crate::evidence::{DOCTOR, Ended, MogileSettings, PlaceSettings, write_end};
use crate::exit::{Exit, Verdict};
use crate::wiring::Services;

impl Arguments {
    /// Writes the result into the journal. With `--read-only` not all was tried, and with settings that are
    /// missing it is not known where the journal is.
    pub(super) async fn journal_end(
        &self,
        services: &Services<'_>,
        counted: BTreeMap<String, u64>,
        verdict: Verdict,
    ) {
        let Ok(buckets) = self.settings.target.bucket_map() else { return };
        if self.read_only || verdict.exit == Exit::Usage {
            return;
        }
        let place = PlaceSettings {
            source: MogileSettings::All(&self.settings.source),
            buckets: &buckets,
            aws: &self.settings.aws,
            tables: &self.queue.tables,
            journal: &self.journal,
            queue: Some(&self.queue),
        };
        let ended = Ended::new(DOCTOR, verdict, counted, None);
        write_end(services, &place, &self.operator, ended).await;
    }
}
