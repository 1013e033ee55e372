//! The storage nodes that MogileFS registers: which there are, which may be asked, and which are away.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use adapters::mogile::{HostSurvey, ReadableHost, Timeouts};
use domain::doctor::STORAGE_NODE;
use domain::retry::{Classed, ErrorClass};
use domain::{Check, Reason, ReasonKind, SourceError};
use futures_util::future::join_all;

use crate::exit::UsageError;
use crate::wiring::{IndexFrom, Wiring};

/// The subject of checks on the storage nodes together.
pub(super) const STORAGE_NODES: &str = "storage nodes";

/// The storage nodes that MogileFS registers, and what `MOGILE_STORAGE_HOSTS` leaves of them. Returns the
/// checks, and the hosts that may be asked for files.
pub(super) async fn examine_storage_nodes(
    wiring: &Wiring<'_>,
    from: IndexFrom,
) -> Result<(Vec<Check>, Vec<ReadableHost>), UsageError> {
    let subject = STORAGE_NODES;
    let fact = "MogileFS registers them, and its table can be read";
    let survey = match wiring.registry(from)?.survey().await {
        Ok(survey) => survey,
        Err(error) => return Ok((vec![unread(subject, fact, &error)], Vec::new())),
    };
    let HostSurvey { origin, hosts, nodes, unusable, left_out, only_by_altip, readable } = survey;
    let mut found = format!("{hosts} hosts with {} addresses and ports, by {origin}", nodes.len());
    if !unusable.is_empty() {
        found = format!("{found}; not usable there: {}", listed(&unusable));
    }
    if !only_by_altip.is_empty() {
        let only = listed(&only_by_altip);
        found = format!(
            "{found}; asked only at their altip, which trackers name to clients within altmask: {only}"
        );
    }
    let registered = Check::good(subject, fact, found);
    let fact = "every host that MogileFS reads from may be asked";
    let may_be_asked = if left_out.is_empty() {
        Check::good(subject, fact, "none is left out")
    } else {
        Check::bad(subject, fact, listed(&left_out))
    };
    let same = examine_other_table(wiring, from, &nodes).await?;
    Ok(([registered, may_be_asked].into_iter().chain(same).collect(), readable))
}

/// Connects to each host of which no replica was tried. Trackers name no replica on a device that is down
/// or away, so that a node that is away may show in no file of the sample.
pub(super) async fn examine_untried(
    readable: &[ReadableHost],
    files: &[Check],
    timeouts: Timeouts,
) -> Vec<Check> {
    let tried: BTreeSet<_> = files.iter().filter_map(tried_node).collect();
    // Without files nothing could be tried, and another check says why.
    if tried.is_empty() {
        return Vec::new();
    }
    let untried = readable.iter().filter(|host| host.nodes.is_disjoint(&tried));
    let reached = untried.map(|host| async move { (host, host.reach(timeouts).await) });
    let reached = join_all(reached).await.into_iter();
    reached.map(|(host, reached)| examine_host(host, reached)).collect()
}

/// The node of a check on one storage node.
fn tried_node(check: &Check) -> Option<SocketAddr> {
    check.subject.strip_prefix(STORAGE_NODE)?.parse().ok()
}

fn examine_host(host: &ReadableHost, reached: Result<SocketAddr, SourceError>) -> Check {
    let name = &host.name;
    match reached {
        Ok(node) => {
            let detail = format!(
                "host {name} takes connections, and no replica of the sample is on it. Trackers name none on \
                 devices that are down: look at its devices in `mogadm check`. A host that has no files, or \
                 few, looks the same"
            );
            Check::caution(format!("{STORAGE_NODE}{node}"), UNTRIED, detail)
        }
        Err(error) => {
            let node = host.nodes.first().map_or_else(String::new, ToString::to_string);
            let detail = format!(
                "host {name}: {error}. Files that are on it alone cannot be migrated while it is away, and \
                 trackers name none of its replicas"
            );
            let reason = Reason::new(ReasonKind::ReplicasUnreachable, &error);
            Check::unreachable(format!("{STORAGE_NODE}{node}"), UNTRIED, detail).because_of(reason)
        }
    }
}

const UNTRIED: &str = "files of the sample are on it";

/// Whether the database has the storage nodes of the trackers, where both are at hand. Another store's
/// database, or a copy of long ago, shows here.
async fn examine_other_table(
    wiring: &Wiring<'_>,
    from: IndexFrom,
    here: &BTreeSet<SocketAddr>,
) -> Result<Option<Check>, UsageError> {
    if from == IndexFrom::Trackers || !wiring.has_database()? {
        return Ok(None);
    }
    let (subject, fact) = (STORAGE_NODES, "the database registers those that the trackers do");
    // Without trackers there is nothing to compare, and another line says that they are not set.
    let Ok(registry) = wiring.registry(IndexFrom::Trackers) else { return Ok(None) };
    let survey = match registry.survey().await {
        Ok(survey) => survey,
        Err(error) => return Ok(Some(unread(subject, fact, &error))),
    };
    let of = |nodes: &BTreeSet<SocketAddr>, others: &BTreeSet<SocketAddr>| {
        let only: Vec<_> = nodes.difference(others).map(ToString::to_string).collect();
        if only.is_empty() { "none".to_owned() } else { listed(&only) }
    };
    Ok(Some(if *here == survey.nodes {
        Check::good(subject, fact, "the same addresses and ports")
    } else {
        let (surplus, lacking) = (of(here, &survey.nodes), of(&survey.nodes, here));
        let found = format!(
            "only in the database: {surplus}; only at the trackers: {lacking}. Is \
             MOGILE_DATABASE_URL the trackers' own database? (a host added just now: look again)"
        );
        Check::bad(subject, fact, found)
    }))
}

/// The check of what could not be read.
fn unread(subject: &str, fact: &'static str, error: &SourceError) -> Check {
    let check = match error.class() {
        ErrorClass::Retry => Check::unreachable(subject, fact, error.to_string()),
        ErrorClass::GiveUp | ErrorClass::Corrupt => Check::bad(subject, fact, error.to_string()),
    };
    check.because_of(Reason::from(error))
}

/// The first few, and the number of the others.
fn listed(texts: &[String]) -> String {
    const FEW: usize = 4;
    let first = texts.iter().take(FEW).cloned().collect::<Vec<_>>().join("; ");
    match texts.len().saturating_sub(FEW) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}
