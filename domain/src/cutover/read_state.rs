//! Reads what a store and its clients hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::AuditedRow;
use crate::ports::{
    Clock, ContentRepoDatabase, DatabaseError, DatabaseServers, IndexError, MogileDatabase,
    RepoNodeError, RepoNodes, RepoStatus, RhinoDatabase, RowId, SourceIndex,
};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::store_state::{ClientState, NodeCounters, StoreState};
use crate::{BucketMap, Fid, Misconfigured, RepoBucketName, limits};

/// What a freeze looks at.
pub struct FreezePorts {
    /// MogileFS's index of the configured domain.
    pub index: Arc<dyn SourceIndex>,
    /// MogileFS's database.
    pub database: Arc<dyn MogileDatabase>,
    /// The same index, as the trackers list it.
    pub trackers: Arc<dyn SourceIndex>,
    /// contentrepo's database.
    pub content_repo: Arc<dyn ContentRepoDatabase>,
    /// rhino's database.
    pub rhino: Arc<dyn RhinoDatabase>,
    /// contentrepo's nodes, where they are known.
    pub nodes: Option<Arc<dyn RepoNodes>>,
    /// The databases of MogileFS, contentrepo and rhino: host, port and name.
    pub servers: Vec<String>,
    /// The servers of these databases, in the same order.
    pub database_servers: Arc<dyn DatabaseServers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why a state is not known.
#[derive(Debug, thiserror::Error)]
pub enum FreezeTrouble {
    /// MogileFS's index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A node of contentrepo.
    #[error(transparent)]
    Node(#[from] RepoNodeError),
    /// A setting is wrong: a state of nothing proves nothing.
    #[error("{0}")]
    Misconfigured(Misconfigured),
    /// A client's database has no row of a mapped bucket, so it is another store's.
    #[error("{client}'s database has no row of a bucket in BUCKETS. It has {has}")]
    OtherClient {
        /// `contentrepo` or `rhino`.
        client: &'static str,
        /// The bucket names that it has.
        has: String,
    },
}

/// How far a reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateProgress {
    /// Counts contentrepo's and rhino's rows.
    Clients,
    /// This many rows of the index are read.
    Rows(u64),
}

/// Reads every row of the index, and then counts every row of the clients: a change that a client makes
/// while the index is read shows in its own rows. Memory holds one page.
///
/// A row that the index cannot give counts by its fid among the other rows.
pub async fn read_state(
    ports: &FreezePorts,
    buckets: &BucketMap,
    progress: &(dyn Fn(StateProgress) + Sync),
) -> Result<StoreState, FreezeTrouble> {
    let known = require_domain(ports).await?;
    let mut state = empty_state(ports, buckets).await?;
    let FreezePorts { index, database, clock, .. } = ports;
    let (mut next, mut pages, mut other_domains) = (Some(Fid(0)), 0_u64, 0);
    while let Some(after) = next {
        let page = patiently(&**clock, after.0, || index.page(after, limits::PAGE_ROWS)).await?;
        for row in &page.rows {
            let is_content = matches!(AuditedRow::of(row, buckets), AuditedRow::File(_));
            if is_content { &mut state.content } else { &mut state.other }.add(row);
        }
        page.unreadable.iter().for_each(|row| state.other.add_unreadable(row.fid));
        other_domains += page.other_domains;
        next = page.next;
        if next.is_some_and(|next| next <= after) {
            let at = state.domain.clone();
            let why =
                format!("the page behind fid {after} says that the next one begins before it");
            return Err(IndexError::BadAnswer { at, why }.into());
        }
        pages += 1;
        if pages.is_multiple_of(PAGES_A_REPORT) {
            progress(StateProgress::Rows(state.content.rows + state.other.rows));
        }
    }
    require_content(known, buckets, &state, other_domains)?;
    state.highest_fid = patiently(&**clock, 0, || database.highest_fid()).await?;
    state.uploads = patiently(&**clock, 0, || database.uploads_under_way()).await?.rows;
    progress(StateProgress::Clients);
    state.contentrepo = contentrepo(ports, buckets).await?;
    state.rhino = rhino(ports, buckets).await?;
    state.nodes = nodes(ports).await?;
    Ok(state)
}

/// What contentrepo's nodes have counted; nothing where none is known.
pub(super) async fn nodes(
    FreezePorts { nodes, clock, .. }: &FreezePorts,
) -> Result<Vec<NodeCounters>, RepoNodeError> {
    match nodes {
        Some(nodes) => patiently(&**clock, 0, || nodes.counters()).await,
        None => Ok(Vec::new()),
    }
}

/// A state with its settings alone, and the ids of the servers behind them.
pub(super) async fn empty_state(
    ports: &FreezePorts,
    buckets: &BucketMap,
) -> Result<StoreState, DatabaseError> {
    let FreezePorts { index, servers, database_servers, clock, .. } = ports;
    Ok(StoreState {
        domain: index.domain().to_owned(),
        servers: servers.clone(),
        server_ids: patiently(&**clock, 0, || database_servers.ids()).await?,
        buckets: buckets.pairs().map(|(old, new)| format!("{old}:{new}")).collect(),
        ..StoreState::default()
    })
}

/// Repeats a call that only reads, as [`retried`] does, for [`limits::COUNT_TRIES_WITHIN`]: what was read in
/// minutes must not be lost by a server's restart.
pub(super) async fn patiently<T, E: Classed, F: Future<Output = Result<T, E>>>(
    clock: &dyn Clock,
    salt: u64,
    mut call: impl FnMut() -> F,
) -> Result<T, E> {
    let (begun, mut attempt) = (clock.now(), 0);
    loop {
        let answer = retried(clock, salt, &mut call).await;
        let heals = answer.as_ref().is_err_and(|error| error.class() == ErrorClass::Retry);
        if !heals || begun.until(clock.now()) >= limits::COUNT_TRIES_WITHIN {
            return answer;
        }
        attempt += 1;
        clock.sleep(backoff(attempt, salt)).await;
    }
}

/// Pages between two reports of progress.
const PAGES_A_REPORT: u64 = 500;

/// Returns the domains that MogileFS has. Errors where the configured one is not among them.
async fn require_domain(
    FreezePorts { index, clock, .. }: &FreezePorts,
) -> Result<Vec<String>, FreezeTrouble> {
    let known = retried(&**clock, 0, || index.domains()).await?;
    let domain = index.domain().to_owned();
    if known.contains(&domain) {
        return Ok(known);
    }
    Err(FreezeTrouble::Misconfigured(Misconfigured::NoSuchDomain { domain, known }))
}

/// Errors where no row is content: a domain or a bucket map is wrong.
fn require_content(
    known: Vec<String>,
    buckets: &BucketMap,
    state: &StoreState,
    other_domains: u64,
) -> Result<(), FreezeTrouble> {
    if state.content.rows > 0 {
        return Ok(());
    }
    Err(FreezeTrouble::Misconfigured(if state.other.rows == 0 {
        Misconfigured::EmptyDomain { domain: state.domain.clone(), known, other_domains }
    } else {
        let mapped = buckets.pairs().map(|(old, _)| old.to_string()).collect();
        Misconfigured::NothingMapped { rows: state.other.rows, mapped }
    }))
}

async fn contentrepo(
    FreezePorts { content_repo, clock, .. }: &FreezePorts,
    buckets: &BucketMap,
) -> Result<ClientState, FreezeTrouble> {
    let names = patiently(&**clock, 0, || content_repo.buckets()).await?;
    require_own("contentrepo", buckets, names.iter().map(|bucket| bucket.name.as_str()))?;
    let extent = content_repo.extent().await?;
    let rows = extent.rows.iter().map(|(status, rows)| (name_of(*status).to_owned(), *rows));
    Ok(ClientState { last: extent.last.as_ref().map(RowId::to_string), rows: rows.collect() })
}

pub(super) const fn name_of(status: RepoStatus) -> &'static str {
    match status {
        RepoStatus::Used => "used",
        RepoStatus::Deleted => "deleted",
        RepoStatus::Purged => "purged",
        RepoStatus::Unknown => "unknown",
    }
}

