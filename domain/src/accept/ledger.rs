//! What the ledger and the failures table have of files that are accepted, or are to be.

use super::plan::AcceptPorts;
use crate::journal::AcceptedFile;
use crate::ports::{Clock, Ledger, LedgerError};
use crate::retried::retried;
use crate::{Acceptances, FailureItem, FailureRecord, Fid, LedgerRecord, Reason, Stopped, limits};

/// Ends the acceptances of files that the ledger has proven since. Where nothing is accepted it asks the
/// ledger nothing.
pub async fn end_proven(
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    accepted: &mut Acceptances,
) -> Result<(), LedgerError> {
    let fids: Vec<_> = accepted.iter().map(|one| one.file.fid).collect();
    for fids in fids.chunks(limits::LEDGER_READ) {
        let records = retried(clock, fids[0].0, || ledger.read(fids)).await?;
        accepted.end_proven(&records);
    }
    Ok(())
}

/// The ledger's record of a file.
pub(super) async fn record_of(
    AcceptPorts { ledger, clock, .. }: &AcceptPorts,
    fid: Fid,
) -> Result<Option<LedgerRecord>, Stopped> {
    let fids = [fid];
    let records = retried(&**clock, fid.0, || ledger.read(&fids)).await;
    Ok(records.map_err(|error| trouble(&error))?.pop())
}

/// Whether a verification doubts the proof of a file. A failure record that cannot be read may say so.
pub(super) async fn is_doubted(
    AcceptPorts { failures, clock, .. }: &AcceptPorts,
    fid: Fid,
) -> Result<bool, Stopped> {
    let fids = [fid];
    let failures = retried(&**clock, fid.0, || failures.read(&fids)).await;
    let doubts = |item: &FailureItem| item.as_ref().map_or(true, FailureRecord::doubts_the_proof);
    Ok(failures.map_err(|error| trouble(&error))?.iter().any(doubts))
}

/// Those of these files that the ledger has proven since their replicas were tried.
pub(super) async fn proven_since(
    AcceptPorts { ledger, clock, .. }: &AcceptPorts,
    files: &[AcceptedFile],
) -> Result<Vec<Fid>, Stopped> {
    let mut proven = Vec::new();
    for files in files.chunks(limits::LEDGER_READ) {
        let fids: Vec<_> = files.iter().map(|file| file.fid).collect();
        let records = retried(&**clock, fids[0].0, || ledger.read(&fids)).await;
        for record in records.map_err(|error| trouble(&error))? {
            let is_its = |file: &&AcceptedFile| file.is_proven_since(&record);
            proven.extend(files.iter().find(is_its).map(|file| file.fid));
        }
    }
    Ok(proven)
}

fn trouble(error: &LedgerError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
