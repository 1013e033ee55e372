//! What `migrate` and `sync` do with a row and a file: which rows are taken, which way a file may come,
//! and one file's way to its final key or to its intermediary's.

pub mod decision;
mod file;
mod routes;
mod rows;
mod scan;
mod settings_guard;
mod site_guard;
mod stream_from_mogile;
mod sync;
mod types;

pub use file::{FileEnd, FileMigration, FileOutcome, FilePlan, Writing, migrate_file};
pub use routes::RoutePolicy;
pub(crate) use routes::Routes;
pub use rows::{Among, Page, PageError, RejectedRow, Rows, Selection};
pub use scan::known_files;
pub(crate) use scan::verified_files;
pub use settings_guard::require_domain;
pub(crate) use settings_guard::{count_for_the_eye, refuse_moved_files, require_rows};
pub use site_guard::{GuardedQueue, SiteGuard};
pub(crate) use site_guard::{Writes, require_fit_site};
pub use sync::{SyncEnd, SyncOutcome, SyncPlan, sync_file};
pub use types::TypesFrom;
pub(crate) use types::{Types, gather_types, sample_of_store};
