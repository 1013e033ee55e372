//! The changes of bucket names in the clients' databases, with the real adapters over the wire face of the
//! world.

mod contentrepo;
mod kills;
mod meanwhile;
mod moved;
mod names;
mod order;
mod trouble;
