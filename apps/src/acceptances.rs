//! What the journal has decided about files, as the commands read it.

use adapters::clock::SystemClock;
use domain::Acceptances;
use domain::ports::LedgerError;
use domain::runbook::{Decisions, JournalTrouble, read_decisions};

use crate::config::JournalSettings;
use crate::journal::{random, refused};
use crate::wiring::Services;

/// What the journal has decided. A journal that does not exist has decided nothing.
pub async fn decisions(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Decisions> {
    read(services, journal, domain).await?.map_err(refused)
}

/// The accepted files. Where these keys may not read the journal none counts as accepted, and a line on
/// stderr says so: a file that is accepted then counts as one that is not.
pub async fn accepted(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Acceptances> {
    match read(services, journal, domain).await? {
        Ok(decisions) => Ok(decisions.accepted),
        Err(JournalTrouble::Table(why @ LedgerError::Refused { .. })) => {
            tracing::warn!("no file counts as accepted, because the journal cannot be read: {why}");
            Ok(Acceptances::default())
        }
        Err(why) => Err(refused(why)),
    }
}

async fn read(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Result<Decisions, JournalTrouble>> {
    let journal = services.journal(journal).await?;
    Ok(read_decisions(&*journal, &SystemClock, domain, random()).await)
}
