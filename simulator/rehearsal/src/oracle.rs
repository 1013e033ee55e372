//! Judges the end state of a world from what was planted alone. It shares no rule with the
//! migrator: it knows what must be there, and looks.

use serde::Serialize;

use crate::planting::Planted;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, LEDGER};
use stand_ins::wire::dynamodb;

mod buckets;
mod ledger;
mod mogile;

pub use ledger::misrouted;
pub use mogile::Snapshot;

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

/// Judges buckets, ledger and MogileFS, of which `before` was taken before the migration.
#[must_use]
pub fn judge(world: &EmbeddedWorld, planted: &Planted, before: &Snapshot) -> Judgement {
    let mut judgement = Judgement::default();
    for (_, bucket) in BUCKETS {
        match world.s3.objects(bucket) {
            Ok(objects) => buckets::judge(bucket, objects, planted, &mut judgement),
            Err(error) => judgement.problems.push(format!("bucket `{bucket}`: {error}")),
        }
        // One without parts holds nothing: the answer to its beginning was lost, and nobody knows
        // its id. Buckets have a rule that takes such ones away.
        let uploads = world.s3.uploads(bucket).unwrap_or_default();
        let uploads = uploads.values().filter(|upload| !upload.parts.is_empty()).count();
        if uploads > 0 {
            judgement.problems.push(format!("bucket `{bucket}`: {uploads} uploads left half done"));
        }
    }
    match dynamodb::items(&world.database, LEDGER) {
        Ok(items) => ledger::judge(world, items, planted, &mut judgement.problems),
        Err(error) => judgement.problems.push(format!("ledger: {error}")),
    }
    mogile::judge(world, planted, before, &mut judgement.problems);
    judgement
}
