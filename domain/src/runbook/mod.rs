//! The runbook: what was done to a migration, and by whom.

mod journal_writer;

pub use journal_writer::{JournalTrouble, JournalWriter, TakenOver};
