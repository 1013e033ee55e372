//! The audit: the index, the ledger and the verifications of a run, compared as sets.
//!
//! It is independent of the migrator: it uses nouns and ports that read, and none of the rules by which
//! files are migrated. It repairs nothing.

mod row;

pub use row::{AuditedFile, AuditedRow, RejectedAs};
