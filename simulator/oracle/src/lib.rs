//! Judges the end state of a world from what was planted alone. It shares no rule with the
//! migrator: it knows what must be there, and looks.
//!
//! It depends on no crate of this workspace and takes [plain data](state).

use serde::Serialize;

mod buckets;
mod expected;
mod ledger;
mod mogile;
pub mod state;

pub use expected::{Expectation, ExpectedFile, Left, Outcome, Place};
pub use ledger::misrouted;

use state::EndState;

/// What the oracle saw.
#[derive(Debug, Default, Serialize)]
pub struct Judgement {
    /// Files that must be whole at their final key.
    pub expected: usize,
    /// Files that are, by their own bytes.
    pub whole: usize,
    /// How many bytes those have.
    pub bytes: u64,
    /// All that is not as it should be. Empty is content.
    pub problems: Vec<String>,
}

impl Judgement {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_content(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Judges buckets, ledger and MogileFS.
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
