//! What the journal keeps of a smoke test.

use domain::journal::{Content, Evidence, MigrationPlace};
use domain::smoke::SmokeSummary;

use super::Arguments;
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
        let mut buckets: Vec<_> =
            buckets.pairs().map(|(old, new)| format!("{old}:{new}")).collect();
        buckets.sort();
        let tables = vec![
            self.aws.ledger_table()?,
            self.tables.failures_table(&self.aws)?,
            self.tables.verifications_table(&self.aws)?,
            self.journal.journal_table(&self.aws)?,
        ];
        // The journal is written by these keys in any case: that their account is not known ends nothing.
        let caller = services.caller(0).await.ok();
        let account = caller.and_then(|arn| arn.split(':').nth(4).map(str::to_owned));
        let database = self.source.database()?.map(|url| url.name().to_owned());
        let place = MigrationPlace {
            account: account.filter(|account| !account.is_empty()),
            region: services.site().await?.1,
            domain: self.source.domain.clone(),
            buckets,
            tables,
            queue: None,
            database,
        };
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
