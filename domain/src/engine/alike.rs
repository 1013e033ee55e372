//! Failures that point to a wrong setting, in a row, over all that a process does.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Reason, limits};

/// Counts the files that failed in a row in a way that points to a setting: a key that the trackers do
/// not know, access that is denied. A wrong setting fails every file, and each costs requests.
///
/// A Lambda function keeps one of these for all batches of a process: a batch is too small to tell.
#[derive(Debug, Default)]
pub struct FailuresAlike(AtomicU64);

impl FailuresAlike {
    /// A file was proven or verified: the settings are right.
    pub(super) fn succeeded(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Counts this number of files that failed like this.
    pub(super) fn add(&self, files: u64) {
        self.0.fetch_add(files, Ordering::Relaxed);
    }

    /// Whether there were enough to begin no more files, except one to see whether it still fails.
    pub(super) fn is_enough(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= limits::SETTINGS_FAILURES
    }

    /// What to say of it.
    pub(super) fn explain(&self, why: &Reason) -> Reason {
        let (files, detail) = (self.0.load(Ordering::Relaxed), &why.detail);
        let detail = format!(
            "{files} files in a row failed in such a way, and none succeeded, which points to a wrong \
             setting. The last: {detail}"
        );
        Reason { detail, ..why.clone() }
    }
}
