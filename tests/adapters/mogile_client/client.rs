//! The client as the tests use it: production's, with short time-outs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::calls::Calls;
use adapters::mogile::{AllowedHosts, MogileFiles, StorageNodes, Timeouts, Trackers};

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

/// Files by way of one tracker, from nodes on loopback.
pub fn files(tracker: &Scripted) -> MogileFiles {
    files_within(tracker.address, 4, timeouts())
}

pub fn files_within(tracker: SocketAddr, connections: usize, timeouts: Timeouts) -> MogileFiles {
    let hosts: AllowedHosts = "127.0.0.1".parse().expect("an address");
    let nodes = StorageNodes::new(connections, Arc::default()).with_timeouts(timeouts);
    let trackers = Arc::new(trackers_within(&[tracker], timeouts));
    MogileFiles::new(trackers, nodes, hosts, DOMAIN.to_owned())
}

/// An address on which nobody listens.
pub async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    listener.local_addr().expect("bound")
}
