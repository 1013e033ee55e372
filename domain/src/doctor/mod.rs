//! Checks of everything that a migration needs, and what there is to migrate.

mod buckets;
mod census;
mod examine;

pub use buckets::examine_buckets;
pub use census::{Census, census};
pub use examine::{examine, examine_copies, examine_failures, examine_queues, examine_work};
