//! The databases of MogileFS's clients, where they are named.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{examine_content_repo, examine_rhino};
use domain::ports::Clock;
use domain::{BucketMap, Check};

use crate::config::{CONTENT_REPO, ClientSettings, RHINO};
use crate::exit::UsageError;
use crate::wiring::Wiring;

/// Where they are.
pub(super) struct Clients {
    content_repo: Option<DatabaseUrl>,
    rhino: Option<DatabaseUrl>,
}

impl Clients {
    pub(super) fn of(settings: &ClientSettings) -> Result<Self, UsageError> {
        Ok(Self { content_repo: settings.content_repo()?, rhino: settings.rhino()? })
    }

    /// Checks those that are named. Returns the settings of the others, too.
    pub(super) async fn examine(
        self,
        wiring: &Wiring<'_>,
        map: &BucketMap,
        clock: &dyn Clock,
    ) -> (Vec<Check>, Vec<&'static str>) {
        let (mut checks, mut unset) = (Vec::new(), Vec::new());
        match self.content_repo.map(|url| wiring.content_repo(url)) {
            Some(database) => checks.extend(examine_content_repo(&database, map, clock).await),
            None => unset.push(CONTENT_REPO),
        }
        match self.rhino.map(|url| wiring.rhino(url)) {
            Some(database) => checks.extend(examine_rhino(&database, clock).await),
            None => unset.push(RHINO),
        }
        (checks, unset)
    }
}
