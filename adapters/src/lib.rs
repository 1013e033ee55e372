//! Implements the domain's ports for the systems around the migration.
//!
//! Every type and error of a vendor is translated here, in both directions: no vendor type crosses
//! a port. Every call has a time-out and is counted in [`calls`] with its outcome.

pub mod aws;
#[cfg(feature = "command-line")]
pub mod backup;
pub mod calls;
pub mod clock;
#[cfg(feature = "command-line")]
pub mod content_repo_api;
pub mod dynamodb;
pub mod lambda;
pub mod mogile;
#[cfg(feature = "command-line")]
pub mod mysql;
#[cfg(feature = "command-line")]
pub mod record_sorts;
#[cfg(feature = "command-line")]
pub mod row_sorter;
#[cfg(feature = "command-line")]
pub mod running_config_api;
pub mod s3;
#[cfg(feature = "command-line")]
pub mod scratch;
pub mod site;
#[cfg(feature = "command-line")]
mod sorter;
#[cfg(feature = "command-line")]
pub mod spool;
pub mod sqs;
#[cfg(feature = "command-line")]
pub mod sts;
#[cfg(feature = "command-line")]
pub mod witness;
