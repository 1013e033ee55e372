//! What a part of a comparison has found: a range of keys that is being compared, or all that are done.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::join::ExpectedFile;
use super::sample::Sampler;
use super::state::Place;
use super::summary::VerifySummary;
use crate::store_state::RowsDigest;
use crate::{ByteCount, Fid, Sha1};

/// What was found. A range that ends adds its part to those that are done, so that these hold no half
/// range at any time.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) summary: VerifySummary,
    /// The fids of all rows that were read: a row may come twice.
    pub(super) seen: RoaringTreemap,
    /// Of them those whose rows were no files.
    pub(super) not_files: RoaringTreemap,
    /// Of these those whose rows came again as files.
    pub(super) changed: RoaringTreemap,
    /// Files whose rows came in another range than their key belongs to.
    pub(super) aside: Vec<(usize, ExpectedFile)>,
    /// Objects of content that no row of their range names. One of the rows aside may.
    pub(super) held: BTreeMap<(usize, Sha1), Held>,
    /// Of the files that could not be looked at, those that a comparison that goes on looks at again.
    pub(super) unseen: Vec<(usize, ExpectedFile)>,
    pub(super) sampler: Sampler,
    /// The rows of files that were read; [`None`] where those of a continued state are not known.
    pub(super) content: Option<RowsDigest>,
}

/// An object that waits for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) length: ByteCount,
    pub(super) is_archived: bool,
}

impl Part {
    pub(super) fn new(sampler: Sampler) -> Self {
        Self {
            summary: VerifySummary::default(),
            seen: RoaringTreemap::new(),
            not_files: RoaringTreemap::new(),
            changed: RoaringTreemap::new(),
            aside: Vec::new(),
            held: BTreeMap::new(),
            unseen: Vec::new(),
            sampler,
            content: Some(RowsDigest::default()),
        }
    }

    /// Takes what another part has found.
    pub(super) fn absorb(&mut self, other: Self) {
        let Self { summary, seen, not_files, changed, aside, held, unseen, sampler, content } =
            other;
        self.summary.absorb(summary);
        self.seen |= seen;
        self.not_files |= not_files;
        self.changed |= changed;
        self.aside.extend(aside);
        self.held.extend(held);
        self.unseen.extend(unseen);
        self.sampler.absorb(sampler);
        self.content = self.content.zip(content).map(|(mut all, part)| {
            all.absorb(part);
            all
        });
    }
}

/// The parts of a comparison.
#[derive(Debug)]
pub(super) struct Parts {
    /// All ranges that are done.
    pub(super) done: Part,
    /// How far that is.
    pub(super) place: Place,
    /// Whether all ranges are done: what is done changes behind them, too.
    pub(super) are_all_done: bool,
    /// Files in a row that neither the listing nor a HEAD has found. No state has it: files of half ranges
    /// count here.
    pub(super) not_found: u64,
    /// The range that each run is comparing.
    under_way: BTreeMap<usize, Part>,
    fresh: Sampler,
}

impl Parts {
    /// Begins with what is done already, and with the sampler of a part that has found nothing.
    pub(super) const fn new(done: Part, place: Place, fresh: Sampler) -> Self {
        Self { done, place, are_all_done: false, not_found: 0, under_way: BTreeMap::new(), fresh }
    }

    /// The part that this run is finding; without a run, what is done.
    pub(super) fn of(&mut self, run: Option<usize>) -> &mut Part {
        match run {
            None => &mut self.done,
            Some(run) => self.under_way.entry(run).or_insert_with(|| Part::new(self.fresh.clone())),
        }
    }

    /// This run's range is done.
    pub(super) fn finish(&mut self, run: usize) {
        if let Some(part) = self.under_way.remove(&run) {
            self.done.absorb(part);
        }
        self.place.done[run] += 1;
    }

    /// Adds what ranges have found that did not come to their end.
    pub(super) fn abandon(&mut self) {
        while let Some((_, part)) = self.under_way.pop_first() {
            self.done.absorb(part);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Part> {
        [&self.done].into_iter().chain(self.under_way.values())
    }

    pub(super) fn has_seen(&self, fid: Fid) -> bool {
        self.all().any(|part| part.seen.contains(fid.0))
    }

    /// Whether the row of this fid was no file, and has not come again as one.
    pub(super) fn is_no_file(&self, fid: Fid) -> bool {
        self.all().any(|part| part.not_files.contains(fid.0))
            && !self.all().any(|part| part.changed.contains(fid.0))
    }

    /// A number, over all parts.
    pub(super) fn sum(&self, of: impl Fn(&Part) -> u64) -> u64 {
        self.all().map(of).sum()
    }
}
