//! Lists intermediaries, and says which of them may go by what the index and the ledger have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::deleting::{Condemned, Proves};
use super::{Ended, KeptIntermediary, Run};
use crate::cleanup::{Mode, is_asked};
use crate::ports::UnreadableRow;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    Fid, FileStanding, IndexRow, IntermediaryForm, ListedObject, ObjectAddress, Reason, RowClass,
    S3Bucket, limits,
};

/// The prefixes of all intermediaries: a fid's path begins with one digit and a slash, however long the fid is.
fn prefixes() -> Vec<String> {
    let plain = (0..=9).map(|digit| format!("{digit}/"));
    plain.chain(["/".to_owned()]).collect()
}

/// What the index has of a fid.
enum Row {
    Is(IndexRow),
    Unreadable(UnreadableRow),
}

impl Run<'_> {
    /// Looks through all intermediaries of a bucket, in both forms.
    pub(super) async fn look_through(&mut self, bucket: &S3Bucket) -> Result<(), Ended> {
        for prefix in prefixes() {
            let mut after = None;
            loop {
                if is_asked(&self.plan.stop) {
                    return Err(Stopped::Interrupted.into());
                }
                let (objects, clock) = (&*self.ports.objects, &*self.ports.clock);
                let list = || objects.list(bucket, &prefix, after.as_ref());
                let page = retried(clock, self.plan.salt, list).await;
                let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
                after = page.objects.last().map(|object| object.key.clone());
                self.decide(bucket, page.objects).await?;
                self.report_progress();
                if !page.more || after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Puts each key of a page into its class. What may go is deleted when enough of it is there.
    async fn decide(&mut self, bucket: &S3Bucket, page: Vec<ListedObject>) -> Result<(), Ended> {
        let mut found = Vec::with_capacity(page.len());
        for object in page {
            match object.key.as_intermediary() {
                Some((fid, form)) => found.push((fid, form, object)),
                None => self.deletion.other_keys += 1,
            }
        }
        let fids: BTreeSet<_> = found.iter().map(|(fid, ..)| *fid).collect();
        let mut rows = self.rows(&fids).await?;
        // A listing of one form has each fid once.
        for (fid, form, object) in found {
            self.deletion.intermediaries.add(object.length);
            self.classify(bucket, (fid, form, object), rows.remove(&fid));
            if self.batch.len() >= self.plan.at_once {
                self.flush().await?;
            }
        }
        Ok(())
    }

    fn classify(
        &mut self,
        bucket: &S3Bucket,
        (fid, form, object): (Fid, IntermediaryForm, ListedObject),
        row: Option<Row>,
    ) {
        use KeptIntermediary::{NoFile, NoRow, OtherBucket, Unproven, UnreadableRow};
        let ListedObject { key, length, etag, .. } = object;
        let at = ObjectAddress { bucket: bucket.clone(), key };
        let condemned = |proves| Condemned { fid, form, at: at.clone(), length, etag, proves };
        let class = match row {
            // What has no row is looked at by its own SHA-1, which takes requests: not in a dry run.
            None if self.plan.orphans && self.plan.mode != Mode::DryRun => {
                self.batch.push(condemned(Proves::ItsOwnSha1));
                return;
            }
            None => return self.keep(NoRow, fid, &at, &at),
            Some(Row::Unreadable(row)) => return self.keep(UnreadableRow, fid, &at, &row.why),
            Some(Row::Is(row)) => row.classify(self.plan.buckets),
        };
        let file = match class {
            RowClass::Source(file) => file,
            RowClass::Temporary => {
                return self.keep(NoFile, fid, &at, &"its row is of an unfinished upload");
            }
            RowClass::Ignored => {
                return self.keep(NoFile, fid, &at, &"its row is of an ignored bucket");
            }
            RowClass::Rejected(why) => return self.keep(NoFile, fid, &at, &why),
        };
        if file.bucket != *bucket {
            let words = format!("{at}, and its file belongs into `{}`", file.bucket);
            return self.keep(OtherBucket, fid, &at, &words);
        }
        match self.known.standing(&file) {
            FileStanding::Proven => self.batch.push(condemned(Proves::Ledger(file.dkey.sha1))),
            FileStanding::OfAnother => {
                self.keep(
                    Unproven,
                    fid,
                    &at,
                    &"the ledger's proof is of another content or bucket",
                );
            }
            FileStanding::Claimed => {
                let words = "the ledger has it without a proof, or a verification doubts it";
                self.keep(Unproven, fid, &at, &words);
            }
            FileStanding::New => self.keep(Unproven, fid, &at, &"the ledger has no record of it"),
        }
    }

    pub(super) fn keep(
        &mut self,
        why: KeptIntermediary,
        fid: Fid,
        at: &ObjectAddress,
        words: &dyn Display,
    ) {
        self.deletion.kept.entry(why.name()).or_default().add(fid, words);
        self.plan.observer.ended(fid, at, why.name());
    }

    /// What the index has of these fids. Where they lie close together it is read by the page; wide gaps
    /// between them are passed over.
    async fn rows(&self, fids: &BTreeSet<Fid>) -> Result<BTreeMap<Fid, Row>, Stopped> {
        let (index, clock) = (&*self.ports.index, &*self.ports.clock);
        let mut rows = BTreeMap::new();
        let mut wanted = fids.first().copied();
        while let Some(first) = wanted {
            let after = Fid(first.0.saturating_sub(1));
            let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
            let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
            for row in page.rows.into_iter().filter(|row| fids.contains(&row.fid)) {
                rows.insert(row.fid, Row::Is(row));
            }
            for row in page.unreadable.into_iter().filter(|row| fids.contains(&row.fid)) {
                rows.insert(row.fid, Row::Unreadable(row));
            }
            // Rows up to and with this one were read.
            wanted = page.next.and_then(|read| {
                let behind = fids.range(Fid(read.0.max(first.0).saturating_add(1))..);
                behind.min().copied()
            });
        }
        Ok(rows)
    }
}
