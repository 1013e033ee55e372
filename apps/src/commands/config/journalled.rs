//! What a check found, in the journal.

use std::sync::Arc;

use adapters::clock::SystemClock;
use domain::BucketMap;
use domain::journal::{Content, Evidence, MigrationPlace};
use domain::runbook::JournalWriter;

use super::Arguments;
use crate::evidence::{MogileSettings, PlaceSettings, account_of};
use crate::journal::{random, refused};
use crate::report::config::ConfigReport;
use crate::wiring::Services;

/// Writes it. Returns the number of the entry.
pub(super) async fn write(
    arguments: &Arguments,
    services: &Services<'_>,
    report: &ConfigReport,
    buckets: &BucketMap,
) -> anyhow::Result<u64> {
    let place = place(arguments, services, buckets).await?;
    let counted = report.counted();
    let evidence = Evidence::new("config check", report.outcome(), place);
    let evidence = Evidence { counted, ..evidence };
    let journal = services.journal(&arguments.journal).await?;
    let by = (arguments.operator.name(services).await?, random());
    let writer = JournalWriter::open(journal, Arc::new(SystemClock), by).await;
    let mut writer = writer.map_err(refused)?;
    let head = writer.append(Content::Evidence(Box::new(evidence))).await;
    Ok(head.map_err(refused)?.sequence)
}

/// The systems of the settings. It asks whose keys are used: evidence without an account would be of any one.
async fn place(
    arguments: &Arguments,
    services: &Services<'_>,
    buckets: &BucketMap,
) -> anyhow::Result<MigrationPlace> {
    let Arguments { tables, journal, aws, domain, .. } = arguments;
    let caller = services.caller(random()).await?;
    let Some(account) = account_of(&caller) else {
        anyhow::bail!("the ARN `{caller}` of these keys names no account");
    };
    let source = MogileSettings::Domain(domain);
    let settings = PlaceSettings { source, buckets, aws, tables, journal, queue: None };
    Ok(settings.place(services, Some(account)).await?)
}
