//! The storage nodes that may be asked: those that MogileFS registers, as far as the settings allow.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Cause, SourceError};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::host_table::{Host, HostTable, HostTableError};
use super::hosts::AllowedHosts;
use super::location::Unfit;
use super::timeouts::Timeouts;

/// The storage nodes that MogileFS registers in its table `host`, narrowed by the settings.
///
/// The table is read when a node is first asked about, and kept. It is read again when a URL names a
/// node that it does not have, since a host may be added while a migration runs. That happens at most
/// once in [`Timeouts::hosts_again`], so that unknown nodes do not cost a request a file: within that
/// time the last read has the word. At most one read is under way; the others that need it wait for it
/// and share its outcome.
pub struct NodeRegistry {
    table: Arc<dyn HostTable>,
    allowed: AllowedHosts,
    again_after: Duration,
    kept: Mutex<Kept>,
    turn: tokio::sync::Mutex<()>,
}

/// Where nodes were read before, a read that failed is not repeated so soon: most files have a replica
/// on a node that is known, and need not wait for another read of each.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// What the last reads brought.
#[derive(Default)]
struct Kept {
    hosts: Option<Reading>,
    /// The last failure, and when it came.
    failed: Option<(Instant, HostTableError)>,
}

struct Reading {
    /// When it was there. A read that takes long is as good as one that does not: those who waited for
    /// it do not read again, one after the other.
    done: Instant,
    nodes: BTreeSet<SocketAddr>,
    /// What in the table cannot be used.
    unusable: Vec<String>,
}

/// What MogileFS registers, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSurvey {
    /// Where the rows come from.
    pub origin: String,
    /// The number of hosts.
    pub hosts: usize,
    /// The storage nodes, each an address and a port.
    pub nodes: BTreeSet<SocketAddr>,
    /// What in the table cannot be used, by host.
    pub unusable: Vec<String>,
    /// Hosts that MogileFS reads from and that are not asked, each with the reason.
    pub left_out: Vec<String>,
    /// The same of hosts that are asked at their `altip`, which trackers name to some clients only.
    pub only_by_altip: Vec<String>,
    /// Hosts that MogileFS reads from and that may be asked.
    pub readable: Vec<ReadableHost>,
}

/// A host that MogileFS reads from and that may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadableHost {
    /// Its name and status, for people.
    pub name: String,
    /// Where a tracker may name replicas on it, and where it may be asked.
    pub nodes: BTreeSet<SocketAddr>,
}

impl ReadableHost {
    /// Connects to one of its nodes and closes the connection. Returns that node; errors where none takes
    /// a connection in time.
    pub async fn reach(&self, timeouts: Timeouts) -> Result<SocketAddr, SourceError> {
        let mut at = self.name.clone();
        let mut cause: Cause = "it has no address".into();
        for node in &self.nodes {
            at = node.to_string();
            match timeout(timeouts.node_connect, TcpStream::connect(node)).await {
                Ok(Ok(_)) => return Ok(*node),
                Ok(Err(error)) => cause = error.into(),
                Err(_) => {
                    cause = format!("no connection within {:?}", timeouts.node_connect).into();
                }
            }
        }
        Err(SourceError::Unreachable { at, cause })
    }
}

