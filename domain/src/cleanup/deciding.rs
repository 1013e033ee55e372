//! Decides about the uploads that were read: contentrepo says where their content is needed.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};

use super::deletion::{Condemned, Evidence, Run};
use super::look::Unseen;
use super::references::References;
use super::stop::is_asked;
use super::temporary::{
    Copies, Decision, KnownContent, Leftover, Needed, OnlyCopy, Reference, Referring,
    mapped_buckets,
};
use crate::summary::Stopped;
use crate::{BucketMap, ContentDigests, Dkey, MogileBucket, limits};

impl Run<'_> {
    /// Errors where contentrepo's database is another store's, or old. Where it gives no answer, that is
    /// noted.
    pub(super) async fn require_own_contentrepo(&mut self) -> Result<(), Stopped> {
        let Some(database) = &self.ports.content_repo else { return Ok(()) };
        match self.control.why_not(&**database, &*self.ports.clock).await {
            Ok(why_not) => why_not.map_or(Ok(()), |why| Err(Stopped::Misconfigured(why))),
            Err(error) => {
                self.deletion.contentrepo_failed = Some(error.to_string());
                Ok(())
            }
        }
    }

    /// Asks contentrepo about all of them at once, looks whether their content is where it is needed, and
    /// decides about each.
    pub(super) async fn decide(&mut self, read: Vec<Evidence>) -> Result<Vec<Condemned>, Stopped> {
        let references = &self.references(&read).await;
        // It would have said which of them it needs.
        let may_decide = self.deletion.contentrepo_failed.is_none();
        let (ports, plan, reader) = (self.ports, self.plan, &self.reader);
        let mut all = stream::iter(read)
            .map(|evidence| async move {
                let KnownContent { digests, unread } = &evidence.content;
                let reference = references.to(&digests.sha1);
                let needed = Needed::of(&reference, plan.buckets, unread.is_some());
                let fid = evidence.leftover.fid;
                let copies = ports.copies(reader, (plan.buckets, &needed), fid, digests).await;
                (evidence, reference, copies)
            })
            .buffered(limits::LOOKUPS_AT_ONCE)
            .take_until(plan.stop.clone());
        let mut condemned = Vec::new();
        while let Some((Evidence { leftover, content }, reference, copies)) = all.next().await {
            let KnownContent { digests, unread } = content;
            let deletion = &mut self.deletion;
            let copies = match copies {
                Ok(copies) => copies,
                Err(Unseen::All(stopped)) => return Err(stopped),
                Err(Unseen::Alone(why)) => {
                    deletion.unreadable.add(leftover.fid, why);
                    deletion.decided();
                    continue;
                }
            };
            let also_unique = may_decide && plan.also_unique.contains(leftover.fid.0);
            match Decision::on(&reference, &copies, unread.is_some(), also_unique) {
                Decision::Delete(because) => {
                    deletion.deletable.add(digests.length);
                    condemned.push(Condemned { leftover, digests, because });
                }
                Decision::OnlyCopy => {
                    let belongs_at = belongs_at(&reference, &copies, &digests, plan.buckets);
                    let Leftover { fid, key, .. } = leftover;
                    let ContentDigests { sha1, length, .. } = digests;
                    let taken = Vec::new();
                    let copy = OnlyCopy { fid, key, sha1, length, belongs_at, taken };
                    deletion.only_copies.push(copy);
                }
                Decision::Undecided => {
                    let missing: Vec<_> =
                        copies.missing.iter().map(|bucket| format!("`{bucket}`")).collect();
                    let (key, sha1, missing) = (&leftover.key, digests.sha1, missing.join(", "));
                    let words = format_args!("`{key}`, SHA-1 {sha1}, is not in bucket {missing}");
                    deletion.undecided.add(leftover.fid, words);
                }
                Decision::Unread => {
                    deletion.unreadable.add(leftover.fid, unread.unwrap_or_default());
                }
            }
            deletion.decided();
        }
        if is_asked(&plan.stop) { Err(Stopped::Interrupted) } else { Ok(condemned) }
    }

    /// What contentrepo refers to; nothing is known where it is not asked, or gives no answer.
    async fn references(&mut self, read: &[Evidence]) -> References {
        let wanted: BTreeSet<_> =
            read.iter().map(|evidence| evidence.content.digests.sha1).collect();
        if let Some(database) = &self.ports.content_repo
            && self.deletion.contentrepo_failed.is_none()
        {
            match References::read(&**database, &*self.ports.clock, &wanted).await {
                Ok(read) => return read,
                Err(error) => self.deletion.contentrepo_failed = Some(error.to_string()),
            }
        }
        References::default()
    }

    /// Looks which of the keys, at which only copies belong, are taken.
    pub(super) async fn look_at_places(&mut self) -> Result<(), Stopped> {
        let new = self.deletion.only_copies.len();
        for copy in &mut self.deletion.only_copies[self.placed..] {
            for key in &copy.belongs_at {
                match self.ports.looker().fid_of(key).await {
                    Ok(None) => {}
                    // The trackers cannot give its row, and so there is one.
                    Ok(Some(_)) | Err(Unseen::Alone(_)) => copy.taken.push(key.clone()),
                    Err(Unseen::All(stopped)) => return Err(stopped),
                }
            }
        }
        self.placed = new;
        Ok(())
    }
}

/// The keys under which contentrepo looks for the content and does not find it. MogileFS has the old names
/// for ever.
fn belongs_at(
    reference: &Reference,
    copies: &Copies,
    ContentDigests { sha1, .. }: &ContentDigests,
    map: &BucketMap,
) -> Vec<String> {
    let Reference::From(Referring { names, .. }) = reference else { return Vec::new() };
    let buckets = names.iter().flat_map(|name| {
        let mapped = mapped_buckets(name, map);
        if mapped.is_empty() {
            return MogileBucket::new(name).into_iter().collect();
        }
        mapped.into_iter().filter(|bucket| copies.missing.contains(bucket)).collect::<Vec<_>>()
    });
    let buckets: BTreeSet<_> = buckets.collect();
    buckets.into_iter().map(|bucket| Dkey { sha1: *sha1, bucket }.to_string()).collect()
}
