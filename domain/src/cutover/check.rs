//! Whether a freeze still holds.

use super::current::{CurrentFreeze, UnreadableJournal, journalled_changes};
use super::look::{Look, Movement};
use super::read_state::{FreezePorts, FreezeTrouble, StateProgress, empty_state, read_state};
use crate::BucketMap;
use crate::ports::Journal;
use crate::store_state::{StateChange, StoreState};

/// What was found of a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreezeCheck {
    /// The journal has no freeze.
    None,
    /// An entry of the journal has ended it. Nothing was read.
    Ended(CurrentFreeze),
    /// It is of other settings. Nothing was read.
    OtherSettings {
        /// The freeze.
        freeze: CurrentFreeze,
        /// What the settings are now, without a row.
        now: StoreState,
    },
    /// The store was compared with it.
    Compared {
        /// The freeze.
        freeze: CurrentFreeze,
        /// What the store holds now.
        now: StoreState,
        /// What is not as it was.
        changes: Vec<StateChange>,
        /// What moved while the rows were read.
        movements: Vec<Movement>,
    },
    /// Another entry was written meanwhile that changes the store, or freezes it anew.
    Overtaken,
}

impl FreezeCheck {
    /// Whether the freeze holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Self::Compared { changes, movements, .. } => {
                movements.is_empty() && !changes.iter().any(StateChange::breaks_a_freeze)
            }
            Self::None | Self::Ended(_) | Self::OtherSettings { .. } | Self::Overtaken => false,
        }
    }
}

/// Why a freeze could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CheckTrouble {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] UnreadableJournal),
    /// The store or its clients.
    #[error(transparent)]
    Store(#[from] FreezeTrouble),
}

/// Compares the store with the last freeze of the journal: every row, then the last rows once more, then the
/// journal once more.
pub async fn check_freeze(
    ports: &FreezePorts,
    journal: &dyn Journal,
    buckets: &BucketMap,
    salt: u64,
    progress: &(dyn Fn(StateProgress) + Sync),
) -> Result<FreezeCheck, CheckTrouble> {
    let before = journalled_changes(journal, &*ports.clock, salt).await?;
    let Some(freeze) = before.freeze.clone() else { return Ok(FreezeCheck::None) };
    if freeze.ended.is_some() {
        return Ok(FreezeCheck::Ended(freeze));
    }
    let settings = empty_state(ports, buckets).await.map_err(FreezeTrouble::from)?;
    if !settings.has_settings_of(&freeze.freeze.state) {
        return Ok(FreezeCheck::OtherSettings { freeze, now: settings });
    }
    let mut now = read_state(ports, buckets, progress).await?;
    let look = Look::of(&now);
    let then = freeze.state_now();
    let behind = before.smoke.behind(ports, Look::of(&then).contentrepo).await;
    behind.map_err(FreezeTrouble::from)?.leave_out(&then, &mut now);
    before.smoke.leave_writes_out(&then, &mut now);
    let changes = now.changes_since(&then);
    let movements = look.movements(ports).await?;
    if journalled_changes(journal, &*ports.clock, salt).await? != before {
        return Ok(FreezeCheck::Overtaken);
    }
    Ok(FreezeCheck::Compared { freeze, now, changes, movements })
}

/// Compares the last rows alone with the last freeze of the journal: what it does not see, [`check_freeze`]
/// does. It takes seconds.
pub async fn glance_at_freeze(
    ports: &FreezePorts,
    journal: &dyn Journal,
    buckets: &BucketMap,
    salt: u64,
) -> Result<FreezeCheck, CheckTrouble> {
    let before = journalled_changes(journal, &*ports.clock, salt).await?;
    let Some(freeze) = before.freeze.clone() else { return Ok(FreezeCheck::None) };
    if freeze.ended.is_some() {
        return Ok(FreezeCheck::Ended(freeze));
    }
    let settings = empty_state(ports, buckets).await.map_err(FreezeTrouble::from)?;
    let state = freeze.freeze.state.clone();
    if !settings.has_settings_of(&state) {
        return Ok(FreezeCheck::OtherSettings { freeze, now: settings });
    }
    let mut look = Look::of(&state);
    let behind = before.smoke.behind(ports, look.contentrepo).await.map_err(FreezeTrouble::from)?;
    look.contentrepo = behind.last_of_smoke().unwrap_or(look.contentrepo);
    let mut movements = look.movements(ports).await?;
    movements.retain(|movement| !before.smoke.explains(movement));
    // A file may go, as `changes_since` has it.
    movements.retain(|it| !matches!(it, Movement::HighestFid { before, now } if now < before));
    Ok(FreezeCheck::Compared { freeze, now: state, changes: Vec::new(), movements })
}
