//! The audit: the index, the ledger and the verifications of a run, compared as sets.
//!
//! It is independent of the migrator: it uses nouns and ports that read, and none of the rules by which
//! files are migrated. It repairs nothing.

mod accepted;
mod compare;
mod expected;
mod index;
mod list;
mod other_domains;
mod row;
mod summary;
mod withdrawn;
mod without_row;

pub mod witness;

pub use compare::{AuditPlan, AuditPorts, AuditProgress, Comparison, FileVerdict};
pub use list::{ListedFile, list_files};
pub use row::{AuditedFile, AuditedRow, RejectedAs};
pub use summary::{AcceptedRows, AuditSummary, RecordsWithoutRow};
pub use without_row::WithdrawnObject;
