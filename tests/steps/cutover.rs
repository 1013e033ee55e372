//! The change of bucket names in rhino's database, with the real adapters over the wire face of the world.

mod kills;
mod names;
mod order;
mod trouble;
