//! The runbook: what was done to a migration, and by whom.

mod decisions;
mod journal_writer;
mod journalled_queue;
mod reading;
mod restoring;
mod survey;

pub use decisions::{Decisions, read_decisions};
pub use journal_writer::{JournalTrouble, JournalWriter, TakenOver};
pub use journalled_queue::JournalledQueue;
pub use reading::{JournalEnd, read_journal};
pub use restoring::{RestoreTrouble, Restored, Unrestored, restore};
pub use survey::{Export, Survey, SurveyTrouble, survey};
