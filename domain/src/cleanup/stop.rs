//! How a clean-up is told to stop, and tells how far it is.

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture, Shared};

use super::deletion::Deletion;

/// Ends when somebody asks to stop, at any time.
pub type StopRequest = Shared<BoxFuture<'static, ()>>;

/// Nobody asks.
pub fn never() -> StopRequest {
    future::pending().boxed().shared()
}

/// Whether somebody has asked.
pub(crate) fn is_asked(stop: &StopRequest) -> bool {
    stop.clone().now_or_never().is_some()
}

/// Receives the counts of a deletion behind each batch.
pub trait DeletionObserver: Send + Sync {
    /// So far it is.
    fn progressed(&self, so_far: &Deletion);
}

/// Nobody looks.
impl DeletionObserver for () {
    fn progressed(&self, _so_far: &Deletion) {}
}
