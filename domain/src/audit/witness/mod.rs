//! S3's own witness: the report of an S3 Batch Operations job, for which S3 has read every object and
//! computed its SHA-1, joined with today's index and today's listings.
//!
//! It finds what no stored checksum shows: bytes that differ from the SHA-1 that S3 keeps with them.

mod csv;
mod files;
mod job;
mod row;
mod step;
mod walk;

#[cfg(test)]
mod tests;

pub use csv::{CsvError, CsvReader};
pub use files::{ReportCounts, WitnessVerdict, WitnessedFiles};
pub use job::{JobError, ReportManifest, ResultFile, WitnessJob};
pub use row::{Computed, RowError, TaskRow};
pub use step::{Witness, WitnessPlan, WitnessPorts, WitnessProgress, WitnessSummary, WitnessedRow};
pub use walk::{FilesPlan, IndexCounts, walk_files};
