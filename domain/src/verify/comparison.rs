//! The passes of a comparison: ranges of keys, what was kept aside, and the sample.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::join::{ExpectedFile, Join, Joined};
use super::listing::Listing;
use super::local::{Depth, VerifyPlan, VerifyPorts};
use super::look::{How, Looked, Looks};
use super::observer::VerifyObserver;
use super::ranges::{KeyRange, digits, runs};
use super::rows::{read_keyless, read_range};
use super::sample::Sampler;
use super::settings::{require_domain, require_rows};
use super::summary::Difference;
use super::tally::{Counting, Held, Stray};
use crate::ports::{IndexError, KeyedRow};
use crate::{ObjectKey, Reason, ReasonKind, Stopped, limits};

/// One comparison, while it goes on.
pub(super) struct Comparison<'a> {
    pub(super) ports: VerifyPorts<'a>,
    pub(super) plan: &'a VerifyPlan,
    pub(super) looks: Looks<'a>,
    pub(super) counting: &'a Counting<'a>,
    pub(super) observer: &'a dyn VerifyObserver,
}

/// Comparisons that are kept before they are counted and the objects of some looked at.
const KEPT: usize = 1_000;

impl Comparison<'_> {
    /// Compares everything. Errors with what ends it early.
    pub(super) async fn whole(&self) -> Result<(), Stopped> {
        let VerifyPorts { index, rows, clock, .. } = self.ports;
        require_domain(index, clock).await?;
        let before = match index.count().await {
            Ok(count) => count,
            Err(error) => {
                self.counting.state().summary.uncounted = Some(error.to_string());
                None
            }
        };
        let runs = runs(digits(before));
        let ranges = runs.iter().map(|run| run.len() as u64).sum();
        {
            let mut state = self.counting.state();
            (state.summary.counted_before, state.summary.ranges) = (before, ranges);
        }
        self.observer.expect(ranges);
        let keyless = |row: KeyedRow| {
            self.observer.read(1);
            self.counting.take(&row, &KeyRange { from: None, end: None }, &mut []);
        };
        read_keyless(rows, clock, &mut { keyless }).await.map_err(|error| trouble(&error))?;
        stream::iter(runs)
            .map(|run| self.run(run))
            .buffer_unordered(limits::RANGES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        self.join_aside().await?;
        self.release_held();
        let read = self.counting.state().summary.rows;
        if before.is_some_and(|before| read < before) {
            let after = index.count().await.ok().flatten();
            self.counting.state().summary.counted_after = after;
        }
        let summary = self.counting.state().summary.clone();
        require_rows(index, clock, &self.plan.buckets, &summary).await?;
        self.sample().await
    }

    /// Compares ranges one after the other. Each bucket is listed once for all of them.
    async fn run(&self, run: Vec<KeyRange>) -> Result<(), Stopped> {
        let from = run.first().and_then(|range| range.from.as_deref());
        let VerifyPorts { objects, clock, .. } = self.ports;
        let listing = |bucket| Listing::new(objects, clock, bucket, from);
        let buckets = self.counting.buckets.iter();
        let mut listings: Vec<_> = buckets.map(|bucket| listing(*bucket)).collect();
        for range in &run {
            let files = self.read(range).await?;
            for (bucket, (listing, mut files)) in listings.iter_mut().zip(files).enumerate() {
                files.sort_unstable();
                self.bucket(bucket, range, listing, &files).await?;
            }
            self.counting.state().summary.ranges_done += 1;
            self.observer.range_done();
        }
        Ok(())
    }

    /// The files of a range, by bucket.
    async fn read(&self, range: &KeyRange) -> Result<Vec<Vec<ExpectedFile>>, Stopped> {
        let VerifyPorts { rows, clock, .. } = self.ports;
        let mut files = vec![Vec::new(); self.counting.buckets.len()];
        let mut take = |row: KeyedRow| {
            self.observer.read(1);
            self.counting.take(&row, range, &mut files);
        };
        read_range(rows, clock, range, self.plan.page_rows, &mut take)
            .await
            .map_err(|error| trouble(&error))?;
        let aside = self.counting.state().summary.out_of_place;
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
        bucket: usize,
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
                self.settle(bucket, std::mem::take(&mut joined)).await?;
            }
        }
        join.finish(&mut joined);
        self.counting.state().summary.objects += objects;
        self.observer.listed(objects);
        self.settle(bucket, joined).await
    }

    /// Counts what was compared. Where the listing does not decide, the object is looked at first.
    async fn settle(&self, bucket: usize, joined: Vec<Joined>) -> Result<(), Stopped> {
        let mut to_look_at = Vec::new();
        for one in joined {
            match one {
                Joined::Missing(file) => {
                    let text = format!("no object is at `{}/{}`", self.name(bucket), file.key());
                    let missing = Looked::Differs(Difference::Missing, text);
                    self.counting.looked(bucket, &file, false, &missing);
                }
                Joined::Found(file, object) if object.is_archived => {
                    self.counting.looked(bucket, &file, false, &self.archived(bucket, &file));
                }
                Joined::Found(file, object) if self.is_deep() => {
                    to_look_at.push((file, How::ByBytes(Some(object.etag))));
                }
                Joined::Found(file, object) if object.length == file.length => {
                    self.counting.listed_whole(bucket, &file, Some(&object.etag));
                }
                Joined::Found(file, _) => to_look_at.push((file, How::ByHead)),
                Joined::Extra(object, sha1) => self.counting.hold(bucket, &object, sha1),
                Joined::Intermediary(object) => {
                    self.counting.other(Stray::Intermediary, bucket, &object.key, object.length);
                }
                Joined::OtherKey(object) => {
                    self.counting.other(Stray::OtherKey, bucket, &object.key, object.length);
                }
            }
        }
        let mut looks = stream::iter(to_look_at)
            .map(|(file, how)| self.look(bucket, file, how))
            .buffer_unordered(limits::LOOKS_AT_ONCE);
        while looks.next().await.is_some() {
            self.require_few_failures()?;
        }
        self.require_few_failures()
    }

    async fn look(&self, bucket: usize, file: ExpectedFile, how: How) {
        let is_read = matches!(how, How::ByBytes(_));
        let looked = self.looks.look(self.counting.buckets[bucket], &file, how).await;
        self.counting.looked(bucket, &file, is_read, &looked);
    }

    /// Looks at the files whose rows came in another range than their objects: one by one, they are few.
    async fn join_aside(&self) -> Result<(), Stopped> {
        let aside = std::mem::take(&mut self.counting.state().aside);
        let how = || if self.is_deep() { How::ByBytes(None) } else { How::ByHead };
        let mut looks = stream::iter(aside)
            .map(async |(bucket, file)| {
                let held = self.counting.state().held.remove(&(bucket, file.sha1));
                match held {
                    Some(Held { is_archived: true, .. }) => {
                        self.counting.looked(bucket, &file, false, &self.archived(bucket, &file));
                    }
                    Some(Held { length, .. }) if length == file.length && !self.is_deep() => {
                        self.counting.listed_whole(bucket, &file, None);
                    }
                    _ => self.look(bucket, file, how()).await,
                }
            })
            .buffer_unordered(limits::SAMPLE_READS_AT_ONCE);
        while looks.next().await.is_some() {
            self.require_few_failures()?;
        }
        Ok(())
    }

    /// Counts the objects that no row has named.
    pub(super) fn release_held(&self) {
        let held: BTreeMap<_, _> = std::mem::take(&mut self.counting.state().held);
        for ((bucket, sha1), object) in held {
            let key = ObjectKey::of_content(&sha1);
            self.counting.other(Stray::Extra, bucket, &key, object.length);
        }
    }

    async fn sample(&self) -> Result<(), Stopped> {
        let drawn = {
            let mut state = self.counting.state();
            let sampler = std::mem::replace(&mut state.sampler, Sampler::new(0, 0));
            let drawn = sampler.draw();
            state.summary.content.drawn = drawn.len() as u64;
            drawn
        };
        self.observer.sampling(drawn.len() as u64);
        let mut reads = stream::iter(drawn)
            .map(async |(bucket, sampled)| {
                let (name, file) = (self.counting.buckets[bucket], sampled.file);
                let how = How::ByBytes(Some(sampled.etag));
                let looked = self.looks.look(name, &file, how).await;
                self.counting.sampled(bucket, &file, &looked);
            })
            .buffer_unordered(limits::SAMPLE_READS_AT_ONCE);
        while reads.next().await.is_some() {
            self.require_few_failures()?;
        }
        Ok(())
    }

    fn require_few_failures(&self) -> Result<(), Stopped> {
        let failures = self.counting.state().summary.failures();
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

    fn is_deep(&self) -> bool {
        self.plan.depth == Depth::All
    }

    fn name(&self, bucket: usize) -> &str {
        self.counting.buckets[bucket].as_str()
    }
}

fn trouble(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
