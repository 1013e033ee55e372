//! The change of bucket names in rhino's database, with the real adapters over the wire face of the world.

#![expect(clippy::ref_option_ref, reason = "mockall writes such types")]

mod kills;
mod names;
mod order;
mod stage;
mod trouble;
