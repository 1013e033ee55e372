//! The commands, a file each.

pub mod doctor;
pub mod fids;
pub mod migrate;
pub mod plan;
pub mod provision;
