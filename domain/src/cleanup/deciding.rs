//! Decides about the uploads whose content was found nowhere else: contentrepo says whether it is needed.

use std::collections::BTreeSet;

use super::deletion::{Condemned, Evidence, Run};
use super::look::Unseen;
use super::references::References;
use super::temporary::{Decision, Leftover, OnlyCopy};
use crate::summary::Stopped;
use crate::{BucketMap, ContentDigests, Dkey, Misconfigured, MogileBucket};

impl Run<'_> {
    /// Errors where contentrepo's database is another store's. Where it gives no answer, that is noted.
    pub(super) async fn require_own_contentrepo(&mut self) -> Result<(), Stopped> {
        let Some(database) = &self.ports.content_repo else { return Ok(()) };
        match self.control.known_to(&**database, &*self.ports.clock).await {
            Ok(found) if self.control.is_enough(found) => {}
            Ok(found) => {
                let looked_for = self.control.looked_for();
                let misconfigured = Misconfigured::OtherContentRepo { looked_for, found };
                return Err(Stopped::Misconfigured(misconfigured));
            }
            Err(error) => self.deletion.contentrepo_failed = Some(error.to_string()),
        }
        Ok(())
    }

    /// Asks contentrepo, and decides about each.
    pub(super) async fn decide(
        &mut self,
        unique: Vec<Evidence>,
    ) -> Result<Vec<Condemned>, Stopped> {
        let wanted: BTreeSet<_> = unique.iter().map(|evidence| evidence.digests.sha1).collect();
        let mut references = References::default();
        if let Some(database) = &self.ports.content_repo
            && self.deletion.contentrepo_failed.is_none()
        {
            match References::read(&**database, &*self.ports.clock, &wanted).await {
                Ok(read) => references = read,
                Err(error) => self.deletion.contentrepo_failed = Some(error.to_string()),
            }
        }
        // It would have said which of them it needs.
        let may_decide = self.deletion.contentrepo_failed.is_none();
        let mut condemned = Vec::new();
        for Evidence { leftover, digests } in unique {
            self.deletion.not_looked_at -= 1;
            let also_unique = may_decide && self.plan.also_unique.contains(leftover.fid.0);
            match Decision::on(references.to(&digests.sha1), also_unique) {
                Decision::Delete(because) => {
                    self.deletion.deletable.add(digests.length);
                    condemned.push(Condemned { leftover, digests, because });
                }
                Decision::OnlyCopy(buckets) => {
                    let copy = only_copy(leftover, &digests, &buckets, self.plan.buckets);
                    self.deletion.only_copies.push(copy);
                }
                Decision::Undecided => {
                    let words = format_args!("`{}`, SHA-1 {}", leftover.key, digests.sha1);
                    self.deletion.undecided.add(leftover.fid, words);
                }
            }
        }
        Ok(condemned)
    }

    /// Looks which of the keys, at which only copies belong, are taken.
    pub(super) async fn look_at_places(&mut self) -> Result<(), Stopped> {
        for copy in &mut self.deletion.only_copies {
            for key in &copy.belongs_at {
                match self.ports.looker().fid_of(key).await {
                    Ok(None) => {}
                    // The trackers cannot give its row, and so there is one.
                    Ok(Some(_)) | Err(Unseen::Alone(_)) => copy.taken.push(key.clone()),
                    Err(Unseen::All(stopped)) => return Err(stopped),
                }
            }
        }
        Ok(())
    }
}

/// An only copy, and where it belongs.
fn only_copy(
    Leftover { fid, key, .. }: Leftover,
    &ContentDigests { sha1, length, .. }: &ContentDigests,
    buckets: &BTreeSet<String>,
    map: &BucketMap,
) -> OnlyCopy {
    // After a cut-over contentrepo has the new names; MogileFS never has them.
    let old = |name: &str| {
        let renamed = map.pairs().find(|(_, new)| new.as_str() == name);
        renamed.map_or_else(|| MogileBucket::new(name), |(old, _)| Some(old.clone()))
    };
    let buckets: BTreeSet<_> = buckets.iter().filter_map(|name| old(name)).collect();
    let buckets = buckets.into_iter();
    let belongs_at = buckets.map(|bucket| Dkey { sha1, bucket }.to_string()).collect();
    OnlyCopy { fid, key, sha1, length, belongs_at, taken: Vec::new() }
}
