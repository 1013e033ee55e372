//! What the journal keeps of a smoke test.

use domain::journal::{Content, Evidence, EvidenceOutcome};
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
        (summary, from): (&SmokeSummary, Option<u64>),
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
        // What was left out on purpose proves nothing of the step.
        let is_whole =
            mode != Mode::CutOver || (summary.rhino.is_some() && !summary.nodes.is_empty());
        let mut outcome = summary.outcome();
        if !is_whole && outcome == EvidenceOutcome::Clean {
            outcome = EvidenceOutcome::Incomplete;
        }
        let note =
            (!is_whole).then(|| "rhino's rows or contentrepo's API were left out".to_owned());
        let (counted, ended) = (summary.counted(), Evidence::new(mode.step(), outcome, place));
        Ok(Content::Evidence(Box::new(Evidence { from, counted, note, ..ended })))
    }
}
