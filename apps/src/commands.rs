//! The commands, a file each.

pub mod fids;
pub mod migrate;
