//! The databases of MogileFS's clients, where they are named.

use adapters::mysql::DatabaseUrl;
use domain::doctor::{
    CONTENT_REPO_CHANGES, RHINO_CHANGES, examine_client_changes, examine_content_repo,
    examine_rhino,
};
use domain::journal::ClientDatabase;
use domain::ports::Clock;
use domain::{BucketMap, Check};

use super::WrongSettings;
use crate::config::{CONTENT_REPO, ClientChangeSettings, ClientSettings, RHINO};
use crate::exit::UsageError;
use crate::wiring::Wiring;

/// Where they are.
pub(super) struct Clients {
    content_repo: Option<DatabaseUrl>,
    rhino: Option<DatabaseUrl>,
    /// The settings that are not given, which no migration needs.
    unset: Vec<&'static str>,
}

impl Clients {
    pub(super) fn of(settings: &ClientSettings, wrong: &mut WrongSettings) -> Self {
        let mut unset = Vec::new();
        let mut url = |subject, setting, given: Result<Option<DatabaseUrl>, UsageError>| {
            if matches!(given, Ok(None)) {
                unset.push(setting);
            }
            wrong.take(subject, given).flatten()
        };
        let content_repo = url("contentrepo's database", CONTENT_REPO, settings.content_repo());
        let rhino = url("rhino's database", RHINO, settings.rhino());
        Self { content_repo, rhino, unset }
    }

    /// Whether contentrepo's is named.
    pub(super) const fn names_content_repo(&self) -> bool {
        self.content_repo.is_some()
    }

    /// Checks those that are named, contentrepo's where the buckets are. Returns the settings of those that
    /// are not, too.
    pub(super) async fn examine(
        self,
        wiring: &Wiring<'_>,
        map: Option<&BucketMap>,
        clock: &dyn Clock,
    ) -> (Vec<Check>, Vec<&'static str>) {
        let mut checks = Vec::new();
        if let Some((url, map)) = self.content_repo.zip(map) {
            let database = wiring.content_repo(url);
            checks.extend(examine_content_repo(&database, map, clock).await);
        }
        if let Some(url) = self.rhino {
            checks.extend(examine_rhino(&wiring.rhino(url), clock).await);
        }
        (checks, self.unset)
    }
}

/// Checks the accounts that are to carry out the cut-over, where they are named.
pub(super) async fn examine_changes(
    settings: &ClientChangeSettings,
    wiring: &Wiring<'_>,
    wrong: &mut WrongSettings,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let of = ClientDatabase::Contentrepo;
    if let Some(url) = wrong.take(CONTENT_REPO_CHANGES, settings.url(of)).flatten() {
        checks.push(examine_client_changes(of, &wiring.content_repo(url)).await);
    }
    let of = ClientDatabase::Rhino;
    if let Some(url) = wrong.take(RHINO_CHANGES, settings.url(of)).flatten() {
        checks.push(examine_client_changes(of, &wiring.rhino(url)).await);
    }
    checks
}
