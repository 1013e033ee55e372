//! The databases of MogileFS, contentrepo and rhino on MySQL or MariaDB. Only `changes` writes there; all
//! other sessions are read-only.

mod changes;
mod columns;
mod content_repo;
mod grants;
mod hosts;
mod index;
mod key_ranges;
mod rhino;
mod servers;
mod sessions;
mod survey;
mod tables;
mod trouble;
mod url;

pub use changes::{
    ChangeTimes, MysqlContentRepoChanges, MysqlKeyChanges, MysqlRhinoChanges, MysqlRhinoLoad,
    rename_bucket_statement,
};
pub use content_repo::MysqlContentRepo;
pub use index::MysqlIndex;
pub use rhino::MysqlRhino;
pub use servers::MysqlServers;
pub use tables::IDS_COUNTED;
pub use url::{DatabaseUrl, DatabaseUrlError};
