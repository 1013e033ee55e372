//! Others' clients, from `PyPI`, against the stand-ins.

mod boto3;
mod dotenv;
mod mysql;
mod pymogilefs;
