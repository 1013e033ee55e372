//! The backup of contentrepo's names.

use super::RepoTrouble;
use super::plan::RepoRefusal;
use crate::journal::BackupSeal;
use crate::ports::{BackupError, BackupHeader, BackupRow, Backups, FinishedBackup, RepoBucket};

/// What the journal keeps of a backup.
pub(super) fn seal_of(FinishedBackup { path, sha256, rows, .. }: &FinishedBackup) -> BackupSeal {
    let file = path.rsplit('/').next().unwrap_or(path).to_owned();
    BackupSeal { file, sha256: *sha256, rows: *rows }
}

/// Writes the backup. One that an earlier run has left is taken where it has the very same rows.
pub(super) async fn back_up(
    backups: &dyn Backups,
    header: &BackupHeader,
    found: &[RepoBucket],
) -> Result<Result<FinishedBackup, RepoRefusal>, RepoTrouble> {
    let row =
        |RepoBucket { id, name }: &RepoBucket| BackupRow { id: *id, name: Some(name.clone()) };
    let rows: Vec<_> = found.iter().map(row).collect();
    let at = match backups.begin(header).await {
        Ok(mut writer) => {
            writer.add(rows.clone()).await?;
            match writer.finish().await {
                Ok(finished) => return Ok(Ok(finished)),
                Err(BackupError::Exists(at)) => at,
                Err(error) => return Err(error.into()),
            }
        }
        Err(BackupError::Exists(at)) => at,
        Err(error) => return Err(error.into()),
    };
    let other = |what: &str| {
        let why = format!("`{at}` is there already, and {what}. It was not written over");
        Ok(Err(RepoRefusal::OtherBackup(why)))
    };
    let mut there = match backups.open().await {
        Ok(there) => there,
        Err(BackupError::Damaged { why, .. }) => return other(&format!("is no backup: {why}")),
        Err(error) => return Err(error.into()),
    };
    let read = there.rows.next(rows.len() + 1).await?;
    if there.header != *header || read != rows {
        return other("is the backup of other rows, or of another database");
    }
    Ok(Ok(there.file))
}
