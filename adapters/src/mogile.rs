//! MogileFS: trackers over their line protocol, storage nodes over HTTP.

mod commands;
mod connection;
mod error;
mod files;
mod host_table;
mod hosts;
mod index;
mod location;
mod node;
mod registry;
mod storage_node;
mod timeouts;
mod tracker;
mod trackers;
mod unreadable;
mod wire;

pub use commands::{FileInfo, ListedFile, MOST_FIDS, MOST_KEYS};
pub use error::TrackerError;
pub use files::MogileFiles;
pub use host_table::{HostRow, HostTable, HostTableError};
pub use hosts::{AllowedHosts, AllowedHostsError};
pub use index::TrackerIndex;
pub use registry::{HostSurvey, NodeRegistry, ReadableHost};
pub use storage_node::StorageNodes;
pub use timeouts::Timeouts;
pub use trackers::Trackers;
pub use wire::{delete_request, info_request, rename_request};
