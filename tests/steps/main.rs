//! The domain's steps on the port face of the stand-ins, in virtual time.

mod common;

mod accept;
mod audit;
mod cleanup;
mod counts;
#[cfg(feature = "containers")]
mod cutover;
mod doctor;
mod gates;
mod intermediaries;
mod migrate_file;
mod migrate_run;
mod plan;
mod runbook;
mod sequences;
mod smoke;
mod verify;
mod work;