/// The rows are counted all together: the cut-over changes their buckets' names.
async fn rhino(
    FreezePorts { rhino, clock, .. }: &FreezePorts,
    buckets: &BucketMap,
) -> Result<ClientState, FreezeTrouble> {
    let last = patiently(&**clock, 0, || rhino.last()).await?;
    let by_bucket = rhino.rows_by_bucket().await?;
    require_own("rhino", buckets, by_bucket.keys().flatten().map(String::as_str))?;
    let rows = BTreeMap::from([("all".to_owned(), by_bucket.values().sum())]);
    Ok(ClientState { last: last.as_ref().map(RowId::to_string), rows })
}

/// Errors where none of these names is of a mapped bucket, before or after a cut-over.
fn require_own<'a>(
    client: &'static str,
    buckets: &BucketMap,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), FreezeTrouble> {
    let is_own = |name: &str| match buckets.repo_bucket(name) {
        RepoBucketName::Mapped(_) | RepoBucketName::Renamed(_) => true,
        RepoBucketName::Ignored | RepoBucketName::Unmapped => false,
    };
    if names.clone().any(is_own) {
        return Ok(());
    }
    let mut has: Vec<_> = names.take(NAMED).map(|name| format!("`{name}`")).collect();
    if has.is_empty() {
        has.push("none at all".to_owned());
    }
    Err(FreezeTrouble::OtherClient { client, has: has.join(", ") })
}

/// Bucket names in an error.
const NAMED: usize = 10;
