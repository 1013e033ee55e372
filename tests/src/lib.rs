//! What the tests beside this folder share: the contracts that every implementation of a port
//! keeps, what is planted for them, and real servers in containers.

#[cfg(feature = "containers")]
pub mod containers;
pub mod contract;
pub mod cut_connections;
pub mod planted;
pub mod planted_clients;
pub mod python;
#[cfg(feature = "containers")]
pub mod rhino_cutover;
