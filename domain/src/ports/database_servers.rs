use async_trait::async_trait;

use super::DatabaseError;
use crate::server_ids::ServerIds;

/// The servers of some databases, in a fixed order. The port only reads.
#[async_trait]
pub trait DatabaseServers: Send + Sync {
    /// Returns the ids of each server, in the order of the databases. All of them, or an error.
    async fn ids(&self) -> Result<Vec<ServerIds>, DatabaseError>;

    /// Returns whether each server writes a binary log, in the same order.
    async fn have_binlogs(&self) -> Result<Vec<bool>, DatabaseError>;
}
