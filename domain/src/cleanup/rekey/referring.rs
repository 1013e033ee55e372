//! Looks which rows of contentrepo still refer to the old SHA-1.

use super::Rekey;
use super::outcome::{ReferringRow, RekeyOutcome, Verdict};
use crate::cleanup::control::Control;
use crate::cleanup::look::Looker;
use crate::cleanup::newest::newest_files;
use crate::cleanup::references::{AllObjects, bucket_names, content_of};
use crate::cleanup::temporary::{is_same_name, mapped_buckets};
use crate::migrate::sample_of_store;
use crate::ports::{DatabaseError, RepoObject, RepoStatus, RowId};
use crate::summary::Stopped;
use crate::{Reason, limits};

impl Rekey<'_> {
    /// Errors while contentrepo's rows of the file's bucket have the SHA-1 of its old key, and where the
    /// database is not this store's: that would refer to nothing.
    pub(super) async fn require_unreferred(&mut self) -> Result<(), Verdict> {
        let (database, clock) = (&*self.ports.content_repo, self.looker.clock);
        let control = self.control().await?;
        let why_not = control.why_not(database, clock).await.map_err(|error| silent(&error))?;
        if let Some(why) = why_not {
            return Err(Verdict::Stopped(Stopped::Misconfigured(why)));
        }
        self.require_unreferred_since().await
    }

    /// The same for the rows that were written since the last look. One that was not committed then has
    /// an id below others that were: so it looks some ids back.
    pub(super) async fn require_unreferred_since(&mut self) -> Result<(), Verdict> {
        let (database, clock) = (&*self.ports.content_repo, self.looker.clock);
        let names = bucket_names(database, clock).await.map_err(|error| silent(&error))?;
        let (mut found, mut of) = (Vec::new(), 0);
        let back = self.referred_to.0.saturating_sub(limits::ROWS_SEEN_AGAIN);
        let behind = RowId(back).max(RowId::START);
        let mut rows = AllObjects::behind(behind, database, clock);
        while let Some(page) = rows.next().await.map_err(|error| silent(&error))? {
            for row in page {
                if content_of(&row) != Some(self.plan.from.sha1) {
                    continue;
                }
                let name = row.bucket.and_then(|bucket| names.get(&bucket));
                if name.is_some_and(|name| !self.is_its_bucket(name)) {
                    continue;
                }
                of += 1;
                if found.len() < limits::REFERRING_ROWS {
                    found.push(referring(row, name.cloned()));
                }
            }
        }
        self.referred_to = self.referred_to.max(rows.read_to());
        if of == 0 {
            return Ok(());
        }
        Err(Verdict::Referred { rows: found, of, is_changed: false })
    }

    /// Whether contentrepo's bucket of this name may be the file's: behind a cut-over it has the new name.
    fn is_its_bucket(&self, name: &str) -> bool {
        is_same_name(name, self.plan.from.bucket.as_str())
            || mapped_buckets(name, self.plan.buckets).contains(&self.plan.from.bucket)
    }

    /// Files of this store, spread over the index, since its oldest may be older than contentrepo, and its
    /// newest.
    async fn control(&self) -> Result<Control, Verdict> {
        let mut control = Control::default();
        let Looker { index, clock, .. } = self.looker;
        let unread = |error| Verdict::Stopped(Stopped::Trouble(Reason::from(&error)));
        let sample = sample_of_store(index, clock, self.plan.buckets).await.map_err(unread)?;
        let others = sample.into_iter().filter(|dkey| *dkey != self.plan.from);
        others.for_each(|dkey| control.add(dkey));
        let newest = newest_files(index, clock, self.plan.buckets, limits::NEWEST_FILES).await;
        let others = newest.map_err(unread)?.into_iter().filter(|file| file.fid != self.plan.fid);
        others.for_each(|file| control.add_newest(file.dkey.sha1));
        Ok(control)
    }
}

fn silent(error: &DatabaseError) -> Verdict {
    RekeyOutcome::ContentRepoSilent.because(error.to_string())
}

/// A row that stands in the way. One of an unknown status may be in use.
fn referring(row: RepoObject, bucket: Option<String>) -> ReferringRow {
    let status = match row.status {
        RepoStatus::Used => "in use",
        RepoStatus::Deleted => "deleted",
        RepoStatus::Purged => "purged",
        RepoStatus::Unknown => "unknown",
    };
    let RepoObject { id, key, uuid, checksum, .. } = row;
    ReferringRow { id: id.to_string(), key, uuid, checksum, bucket, status }
}
