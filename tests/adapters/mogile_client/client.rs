//! The client as the tests use it: production's, with short time-outs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::Calls;
use adapters::mogile::{
    AllowedHosts, HostRow, HostTable, HostTableError, MogileFiles, NodeRegistry, StorageNodes,
    Timeouts, Trackers,
};
use async_trait::async_trait;

use super::scripted::Scripted;

pub const DOMAIN: &str = "plos_repo";

/// What a tracker or a node may take here.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// Short enough for tests, long enough for a busy machine.
pub fn timeouts() -> Timeouts {
    Timeouts {
        tracker_connect: PATIENCE,
        tracker_answer: PATIENCE,
        tracker_rest: Duration::from_mins(1),
        node_connect: PATIENCE,
        node_answer: PATIENCE,
        node_idle: Duration::from_mins(1),
        ..Timeouts::default()
    }
}

pub fn trackers(at: &[SocketAddr]) -> Trackers {
    trackers_within(at, timeouts())
}

pub fn trackers_within(at: &[SocketAddr], timeouts: Timeouts) -> Trackers {
    with_connections(at, 4).with_timeouts(timeouts)
}

pub fn with_connections(at: &[SocketAddr], connections: usize) -> Trackers {
    let at: Vec<_> = at.iter().map(ToString::to_string).collect();
    Trackers::new(&at, connections, Arc::<Calls>::default()).with_timeouts(timeouts())
}

/// Files by way of one tracker, from these nodes on loopback.
pub fn files(tracker: &Scripted, nodes: &[SocketAddr]) -> MogileFiles {
    let trackers = Arc::new(trackers(&[tracker.address]));
    let nodes = nodes.iter().map(|node| HostRow {
        hostip: Some(node.ip().to_string()),
        http_port: Some(node.port().to_string()),
        ..HostRow::default()
    });
    files_by(trackers, Arc::new(Registered(nodes.collect())), loopback(), 4, timeouts())
}

/// Files by way of one tracker, from nodes on loopback that it lists itself.
pub fn files_within(tracker: SocketAddr, connections: usize, timeouts: Timeouts) -> MogileFiles {
    let trackers = Arc::new(trackers_within(&[tracker], timeouts));
    files_by(trackers.clone(), trackers, loopback(), connections, timeouts)
}

/// Files from the nodes of this table, as far as `MOGILE_STORAGE_HOSTS` allows.
pub fn files_by(
    trackers: Arc<Trackers>,
    table: Arc<dyn HostTable>,
    allowed: AllowedHosts,
    connections: usize,
    timeouts: Timeouts,
) -> MogileFiles {
    let nodes = StorageNodes::new(connections, Arc::default()).with_timeouts(timeouts);
    let registry = NodeRegistry::new(table, allowed, timeouts);
    MogileFiles::new(trackers, nodes, registry, DOMAIN.to_owned())
}

fn loopback() -> AllowedHosts {
    "127.0.0.1".parse().expect("an address")
}

/// A table that stays as it is.
struct Registered(Vec<HostRow>);

#[async_trait]
impl HostTable for Registered {
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError> {
        Ok(self.0.clone())
    }

    fn origin(&self) -> String {
        "a test".to_owned()
    }
}

/// An address on which nobody listens.
pub async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    listener.local_addr().expect("bound")
}
