use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

/// What somebody asks of work that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Begin nothing more, and finish what is under way.
    Drain,
    /// Leave what is under way as it is, record what is done, and end.
    Abandon,
}

/// Nobody ever asks.
#[must_use]
pub fn never() -> BoxStream<'static, Stop> {
    stream::pending().boxed()
}
