//! Others' clients, from `PyPI`, against the stand-ins and the servers in containers.

mod boto3;
#[cfg(feature = "containers")]
mod containers;
mod dotenv;
mod mysql;
mod pymogilefs;
