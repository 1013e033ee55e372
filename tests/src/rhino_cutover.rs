//! The change of bucket names in rhino's database on a server, embedded or real, with the real adapters: ended at
//! any of its calls, or with something that happens there.

#![expect(
    clippy::missing_panics_doc,
    reason = "all of it is for tests, and panics where a server fails"
)]

mod stage;
mod watched;

pub use stage::{SERVER, Stage, Step, buckets, odd_names, rows};
pub use watched::{Kept, Watch, WatchedBackups, WatchedChanges, WatchedJournal};
