//! Writes the backup, and looks meanwhile whether every row is still as the plan saw it.

use super::plan::{is_new, page};
use super::trouble::RhinoTrouble;
use super::verify::{self, Counts, Verified};
use super::{Conduct, RhinoPorts, RhinoProgress};
use crate::cleanup::stop::is_asked;
use crate::journal::{ClientDatabase, NamesBefore};
use crate::limits;
use crate::ports::{
    BackupError, BackupHeader, BackupReader, BackupRow, Backups, FinishedBackup, OpenBackup, RowId,
};
use roaring::RoaringTreemap;

/// The first line of a backup of these names.
pub(super) fn header(ports: &RhinoPorts, names: &NamesBefore) -> BackupHeader {
    BackupHeader {
        migration: ports.journal.migration().to_owned(),
        database: ClientDatabase::Rhino,
        server: ports.server.clone(),
        names: names.clone(),
    }
}

/// Writes all rows into a new file. Where a run that was ended behind its backup has left the file, and every row
/// in it is as it is now, that is the backup. [`None`] where an operator has asked to stop.
pub(super) async fn back_up(
    ports: &RhinoPorts,
    conduct: &Conduct<'_>,
    backups: &dyn Backups,
    (names, kept): (&NamesBefore, &RoaringTreemap),
) -> Result<Option<FinishedBackup>, RhinoTrouble> {
    let header = header(ports, names);
    let mut file = match backups.begin(&header).await {
        Ok(file) => file,
        Err(exists @ BackupError::Exists(_)) => {
            return found(ports, conduct, backups.open().await?, &header, exists).await.map(Some);
        }
        Err(error) => return Err(error.into()),
    };
    let (mut after, mut tally) = (RowId::START, Tally::default());
    loop {
        let page = page(ports, conduct, after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        tally.add(&page, names, kept);
        file.add(page).await?;
        (conduct.progress)(RhinoProgress::BackedUp(tally.rows));
        if is_asked(&conduct.stop) {
            return Ok(None);
        }
    }
    tally.must_be(names, kept)?;
    Ok(Some(file.finish().await?))
}

/// What the rows are while they are read.
#[derive(Default)]
struct Tally {
    rows: u64,
    counts: Counts,
    last: Option<RowId>,
    kept: u64,
    /// A row with a new name whose id is not kept.
    stranger: Option<BackupRow>,
}

impl Tally {
    fn add(&mut self, page: &[BackupRow], names: &NamesBefore, kept: &RoaringTreemap) {
        for row in page {
            self.rows += 1;
            *self.counts.entry(row.name.clone()).or_default() += 1;
            self.last = Some(row.id);
            if is_new(names, row.name.as_deref()) {
                if u64::try_from(row.id.0).is_ok_and(|id| kept.contains(id)) {
                    self.kept += 1;
                } else {
                    self.stranger = Some(row.clone());
                }
            }
        }
    }

    /// Errors unless these are the rows of the plan.
    fn must_be(&self, names: &NamesBefore, kept: &RoaringTreemap) -> Result<(), RhinoTrouble> {
        let changed = |why: String| Err(RhinoTrouble::ChangedMeanwhile(why));
        let differences = verify::differences(&verify::before(names), &self.counts);
        if let Some(difference) = differences.first() {
            return changed(format!("rows changed since they were counted: {difference}"));
        }
        if let Some(BackupRow { id, .. }) = &self.stranger {
            return changed(format!("the row {id} got an S3 name since the rows were counted"));
        }
        if self.kept != kept.len() {
            return changed("rows lost an S3 name since they were counted".to_owned());
        }
        if self.last.as_ref().map(RowId::to_string) != names.last {
            return changed("the last row is another one than when they were counted".to_owned());
        }
        Ok(())
    }
}

/// The backup of an earlier run, when it has every row as it is now.
async fn found(
    ports: &RhinoPorts,
    conduct: &Conduct<'_>,
    mut open: OpenBackup,
    header: &BackupHeader,
    exists: BackupError,
) -> Result<FinishedBackup, RhinoTrouble> {
    if open.header != *header {
        return Err(exists.into());
    }
    let compared = compare(ports, conduct, open.rows.as_mut(), None).await?;
    if !compared.is_exact() {
        return Err(exists.into());
    }
    Ok(open.file)
}

/// Compares every row of the table, up to the id `last`, with the backup. Memory holds a page of each.
pub(super) async fn compare(
    ports: &RhinoPorts,
    conduct: &Conduct<'_>,
    backup: &mut dyn BackupReader,
    last: Option<RowId>,
) -> Result<Verified, RhinoTrouble> {
    let mut verified = Verified::default();
    let mut before = Pages { backup, rows: Vec::new().into_iter().peekable() };
    let mut after = RowId::START;
    loop {
        let mut page = page(ports, conduct, after).await?;
        let Some(end) = page.last().map(|row| row.id) else { break };
        after = end;
        page.retain(|row| last.is_none_or(|last| row.id <= last));
        for now in page {
            verified.rows += 1;
            before.pass(now, &mut verified).await?;
        }
        (conduct.progress)(RhinoProgress::Compared(verified.rows));
        if last.is_some_and(|last| after >= last) {
            break;
        }
    }
    while let Some(gone) = before.next().await? {
        verified.add(super::verify::RowDifference::Gone(gone));
    }
    Ok(verified)
}

/// The rows of a backup, one by one.
struct Pages<'a> {
    backup: &'a mut dyn BackupReader,
    rows: std::iter::Peekable<std::vec::IntoIter<BackupRow>>,
}

impl Pages<'_> {
    async fn peek(&mut self) -> Result<Option<&BackupRow>, BackupError> {
        if self.rows.peek().is_none() {
            self.rows = self.backup.next(limits::BACKUP_PAGE_ROWS).await?.into_iter().peekable();
        }
        Ok(self.rows.peek())
    }

    async fn next(&mut self) -> Result<Option<BackupRow>, BackupError> {
        self.peek().await?;
        Ok(self.rows.next())
    }

    /// Passes the rows of the backup up to this one of the table.
    async fn pass(&mut self, now: BackupRow, verified: &mut Verified) -> Result<(), BackupError> {
        use super::verify::RowDifference::{Gone, New, OtherName};
        while let Some(before) = self.peek().await? {
            if before.id > now.id {
                break;
            }
            let Some(before) = self.next().await? else { break };
            if before.id < now.id {
                verified.add(Gone(before));
                continue;
            }
            if before.name != now.name {
                verified.add(OtherName { before, now });
            }
            return Ok(());
        }
        verified.add(New(now));
        Ok(())
    }
}
