//! The databases of MogileFS's clients, where they are named.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{examine_content_repo, examine_rhino};
use domain::ports::Clock;
use domain::{BucketMap, Check};

use super::WrongSettings;
use crate::config::{CONTENT_REPO, ClientSettings, RHINO};
use crate::wiring::Wiring;

/// Where they are. The outer [`None`] is a setting that cannot be used, the inner one that none is given.
pub(super) struct Clients {
    content_repo: Option<Option<DatabaseUrl>>,
    rhino: Option<Option<DatabaseUrl>>,
}

impl Clients {
    pub(super) fn of(settings: &ClientSettings, wrong: &mut WrongSettings) -> Self {
        Self {
            content_repo: wrong.take("contentrepo's database", settings.content_repo()),
            rhino: wrong.take("rhino's database", settings.rhino()),
        }
    }

    /// Checks those that are named, contentrepo's where the buckets are. Returns the settings of those that
    /// are not, too.
    pub(super) async fn examine(
        self,
        wiring: &Wiring<'_>,
        map: Option<&BucketMap>,
        clock: &dyn Clock,
    ) -> (Vec<Check>, Vec<&'static str>) {
        let (mut checks, mut unset) = (Vec::new(), Vec::new());
        match self.content_repo.map(|url| (url, map)) {
            Some((None, _)) => unset.push(CONTENT_REPO),
            Some((Some(url), Some(map))) => {
                let database = wiring.content_repo(url);
                checks.extend(examine_content_repo(&database, map, clock).await);
            }
            Some((Some(_), None)) | None => {}
        }
        match self.rhino {
            Some(None) => unset.push(RHINO),
            Some(Some(url)) => checks.extend(examine_rhino(&wiring.rhino(url), clock).await),
            None => {}
        }
        (checks, unset)
    }
}
