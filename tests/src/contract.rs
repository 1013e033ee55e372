//! The promises of the ports, each as a suite that the fakes and the adapters pass alike.

#[cfg(feature = "containers")]
pub mod client_changes;
pub mod client_databases;
pub mod client_schemas;
pub mod ends;
pub mod failure_log;
pub mod job_queue;
pub mod journal;
#[cfg(feature = "containers")]
pub mod key_changes;
pub mod key_ranges;
pub mod ledger;
pub mod locks;
#[cfg(feature = "containers")]
pub mod mogile_database;
pub mod object_store;
pub mod source_index;
pub mod table;
pub mod verification_log;
