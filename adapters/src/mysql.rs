//! Reads the databases of MogileFS, contentrepo and rhino on MySQL or MariaDB. It never writes there.

mod columns;
mod content_repo;
mod hosts;
mod index;
mod rhino;
mod sessions;
mod survey;
mod tables;
mod trouble;
mod url;

pub use content_repo::MysqlContentRepo;
pub use index::MysqlIndex;
pub use rhino::MysqlRhino;
pub use tables::IDS_COUNTED;
pub use url::{DatabaseUrl, DatabaseUrlError};
