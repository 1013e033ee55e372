//! What the journal has decided about files, as the commands read it.

use adapters::clock::SystemClock;
use domain::accept::end_proven;
use domain::ports::LedgerError;
use domain::runbook::{Decisions, JournalTrouble, read_decisions};
use domain::{Acceptances, Reason, Stopped};

use crate::config::JournalSettings;
use crate::exit::TroubleError;
use crate::journal::{random, refused};
use crate::wiring::Services;

/// What the journal has decided, and which acceptances the ledger has ended since; why it cannot be read,
/// where a table is away. A journal that does not exist has decided nothing. One that was changed is an
/// error.
pub async fn decisions(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Result<Decisions, LedgerError>> {
    let (journal, ledger) = (services.journal(journal).await?, services.ledger().await?);
    let mut decisions = match read_decisions(&*journal, &SystemClock, domain, random()).await {
        Ok(decisions) => decisions,
        Err(JournalTrouble::Table(why)) => return Ok(Err(why)),
        Err(why) => return Err(refused(why)),
    };
    let ended = end_proven(&*ledger, &SystemClock, &mut decisions.accepted).await;
    Ok(ended.map(|()| decisions))
}

/// The accepted files, for a run that needs the ledger beside the journal: where the journal's table is
/// away, nothing is begun. Where these keys may not read it no file counts as accepted, and a line on
/// stderr says so.
pub async fn accepted(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Result<Acceptances, Stopped>> {
    Ok(match decisions(services, journal, domain).await? {
        Ok(decisions) => Ok(decisions.accepted),
        Err(why @ LedgerError::Refused { .. }) => Ok(none_accepted(&why)),
        Err(why) => Err(Stopped::Trouble(Reason::from(&why))),
    })
}

/// The accepted files, for a command that does without all tables: where the journal cannot be read none
/// counts as accepted.
pub async fn accepted_if_read(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Acceptances> {
    let read = decisions(services, journal, domain).await?;
    Ok(read.map_or_else(|why| none_accepted(&why), |decisions| decisions.accepted))
}

/// The accepted files, for a command that rests on them: where the journal cannot be read, that is the
/// command's end.
pub async fn accepted_or_trouble(
    services: &Services<'_>,
    journal: &JournalSettings,
    domain: &str,
) -> anyhow::Result<Acceptances> {
    let read = decisions(services, journal, domain).await?;
    let read = read.map_err(|why| TroubleError(Reason::from(&why)))?;
    Ok(read.accepted)
}

/// A file that is accepted counts as one that is not: that hides nothing.
fn none_accepted(why: &LedgerError) -> Acceptances {
    tracing::warn!(
        "no file counts as accepted, because the journal and what the ledger has of its files cannot be \
         read: {why}"
    );
    Acceptances::default()
}
