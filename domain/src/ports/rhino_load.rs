use std::time::Duration;

use async_trait::async_trait;

use super::DatabaseError;

/// How busy rhino's server is, and how far its replicas are behind.
#[async_trait]
pub trait RhinoLoad: Send + Sync {
    /// Asks the server and each replica. A replica that cannot be asked is an error: what it does not say
    /// may be that it is far behind.
    async fn load(&self) -> Result<ServerLoad, DatabaseError>;
}

/// What a server and its replicas do at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerLoad {
    /// Sessions that carry out a statement, the one that asks among them.
    pub threads_running: u64,
    /// The replicas.
    pub replicas: Vec<ReplicaLag>,
}

/// How far a replica is behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaLag {
    /// The replica: host, port and name.
    pub at: String,
    /// How far, or [`None`] where it does not know: its replication has stopped.
    pub lag: Option<Duration>,
}
