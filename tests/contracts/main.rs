//! What every implementation of a port promises, kept by the port face of the stand-ins, by the
//! adapters over the wire face, and on LocalStack.

#[cfg(feature = "containers")]
mod client_changes;
#[cfg(feature = "containers")]
mod client_databases;
mod job_queue;
mod journal;
#[cfg(feature = "containers")]
mod key_changes;
mod ledger;
#[cfg(feature = "containers")]
mod mogile_database;
mod object_store;
mod source_files;
mod source_index;
