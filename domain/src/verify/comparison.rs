//! The passes of a comparison: ranges of keys, what was kept aside, and the sample.

use std::pin::pin;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::join::{ExpectedFile, Join, Joined};
use super::listing::Listing;
use super::local::{Depth, VerifyPlan, VerifyPorts};
use super::look::{How, Looked, Looks};
use super::observer::VerifyObserver;
use super::part::Held;
use super::ranges::{KeyRange, runs};
use super::rows::{read_keyless, read_range};
use super::sample::Sampler;
use super::settings::{require_domain, require_rows};
use super::state::{StateKeeper, VerifyState};
use super::summary::Difference;
use super::tally::{Counting, Run, Stray};
use crate::ports::{IndexError, KeyedRow};
use crate::{ListedObject, ObjectKey, Reason, ReasonKind, Stopped, limits};

/// One comparison, while it goes on.
pub(super) struct Comparison<'a> {
    pub(super) ports: VerifyPorts<'a>,
    pub(super) plan: &'a VerifyPlan,
    pub(super) looks: Looks<'a>,
    pub(super) counting: &'a Counting<'a>,
    pub(super) observer: &'a dyn VerifyObserver,
}

/// Whether the listing has the file's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listed {
    Yes,
    No,
}

/// Comparisons that are kept before they are counted and the objects of some looked at.
const KEPT: usize = 1_000;

