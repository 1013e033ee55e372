//! Takes acceptances back.

use std::sync::Arc;

use super::plan::{AcceptMode, AcceptingEnds, RefusalKind, RefusedFile};
use crate::journal::Content;
use crate::ports::{Clock, Journal};
use crate::runbook::{JournalWriter, read_decisions};
use crate::{Fid, limits};

/// What came of taking acceptances back.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Ending {
    /// The files that are not accepted any more, or would not be.
    pub ended: Vec<Fid>,
    /// Those that were not accepted. With one of them nothing is written.
    pub refused: Vec<RefusedFile>,
    /// The numbers of the journal's entries; none where nothing was written.
    pub entries: Vec<u64>,
}

/// Takes the acceptances of these files of the domain back, all of them or none.
pub async fn end_acceptances(
    journal: &Arc<dyn Journal>,
    clock: &Arc<dyn Clock>,
    (domain, fids, reason): (&str, &[Fid], &str),
    mode: &AcceptMode,
    salt: u64,
) -> AcceptingEnds<Ending> {
    let writer = match mode {
        AcceptMode::DryRun => None,
        AcceptMode::Accept { by } => {
            let by = (by.clone(), salt);
            Some(JournalWriter::open(Arc::clone(journal), Arc::clone(clock), by).await?)
        }
    };
    let decisions = read_decisions(&**journal, &**clock, domain, salt).await?;
    let mut ending = Ending::default();
    for &fid in fids {
        if decisions.accepted.find(fid).is_some() {
            ending.ended.push(fid);
        } else {
            let why = format!("the journal has no acceptance of it in the domain `{domain}`");
            ending.refused.push(RefusedFile { fid, kind: RefusalKind::NotAccepted, why });
        }
    }
    let Some(mut writer) = writer.filter(|_| ending.refused.is_empty()) else { return Ok(ending) };
    for fids in ending.ended.chunks(limits::ACCEPTED_FILES) {
        let (domain, reason, fids) = (domain.to_owned(), reason.to_owned(), fids.to_vec());
        let head = writer.append(Content::AcceptanceEnded { domain, reason, fids }).await?;
        ending.entries.push(head.sequence);
    }
    Ok(ending)
}
