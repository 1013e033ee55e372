//! What the journal keeps of a smoke test.

use domain::journal::{Content, Evidence};
use domain::smoke::SmokeSummary;

use super::Arguments;
use crate::evidence::{MogileSettings, PlaceSettings, account_of};
use crate::report::smoke::Mode;
use crate::wiring::Services;

impl Arguments {
    /// The entry that says what was found, and where.
    pub(super) async fn evidence(
        &self,
        services: &Services<'_>,
        mode: Mode,
        summary: &SmokeSummary,
    ) -> anyhow::Result<Content> {
        let buckets = self.target.bucket_map()?;
        // The journal is written by these keys in any case: that their account is not known ends nothing.
        let caller = services.caller(0).await.ok();
        let place = PlaceSettings {
            source: MogileSettings::All(&self.source),
            buckets: &buckets,
            aws: &self.aws,
            tables: &self.tables,
            journal: &self.journal,
            queue: None,
        };
        let account = caller.as_deref().and_then(account_of);
        let place = place.place(services, account).await?;
        Ok(Content::Evidence(Box::new(Evidence {
            step: mode.step().to_owned(),
            outcome: summary.outcome(),
            place,
            content: None,
            run: None,
            counted: summary.counted(),
            note: None,
        })))
    }
}
