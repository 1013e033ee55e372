//! MogileFS's database: as it is read, and as `rekey` would change it.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{examine_key_changes, examine_mogile_database};
use domain::ports::SourceIndex;
use domain::{Check, Health};

use super::WrongSettings;
use crate::config::KeyChangeSettings;
use crate::wiring::Wiring;

/// Where it is.
pub(super) struct MogileDatabases {
    /// As one that is changed, where it is named.
    changed: Option<DatabaseUrl>,
}

impl MogileDatabases {
    pub(super) fn of(settings: &KeyChangeSettings, wrong: &mut WrongSettings) -> Self {
        Self {
            changed: wrong.take("MogileFS's database, to change keys", settings.url()).flatten(),
        }
    }

    /// Checks what is named. `is_index_well` says whether the index could be read: if not, a database
    /// that does not answer is the same trouble, and one check is enough.
    pub(super) async fn examine(
        self,
        wiring: &Wiring<'_>,
        index: Option<&dyn SourceIndex>,
        is_index_well: bool,
        wrong: &mut WrongSettings,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        let database = wrong.take("MogileFS's database", wiring.mogile_database());
        if let Some(database) = database.flatten() {
            checks = examine_mogile_database(&database).await;
            let has_answered = checks.iter().any(|check| check.health == Health::Good);
            if !has_answered && !is_index_well {
                checks.clear();
            }
        }
        // Without an index there is nothing to compare it with, and why there is none is said.
        if let (Some(url), Some(index)) = (self.changed, index) {
            checks.extend(examine_key_changes(&wiring.key_changes(url), index).await);
        }
        checks
    }
}
