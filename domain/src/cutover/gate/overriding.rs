//! Which gates an operator may override.

use super::{EvidenceSeen, FreezeSeen, Gate};
use crate::cutover::check::FreezeCheck;
use crate::cutover::look::Movement;
use crate::store_state::StateChange;

/// Why a gate cannot be overridden.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoOverride {
    /// It has a flag of its own, or another command opens it.
    #[error("this gate cannot be overridden: do what its line says")]
    OwnWay,
    /// A look found files missing or wrong.
    #[error(
        "entry {0} of the journal has findings, and no clean run of the same command began behind it: a file that \
         is missing or wrong is migrated or accepted by name, and never overridden"
    )]
    FoundWrong(u64),
    /// Jobs were sent behind the begin of the last audit.
    #[error(
        "by entry {0} of the journal jobs were sent after the last audit began, and what is left in the queues may be what \
         they found: let the workers end, then `mogile2s3 audit --run NAME`"
    )]
    JobsSince(u64),
    /// Neither `audit` nor `verify` says that the content is whole.
    #[error(
        "neither `audit` nor `verify` holds: one of the two must be clean, complete and of the freeze's content"
    )]
    NeitherHolds,
    /// Files may have come or changed since the freeze.
    #[error(
        "the content or the settings are not those of the freeze, or may not be: this cannot be overridden"
    )]
    ContentMayDiffer,
}

impl Gate {
    /// Whether an operator may override this gate, which is closed, beside all gates of the same change.
    ///
    /// # Errors
    /// With the reason where not.
    pub fn may_be_overridden(&self, all: &[Self]) -> Result<(), NoOverride> {
        match self {
            Self::Freeze(seen) if has_content_of_freeze(seen) => Ok(()),
            Self::Freeze(_) => Err(NoOverride::ContentMayDiffer),
            Self::Audit(_) | Self::Verify(_) | Self::Verified(_) => {
                let looks: Vec<_> = all.iter().filter_map(Self::evidence).collect();
                if let Some(entry) = looks.iter().find_map(|seen| seen.wrong) {
                    return Err(NoOverride::FoundWrong(entry));
                }
                if looks.iter().any(|seen| seen.holds()) {
                    Ok(())
                } else {
                    Err(NoOverride::NeitherHolds)
                }
            }
            Self::Queue(_) => {
                let looks: Vec<_> = all.iter().filter_map(Self::evidence).collect();
                if let Some(entry) = looks.iter().find_map(|seen| seen.wrong) {
                    return Err(NoOverride::FoundWrong(entry));
                }
                // What is left in the queues may be what they found.
                looks
                    .iter()
                    .find_map(|seen| seen.jobs_behind)
                    .map_or(Ok(()), |entry| Err(NoOverride::JobsSince(entry)))
            }
            Self::Unmapped(_) | Self::LeftBehind(_) | Self::Order(_) | Self::Ingested(_) => {
                Err(NoOverride::OwnWay)
            }
        }
    }

    fn evidence(&self) -> Option<&EvidenceSeen> {
        match self {
            Self::Audit(seen) | Self::Verify(seen) => Some(seen),
            Self::Freeze(_)
            | Self::Unmapped(_)
            | Self::LeftBehind(_)
            | Self::Order(_)
            | Self::Ingested(_)
            | Self::Verified(_)
            | Self::Queue(_) => None,
        }
    }
}

/// Whether a freeze does not hold for reasons that leave the content of MogileFS as it was: rows of clients,
/// or a node that says that it wrote.
fn has_content_of_freeze(FreezeSeen { check, is_full }: &FreezeSeen) -> bool {
    match check {
        FreezeCheck::Compared { changes, movements, .. } => {
            *is_full
                && changes.iter().all(keeps_content)
                && movements.iter().all(|movement| match movement {
                    Movement::ContentrepoRow(_)
                    | Movement::RhinoRow(_)
                    | Movement::NodeWrites { .. }
                    | Movement::NodeRestarted(_) => true,
                    Movement::Uploads { .. }
                    | Movement::HighestFid { .. }
                    | Movement::TrackersAhead(_) => false,
                })
        }
        FreezeCheck::None
        | FreezeCheck::Ended(_)
        | FreezeCheck::OtherSettings { .. }
        | FreezeCheck::Overtaken => false,
    }
}

const fn keeps_content(change: &StateChange) -> bool {
    match change {
        StateChange::OtherRows
        | StateChange::LastFileDeleted
        | StateChange::Contentrepo
        | StateChange::Rhino
        | StateChange::NodeWrites => true,
        // A file of another domain may have been stored, and an upload may become content.
        StateChange::Settings
        | StateChange::Content
        | StateChange::FileStored
        | StateChange::Uploads => false,
    }
}
