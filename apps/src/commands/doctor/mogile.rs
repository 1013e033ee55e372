//! MogileFS's database: as it is read, and as `rekey` would change it.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{examine_key_changes, examine_mogile_database};
use domain::ports::SourceIndex;
use domain::{Check, Health};

use super::WrongSettings;
use crate::config::KeyChangeSettings;
use crate::wiring::Wiring;

/// What is not looked at where its setting is wrong.
const CHANGED: &str = "MogileFS's database, to change keys";

/// Where it is.
pub(super) struct MogileDatabases {
    /// As one that is changed, where it is named.
    changed: Option<DatabaseUrl>,
}

impl MogileDatabases {
    pub(super) fn of(settings: &KeyChangeSettings, wrong: &mut WrongSettings) -> Self {
        Self { changed: wrong.take(CHANGED, settings.url()).flatten() }
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
        match (self.changed, index) {
            (Some(url), Some(index)) => {
                checks.extend(examine_key_changes(&wiring.key_changes(url), index).await);
            }
            // There is nothing to compare it with.
            (Some(_), None) => {
                wrong.take(CHANGED, wiring.index());
            }
            (None, _) => {}
        }
        checks
    }
}
