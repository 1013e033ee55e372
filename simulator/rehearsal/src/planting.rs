//! Puts a corpus into a world as years of ingest would have, with whatever is wrong with it, and
//! keeps what must come of every file.

use std::collections::BTreeMap;

use oracle::Outcome;
use stand_ins::embedded::{EmbeddedWorld, SINGLE_REQUEST_BYTES};
use stand_ins::world::bucket::{Content as ObjectContent, Object};
use stand_ins::world::dynamodb::Item;

use crate::corpus::CorpusFile;
use crate::hazard::{self, Hazard, Hazards};

mod acts;
mod databases;
mod deal;
mod planter;
mod proven;
mod strike;
mod trouble;

pub use proven::{
    plant_arrived, plant_final, plant_objects, plant_passes, plant_proven, plant_rows,
};
pub use trouble::Trouble;

use planter::Planter;

/// A row of the migrated domain with a content, and where that must end up.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The file's number.
    pub fid: u64,
    /// The S3 bucket.
    pub bucket: &'static str,
    /// The content. Its `sha1` is that in the MogileFS key: the final key in S3.
    pub file: CorpusFile,
    /// What is wrong with it.
    pub hazard: Option<Hazard>,
    /// Whether an intermediary of it, good or bad, is in the bucket.
    pub synced: bool,
    /// What S3 must give to readers with the content.
    pub headers: Headers,
}

/// A content type and a disposition, each where contentrepo has a usable one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers {
    /// The type.
    pub content_type: Option<&'static str>,
    /// The disposition.
    pub disposition: Option<&'static str>,
}

impl Expected {
    /// Whether one request cannot write it: it goes in parts, and never by copy.
    #[must_use]
    pub fn goes_in_parts(&self) -> bool {
        self.file.content.length() > SINGLE_REQUEST_BYTES
    }

    /// What must come of it.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.hazard {
            Some(hazard) => hazard.spec().outcome,
            None if self.synced && !self.goes_in_parts() => Outcome::ByCopy,
            None => Outcome::FromMogile,
        }
    }

    /// The findings that a run must tell of it.
    #[must_use]
    pub fn findings(&self) -> &'static [&'static str] {
        self.hazard.map_or(&[], |hazard| hazard.spec().findings)
    }

    /// The most requests that it may take, as [`hazard::Spec::requests`] has them.
    #[must_use]
    pub fn requests(&self) -> &'static str {
        match self.hazard {
            Some(hazard) => hazard.spec().requests,
            None if self.synced && !self.goes_in_parts() => hazard::PLAIN_COPY,
            None => hazard::PLAIN_STREAM,
        }
    }
}

/// All that was planted.
#[derive(Debug, Clone, Default)]
pub struct Planted {
    /// Every row with a content, in the order of the fids. Without hazards, or with mild ones, all
    /// of them must be in S3 at the end.
    pub expected: Vec<Expected>,
    /// Intermediaries, as they were laid into the buckets: they must stay as they are.
    pub intermediaries: BTreeMap<(&'static str, String), ObjectContent>,
    /// What lay at final keys before, by bucket and key.
    pub occupants: BTreeMap<(&'static str, String), Object>,
    /// What clients have written into S3 behind the cut-over, by bucket and key.
    pub written: BTreeMap<(&'static str, String), oracle::state::Object>,
    /// What the ledger had before, by fid.
    pub records: BTreeMap<u64, Item>,
    /// The key that each renamed file has in the end, by fid.
    pub renamed: BTreeMap<u64, String>,
    /// What is wrong with whole services.
    pub troubles: Vec<Trouble>,
    /// Rows of contentrepo's table of objects.
    pub repo_objects: usize,
    /// `{uuid}.tmp` rows.
    pub temporary: usize,
    /// Rows of the ignored bucket.
    pub ignored: usize,
    /// Rows of another domain.
    pub other_domain: usize,
    /// Intermediaries and ledger records of files that MogileFS has no longer.
    pub strays: usize,
}

impl Planted {
    /// How many files have each hazard.
    #[must_use]
    pub fn hazards(&self) -> BTreeMap<Hazard, usize> {
        let mut counts = BTreeMap::new();
        for hazard in self.expected.iter().filter_map(|expected| expected.hazard) {
            *counts.entry(hazard).or_default() += 1;
        }
        counts
    }

    /// Bytes of all expected files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.expected.iter().map(|expected| expected.file.content.length()).sum()
    }
}

/// With fewer files there are too few requests for all trouble to meet one.
const FILES_WITH_TROUBLE: usize = 5;

/// Plants the corpus: files alternate between the buckets, half of them are synced already, some
/// content is in both buckets, the odds and ends of a real store lie between, and hazards are dealt
/// out by the seed. `each` is called after each file.
pub fn plant(
    world: &EmbeddedWorld,
    corpus: Vec<CorpusFile>,
    hazards: Hazards,
    seed: u64,
    each: &dyn Fn(),
) -> anyhow::Result<Planted> {
    let mut planter = Planter::new(world, seed);
    let mut slots = deal::slots(corpus);
    deal::deal(&mut slots, hazards, &mut planter.rng);
    let last = slots.len().saturating_sub(1);
    for (number, slot) in slots.into_iter().enumerate() {
        if number == last {
            planter.skip_to_eleven_digits();
        }
        if number % 50 == 7 {
            planter.plant_other_rows(&slot.file.content);
            if hazards == Hazards::All {
                planter.plant_stray()?;
            }
        }
        planter.plant_slot(slot)?;
        each();
    }
    if hazards == Hazards::All && planter.planted.expected.len() >= FILES_WITH_TROUBLE {
        planter.add_troubles();
    }
    databases::plant(world, &mut planter.planted, seed)?;
    Ok(planter.planted)
}