impl NodeRegistry {
    /// Reads the table when it is first needed, not here.
    #[must_use]
    pub fn new(table: Arc<dyn HostTable>, allowed: AllowedHosts, timeouts: Timeouts) -> Self {
        Self {
            table,
            allowed,
            again_after: timeouts.hosts_again,
            kept: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Says whether a storage node may be asked, and if not, why.
    ///
    /// Errors when the table must be read for that and cannot be. Nothing is known of the node then.
    pub(super) async fn judge(
        &self,
        node: SocketAddr,
    ) -> Result<Result<(), Unfit>, HostTableError> {
        match self.allowed.judge(node) {
            Err(Unfit::NeverAsked) => Ok(Err(Unfit::NeverAsked)),
            verdict if self.registers(node).await? => Ok(verdict),
            _ => Ok(Err(Unfit::NotRegistered)),
        }
    }

    /// Reads the table, and compares it with the settings.
    pub async fn survey(&self) -> Result<HostSurvey, SourceError> {
        let hosts = self.hosts().await?;
        let (mut left_out, mut only_by_altip) = (Vec::new(), Vec::new());
        for host in hosts.iter().filter(|host| host.is_read_from) {
            let is_allowed = |node: &SocketAddr| self.allowed.judge(*node).is_ok();
            match self.why_left_out(host) {
                None => {}
                Some(why) if host.read_by_altip.iter().any(is_allowed) => only_by_altip.push(why),
                Some(why) => left_out.push(why),
            }
        }
        Ok(HostSurvey {
            origin: self.table.origin(),
            hosts: hosts.len(),
            nodes: nodes_of(&hosts),
            unusable: unusable(&hosts),
            left_out,
            only_by_altip,
            readable: hosts.iter().filter_map(|host| self.readable(host)).collect(),
        })
    }

    fn readable(&self, host: &Host) -> Option<ReadableHost> {
        let is_allowed = |node: &&SocketAddr| self.allowed.judge(**node).is_ok();
        let nodes = host.read.union(&host.read_by_altip).filter(is_allowed);
        let nodes: BTreeSet<_> = nodes.copied().collect();
        let is_readable = host.is_read_from && !nodes.is_empty();
        is_readable.then(|| ReadableHost { name: host.name.clone(), nodes })
    }

    /// Why no node of a host is asked that a tracker hands out to everybody; [`None`] where one is.
    fn why_left_out(&self, host: &Host) -> Option<String> {
        let mut why = host.unusable.join(", ");
        for node in &host.read {
            why = format!("at {node}, {}", self.allowed.judge(*node).err()?.why());
        }
        Some(format!("{} {why}", host.name))
    }

    async fn registers(&self, node: SocketAddr) -> Result<bool, HostTableError> {
        let asked = Instant::now();
        if let Some(known) = self.known(node) {
            return Ok(known);
        }
        let _turn = self.turn.lock().await;
        // While this one waited for its turn, another one may have read the table.
        if let Some(known) = self.known(node) {
            return Ok(known);
        }
        if let Some(failure) = self.failure_since(asked) {
            return Err(failure);
        }
        self.read().await?;
        Ok(self.has(node))
    }

    /// Whether the node is registered; [`None`] where only another read shows it.
    fn known(&self, node: SocketAddr) -> Option<bool> {
        let kept = self.kept();
        let reading = kept.hosts.as_ref()?;
        if reading.has(node) {
            return Some(true);
        }
        (reading.done.elapsed() < self.again_after).then_some(false)
    }

    /// The failure of a read that need not be tried again: of one that ended after this moment, and
    /// for a while where the nodes were read before.
    fn failure_since(&self, asked: Instant) -> Option<HostTableError> {
        let kept = self.kept();
        let (at, failure) = kept.failed.as_ref()?;
        let has_the_word = kept.hosts.is_some() && at.elapsed() < FAILED_FOR;
        (*at >= asked || has_the_word).then(|| failure.clone())
    }

    fn has(&self, node: SocketAddr) -> bool {
        self.kept().hosts.as_ref().is_some_and(|reading| reading.has(node))
    }

    async fn read(&self) -> Result<(), HostTableError> {
        let hosts = self.hosts().await;
        let mut kept = self.kept();
        match hosts {
            Ok(hosts) => {
                let nodes = nodes_of(&hosts);
                let done = Instant::now();
                let reading = Reading { done, nodes, unusable: unusable(&hosts) };
                reading.warn(kept.hosts.as_ref());
                *kept = Kept { hosts: Some(reading), failed: None };
                Ok(())
            }
            Err(failure) => {
                kept.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn hosts(&self) -> Result<Vec<Host>, HostTableError> {
        Ok(self.table.rows().await?.iter().map(Host::of).collect())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn has(&self, node: SocketAddr) -> bool {
        self.nodes.contains(&SocketAddr::new(node.ip().to_canonical(), node.port()))
    }

    /// Logs what cannot be used, where the read before did not show the same.
    fn warn(&self, before: Option<&Self>) {
        let is_known = before.is_some_and(|before| before.unusable == self.unusable);
        if !self.unusable.is_empty() && !is_known {
            let what = self.unusable.join("; ");
            tracing::warn!("MogileFS's table `host` has what cannot be used: {what}");
        }
    }
}

fn nodes_of(hosts: &[Host]) -> BTreeSet<SocketAddr> {
    hosts.iter().flat_map(|host| host.nodes.iter().copied()).collect()
}

/// What in the rows cannot be used, by host.
fn unusable(hosts: &[Host]) -> Vec<String> {
    let troubled = hosts.iter().filter(|host| !host.unusable.is_empty());
    troubled.map(|host| format!("{}: {}", host.name, host.unusable.join(", "))).collect()
}

#[cfg(test)]
mod tests;
