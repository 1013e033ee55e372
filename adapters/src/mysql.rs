//! Reads MogileFS's database on MySQL or MariaDB. It never writes there.

mod hosts;
mod index;
mod sessions;
mod trouble;
mod url;

pub use index::MysqlIndex;
pub use url::{DatabaseUrl, DatabaseUrlError};
