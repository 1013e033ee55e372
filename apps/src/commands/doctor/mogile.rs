//! MogileFS's database: as it is read, and as `rekey` would change it.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{examine_key_changes, examine_mogile_database};
use domain::ports::SourceIndex;
use domain::{Check, Health};

use crate::config::KeyChangeSettings;
use crate::exit::UsageError;
use crate::wiring::Wiring;

/// Where it is.
pub(super) struct MogileDatabases {
    /// As one that is changed, where it is named.
    changed: Option<DatabaseUrl>,
}

impl MogileDatabases {
    pub(super) fn of(settings: &KeyChangeSettings) -> Result<Self, UsageError> {
        Ok(Self { changed: settings.url()? })
    }

    /// Checks what is named. `is_index_well` says whether the index could be read: if not, a database
    /// that does not answer is the same trouble, and one check is enough.
    pub(super) async fn examine(
        self,
        wiring: &Wiring<'_>,
        index: &dyn SourceIndex,
        is_index_well: bool,
    ) -> Result<Vec<Check>, UsageError> {
        let mut checks = Vec::new();
        if let Some(database) = wiring.mogile_database()? {
            checks = examine_mogile_database(&database).await;
            let has_answered = checks.iter().any(|check| check.health == Health::Good);
            if !has_answered && !is_index_well {
                checks.clear();
            }
        }
        if let Some(url) = self.changed {
            checks.extend(examine_key_changes(&wiring.key_changes(url), index).await);
        }
        Ok(checks)
    }
}
