//! Checks every system that a migration needs, and counts the rows of the index.

mod buckets;
mod census;
mod clients;
mod examine;
mod replicas;

pub use buckets::examine_buckets;
pub use census::{Census, census};
pub use clients::{CONTENT_REPO, RHINO, examine_content_repo, examine_rhino};
pub use examine::{examine, examine_copies, examine_failures, examine_queues, examine_work};
