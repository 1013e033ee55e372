//! Who gets which hazard.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use stand_ins::embedded::{BUCKETS, SINGLE_REQUEST_BYTES};

use crate::corpus::CorpusFile;
use crate::hazard::{Hazard, Hazards, Needs};

/// A file's place, before it is planted.
pub(super) struct Slot {
    pub(super) file: CorpusFile,
    /// Its place in [`BUCKETS`].
    pub(super) bucket: usize,
    pub(super) synced: bool,
    pub(super) hazard: Option<Hazard>,
}

/// One slot for each content, and a second one in the other bucket for some.
pub(super) fn slots(corpus: Vec<CorpusFile>) -> Vec<Slot> {
    let mut slots = Vec::with_capacity(corpus.len() + corpus.len() / 25 + 1);
    let mut in_parts = 0;
    for (number, file) in corpus.into_iter().enumerate() {
        let mut add = |file: CorpusFile, bucket: usize| {
            let count = if file.content.length() > SINGLE_REQUEST_BYTES {
                in_parts += 1;
                in_parts
            } else {
                // Two and two, so that both buckets have some of both.
                slots.len() / 2
            };
            slots.push(Slot { file, bucket, synced: count % 2 == 0, hazard: None });
        };
        if number % 25 == 3 {
            add(file.clone(), (number + 1) % BUCKETS.len());
        }
        add(file, number % BUCKETS.len());
    }
    slots
}

/// The mild hazards.
const MILD: [Hazard; 4] = [
    Hazard::CorruptIntermediary,
    Hazard::LeadingSlash,
    Hazard::CorruptFirstReplica,
    Hazard::PutAnswerLost,
];

/// Deals hazards to slots that fit: each kind as often as another, while there are slots, and no
/// more than half of the files.
pub(super) fn deal(slots: &mut [Slot], hazards: Hazards, rng: &mut ChaCha8Rng) {
    let (kinds, rounds) = match hazards {
        Hazards::None => return,
        Hazards::Mild => (&MILD[..], (slots.len() / 40).min(25)),
        Hazards::All => (Hazard::ALL, (slots.len() / 500).clamp(1, 12)),
    };
    let mut fitting = fitting(slots, rng);
    let mut left = slots.len() / 2;
    // Of a smaller corpus one file is so large a part that it is taken for a mistake in the map.
    let is_small = slots.len() < 200;
    for round in 0..rounds {
        for hazard in kinds.iter().filter(|hazard| round < hazard.spec().most) {
            if is_small && *hazard == Hazard::ProvenElsewhere {
                continue;
            }
            let slot = fitting.get_mut(&hazard.spec().needs).and_then(Vec::pop);
            if let Some(slot) = slot.filter(|_| left > 0) {
                slots[slot].hazard = Some(*hazard);
                left -= 1;
            }
        }
    }
    if hazards == Hazards::All {
        // They are what they are, dealt or not.
        let too_large =
            |slot: &&mut Slot| slot.hazard.is_none() && needs(slot) == Some(Needs::SyncedInParts);
        for slot in slots.iter_mut().filter(too_large) {
            slot.hazard = Some(Hazard::IntermediaryTooLarge);
        }
    }
}

/// The slots by what hazards need, in an order drawn by lot.
fn fitting(slots: &[Slot], rng: &mut ChaCha8Rng) -> BTreeMap<Needs, Vec<usize>> {
    let mut fitting = BTreeMap::<Needs, Vec<usize>>::new();
    for (at, slot) in slots.iter().enumerate() {
        if let Some(needs) = needs(slot) {
            fitting.entry(needs).or_default().push(at);
        }
    }
    for slots in fitting.values_mut() {
        slots.shuffle(rng);
    }
    fitting
}

/// What a slot has to offer; an empty file has no byte to be wrong.
fn needs(slot: &Slot) -> Option<Needs> {
    let in_parts = slot.file.content.length() > SINGLE_REQUEST_BYTES;
    match (slot.synced, in_parts) {
        _ if slot.file.content.length() == 0 => None,
        (true, false) => Some(Needs::Synced),
        (false, false) => Some(Needs::Streamed),
        (true, true) => Some(Needs::SyncedInParts),
        (false, true) => Some(Needs::StreamedInParts),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::corpus;

    fn dealt(seed: u64, files: usize, hazards: Hazards) -> Vec<Option<Hazard>> {
        let mut slots = slots(corpus::seeded(seed, files));
        deal(&mut slots, hazards, &mut ChaCha8Rng::seed_from_u64(seed));
        slots.into_iter().map(|slot| slot.hazard).collect()
    }

    #[test]
    fn every_hazard_is_dealt_by_the_seed() {
        for seed in [1, 2] {
            let dealt = dealt(seed, 300, Hazards::All);
            for hazard in Hazard::ALL {
                assert!(dealt.contains(&Some(*hazard)), "seed {seed} has no {hazard:?}");
            }
        }
        assert_eq!(dealt(7, 100, Hazards::All), dealt(7, 100, Hazards::All));
        assert_ne!(dealt(7, 100, Hazards::All), dealt(8, 100, Hazards::All));
    }

    #[test]
    fn a_small_corpus_is_not_all_hazards() {
        let few = dealt(1, 20, Hazards::All);
        assert!(few.iter().flatten().count() <= few.len() / 2);
        assert!(dealt(1, 300, Hazards::None).iter().all(Option::is_none));
    }

    #[test]
    fn mild_hazards_are_healed_without_a_pause() {
        let mild: Vec<_> = dealt(1, 300, Hazards::Mild).into_iter().flatten().collect();
        assert!(mild.len() > 20 && mild.iter().all(|hazard| hazard.spec().outcome.is_proven()));
    }
}
