//! MogileFS's database, on MySQL or MariaDB: read, never written.

mod index;
mod sessions;
mod trouble;
mod url;

pub use index::MysqlIndex;
pub use url::{DatabaseUrl, DatabaseUrlError};
