//! MogileFS: trackers over their line protocol, storage nodes over HTTP.

mod files;
mod hosts;
mod index;
mod storage_node;
mod tracker;
mod wire;

pub use files::MogileFiles;
pub use hosts::{AllowedHosts, AllowedHostsError};
pub use index::TrackerIndex;
pub use storage_node::StorageNodes;
pub use tracker::Trackers;