impl Comparison<'_> {
    /// Compares everything. Errors with what ends it early.
    pub(super) async fn whole(&self) -> Result<(), Stopped> {
        let VerifyPorts { index, clock, .. } = self.ports;
        require_domain(index, clock).await?;
        let done = self.begin().await;
        let runs = runs(self.counting.parts().place.digits);
        let ranges = runs.iter().map(|run| run.len() as u64).sum();
        {
            let summary = &mut self.counting.parts().done.summary;
            summary.ranges = ranges;
            self.observer.expect(ranges, summary.ranges_done);
        }
        let mut left = Vec::new();
        for ((number, run), done) in runs.into_iter().enumerate().zip(&done) {
            left.push((number, run.into_iter().skip(*done).collect()));
        }
        let of_keyless = done.len() - 1;
        if done[of_keyless] == 0 {
            self.keyless(of_keyless).await?;
        }
        stream::iter(left)
            .map(|(number, ranges)| self.run(number, ranges))
            .buffer_unordered(limits::RANGES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        // What follows reads no range, and is not done by halves.
        self.keep_state();
        self.counting.parts().are_all_done = true;
        self.rows_since(&done).await?;
        self.back_rows().await?;
        self.look_again().await?;
        self.join_aside().await?;
        self.release_held();
        let summary = self.counting.parts().done.summary.clone();
        require_rows(index, clock, &self.plan.buckets, &summary).await?;
        self.sample().await
    }

    async fn keyless(&self, run: usize) -> Result<(), Stopped> {
        let mut take = |row: KeyedRow| {
            self.observer.read(1);
            self.counting.take(Some(run), &row, &KeyRange { from: None, end: None }, &mut []);
        };
        let read = read_keyless(self.ports.rows, self.looks.patience, &mut take).await;
        read.map_err(|error| trouble(&error))?;
        self.counting.parts().finish(run);
        Ok(())
    }

    /// Compares ranges one after the other. Each bucket is listed once for all of them.
    async fn run(&self, run: usize, ranges: Vec<KeyRange>) -> Result<(), Stopped> {
        let from = ranges.first().and_then(|range| range.from.as_deref());
        let listing = |bucket| Listing::new(self.ports.objects, self.looks.patience, bucket, from);
        let buckets = self.counting.buckets.iter();
        let mut listings: Vec<_> = buckets.map(|bucket| listing(*bucket)).collect();
        for range in &ranges {
            let files = self.read(run, range).await?;
            for (bucket, (listing, mut files)) in listings.iter_mut().zip(files).enumerate() {
                files.sort_unstable();
                self.bucket((run, bucket), range, listing, &files).await?;
            }
            {
                let mut parts = self.counting.parts();
                parts.finish(run);
                parts.done.summary.ranges_done += 1;
            }
            self.observer.range_done(run);
            if self.ports.keeper.is_some_and(StateKeeper::is_due) {
                self.keep_state();
            }
        }
        Ok(())
    }

    /// Keeps the ranges that are done, where that is wanted and still possible.
    pub(super) fn keep_state(&self) {
        let Some(keeper) = self.ports.keeper else { return };
        let state = {
            let parts = self.counting.parts();
            let has_begun = !parts.place.done.is_empty();
            (has_begun && !parts.are_all_done).then(|| VerifyState::of(&parts))
        };
        if let Some(state) = state {
            keeper.keep(&state);
        }
    }

    /// The files of a range, by bucket.
    async fn read(&self, run: usize, range: &KeyRange) -> Result<Vec<Vec<ExpectedFile>>, Stopped> {
        let mut files = vec![Vec::new(); self.counting.buckets.len()];
        let mut take = |row: KeyedRow| {
            self.observer.read(1);
            self.counting.take(Some(run), &row, range, &mut files);
        };
        let (rows, patience) = (self.ports.rows, self.looks.patience);
        read_range(rows, patience, range, self.plan.page_rows, &mut take)
            .await
            .map_err(|error| trouble(&error))?;
        let aside = self.counting.parts().sum(|part| part.summary.out_of_place);
        if aside <= limits::KEPT_ASIDE as u64 {
            return Ok(files);
        }
        let text = format!(
            "the index orders more than {} keys otherwise than by their hex digits, so that they cannot be \
             compared in constant memory. The collation of the column `dkey` of MogileFS's table `file` is \
             one of few that do so, such as a Danish one, which takes `aa` for one letter behind `z`",
            limits::KEPT_ASIDE
        );
        Err(Stopped::Trouble(Reason::new(ReasonKind::IndexUnreadable, text)))
    }

    /// Compares a range's files of one bucket with its listing.
    async fn bucket(
        &self,
        at: (usize, usize),
        range: &KeyRange,
        listing: &mut Listing<'_>,
        files: &[ExpectedFile],
    ) -> Result<(), Stopped> {
        let (mut join, mut joined) = (Join::new(files), Vec::new());
        let next = async |listing: &mut Listing<'_>| {
            let next = listing.next_until(range.end.as_deref()).await;
            next.map_err(|error| Stopped::Trouble(Reason::from(&error)))
        };
        let mut objects = 0;
        while let Some(object) = next(listing).await? {
            objects += 1;
            join.object(object, &mut joined);
            if joined.len() >= KEPT {
                self.settle(at, std::mem::take(&mut joined)).await?;
            }
        }
        join.finish(&mut joined);
        self.counting.parts().of(Some(at.0)).summary.objects += objects;
        self.observer.listed(objects);
        self.settle(at, joined).await
    }

    /// Counts what was compared in this run and bucket. Where the listing does not decide, the object is
    /// looked at first.
    async fn settle(
        &self,
        (run, bucket): (usize, usize),
        joined: Vec<Joined>,
    ) -> Result<(), Stopped> {
        let (mut to_look_at, run) = (Vec::new(), Some(run));
        let by_content = if self.is_deep() { How::ByBytes(None) } else { How::ByHead };
        for one in joined {
            match one {
                Joined::Missing(file) => {
                    to_look_at.push((file, by_content.clone(), Listed::No));
                }
                Joined::Found(file, object) if object.is_archived => {
                    self.counting.looked(run, bucket, &file, false, &self.archived(bucket, &file));
                }
                Joined::Found(file, object) if self.is_deep() => {
                    to_look_at.push((file, How::ByBytes(Some(object.etag)), Listed::Yes));
                }
                Joined::Found(file, object) if object.length == file.length => {
                    self.counting.listed_whole(run, bucket, &file, Some(&object.etag));
                }
                Joined::Found(file, _) => to_look_at.push((file, How::ByHead, Listed::Yes)),
                Joined::Extra(object, sha1) => self.counting.hold(run, bucket, &object, sha1),
                Joined::Intermediary(object) => {
                    let (kind, ListedObject { key, length, .. }) = (Stray::Intermediary, object);
                    self.counting.other(run, kind, bucket, &key, length);
                }
                Joined::OtherKey(object) => {
                    let (kind, ListedObject { key, length, .. }) = (Stray::OtherKey, object);
                    self.counting.other(run, kind, bucket, &key, length);
                }
            }
        }
        let looks = stream::iter(to_look_at)
            .map(|(file, how, listed)| self.look(run, bucket, file, how, listed))
            .buffer_unordered(limits::LOOKS_AT_ONCE);
        self.all(looks).await?;
        self.require_few_failures()
    }

    async fn look(
        &self,
        run: Run,
        bucket: usize,
        file: ExpectedFile,
        how: How,
        listed: Listed,
    ) -> Result<(), Stopped> {
        let is_read = matches!(how, How::ByBytes(_));
        if listed == Listed::No && self.counting.believes_listing() {
            self.counting.missing_by_listing(run, bucket, &file);
            return Ok(());
        }
        let mut looked = self.looks.look(self.counting.buckets[bucket], &file, how).await;
        if let (Listed::No, Looked::Unseen(why)) = (listed, &mut looked) {
            why.detail = format!("it is not listed, and could not be looked for: {}", why.detail);
        }
        self.looks.patience.require_use(&looked)?;
        if listed == Listed::No {
            self.counting.looked_for(run, bucket, &file, &looked);
        }
        self.counting.looked(run, bucket, &file, is_read, &looked);
        Ok(())
    }

    /// Waits for all of them, or for the first that ends the comparison.
    pub(super) async fn all(
        &self,
        looks: impl Stream<Item = Result<(), Stopped>>,
    ) -> Result<(), Stopped> {
        let mut looks = pin!(looks);
        while let Some(looked) = looks.next().await {
            looked?;
            self.require_few_failures()?;
        }
        Ok(())
    }

    /// Looks at the files whose rows came in another range than their objects: one by one, they are few.
    async fn join_aside(&self) -> Result<(), Stopped> {
        let aside = std::mem::take(&mut self.counting.parts().done.aside);
        let how = || if self.is_deep() { How::ByBytes(None) } else { How::ByHead };
        let looks = stream::iter(aside)
            .map(async |(bucket, file)| {
                let held = self.counting.parts().done.held.remove(&(bucket, file.sha1));
                match held {
                    Some(Held { is_archived: true, .. }) => {
                        let archived = self.archived(bucket, &file);
                        self.counting.looked(None, bucket, &file, false, &archived);
                    }
                    Some(Held { length, .. }) if length == file.length && !self.is_deep() => {
                        self.counting.listed_whole(None, bucket, &file, None);
                    }
                    _ => self.look(None, bucket, file, how(), Listed::Yes).await?,
                }
                Ok(())
            })
            .buffer_unordered(limits::SAMPLE_READS_AT_ONCE);
        self.all(looks).await
    }

    /// Counts the objects that no row has named.
    pub(super) fn release_held(&self) {
        let held = std::mem::take(&mut self.counting.parts().done.held);
        for ((bucket, sha1), object) in held {
            let key = ObjectKey::of_content(&sha1);
            self.counting.other(None, Stray::Extra, bucket, &key, object.length);
        }
    }

    async fn sample(&self) -> Result<(), Stopped> {
        let drawn = {
            let done = &mut self.counting.parts().done;
            let drawn = std::mem::replace(&mut done.sampler, Sampler::new(0, 0)).draw();
            done.summary.content.drawn = drawn.len() as u64;
            drawn
        };
        self.observer.sampling(drawn.len() as u64);
        let reads = stream::iter(drawn)
            .map(async |(bucket, sampled)| {
                let (name, file) = (self.counting.buckets[bucket], sampled.file);
                let how = How::ByBytes(Some(sampled.etag));
                let looked = self.looks.look(name, &file, how).await;
                self.looks.patience.require_use(&looked)?;
                self.counting.sampled(bucket, &file, &looked);
                Ok(())
            })
            .buffer_unordered(limits::SAMPLE_READS_AT_ONCE);
        self.all(reads).await
    }

    fn require_few_failures(&self) -> Result<(), Stopped> {
        let failures = self.counting.failures();
        match self.plan.max_failures {
            Some(most) if failures >= most => Err(Stopped::Failures(failures)),
            _ => Ok(()),
        }
    }

    fn archived(&self, bucket: usize, file: &ExpectedFile) -> Looked {
        let at = format!("{}/{}", self.name(bucket), file.key());
        let text = format!("`{at}` is in an archive: nobody can read it before it is restored");
        Looked::Differs(Difference::Archived, text)
    }

    pub(super) fn is_deep(&self) -> bool {
        self.plan.depth == Depth::All
    }

    fn name(&self, bucket: usize) -> &str {
        self.counting.buckets[bucket].as_str()
    }
}

pub(super) fn trouble(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
