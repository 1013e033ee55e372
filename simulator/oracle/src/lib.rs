//! Judges the end state of a world against what was planted in it. The oracle shares no rule with
//! the migrator: it knows the expected state and compares it with the real one.
//!
//! It depends on no crate of this workspace and takes [plain data](state).

use serde::Serialize;

mod buckets;
mod expected;
mod ledger;
mod mogile;
pub mod readers;
pub mod state;

pub use expected::{Expectation, ExpectedFile, Left, Outcome, Place};
pub use ledger::misrouted;

use state::EndState;

/// The result of comparing the end state with the expectation.
#[derive(Debug, Default, Serialize)]
pub struct Judgement {
    /// Files that must be whole at their final key.
    pub expected: usize,
    /// Files whose object at the final key has the right SHA-1, computed from its bytes.
    pub whole: usize,
    /// The total length of the whole files in bytes.
    pub bytes: u64,
    /// One text for each difference from the expected state. Empty when there is none.
    pub problems: Vec<String>,
}

impl Judgement {
    /// Whether the oracle found no problem.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Compares the buckets, the ledger and MogileFS with the expectation.
#[must_use]
pub fn judge(expected: &Expectation, found: &EndState) -> Judgement {
    let mut judgement = Judgement::default();
    for (name, bucket) in &found.buckets {
        let bucket = match bucket {
            Ok(bucket) => bucket,
            Err(error) => {
                judgement.problems.push(format!("bucket `{name}`: {error}"));
                continue;
            }
        };
        buckets::judge(name, &bucket.objects, expected, &mut judgement);
        let uploads = bucket.uploads;
        if uploads > 0 {
            judgement.problems.push(format!("bucket `{name}`: {uploads} uploads left half done"));
        }
    }
    match &found.ledger {
        Ok(items) => ledger::judge(items, expected, found, &mut judgement.problems),
        Err(error) => judgement.problems.push(format!("ledger: {error}")),
    }
    mogile::judge(expected, &found.mogile, &mut judgement.problems);
    judgement
}

#[cfg(test)]
mod tests;
