//! The changes of bucket names in the clients' databases, with the real adapters over the wire face of the
//! world.

#![expect(clippy::ref_option_ref, reason = "mockall writes such types")]

mod contentrepo;
mod kills;
mod names;
mod order;
mod stage;
mod trouble;
