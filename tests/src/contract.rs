//! The promises of the ports, each as a suite that the fakes and the adapters pass alike.

pub mod client_databases;
pub mod client_schemas;
pub mod ends;
pub mod failure_log;
pub mod job_queue;
pub mod journal;
pub mod ledger;
pub mod locks;
pub mod object_store;
pub mod source_index;
pub mod table;
pub mod verification_log;
