//! Reads what the applications read: sampled rows of the clients' databases, from S3 by the names in these
//! rows, and by contentrepo's own API. Then it writes an object by that API, reads it and purges it.
//!
//! [`smoke`] is for the time behind the cut-over, [`trial`] tries a second contentrepo before it, and
//! [`shadow`] compares MogileFS with S3 before it.

mod contents;
mod draw;
mod ingest;
mod names;
mod shadow;
mod step;
mod summary;
mod trial;

pub use self::draw::SamplePlan;
pub use self::ingest::IngestPlan;
pub use self::shadow::{ShadowPlan, ShadowPorts, shadow};
pub use self::step::{SmokePlan, SmokePorts, smoke, smoke_write};
pub use self::summary::{IngestEnd, SmokeFault, SmokeFinding, SmokeSummary, TableDrawn, Unlooked};
pub use self::trial::trial;
