//! Looking whether objects are what they should be. It repairs nothing, and shares no rule with what
//! migrates: [`verify_file`] looks at one file by a job, [`verify_store`] compares the whole index with
//! the buckets' listings.

mod by_fid;
mod comparison;
mod content;
mod counted;
mod file;
mod join;
mod listing;
mod local;
mod look;
mod observer;
mod part;
mod patience;
mod ranges;
mod record;
pub mod references;
mod resumed;
mod rows;
mod sample;
mod settings;
mod sorting;
mod state;
mod summary;
mod tally;

#[cfg(test)]
mod tests;

pub(crate) use content::read_whole;
pub use file::verify_file;
pub use local::{Depth, VerifyPlan, VerifyPorts, verify_store};
pub use observer::{All, Line, Mark, VerifyObserver};
pub(crate) use record::{RecordLook, compare_with_record, index_length};
pub use sorting::sort_rows;
pub use state::{StateKeeper, VerifyState};
pub use summary::{ContentRead, Difference, OtherObjects, VerifySummary};
