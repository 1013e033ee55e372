//! How a run or a worker is told to stop: by a stream of these, from the program that starts it.

use futures_util::Stream;
use futures_util::stream;

/// What is asked for, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Take no more, finish what is under way within
    /// [`limits::STOPPING_TIME`](crate::limits::STOPPING_TIME), record it, and end.
    Drain,
    /// Leave what is under way, record what is proven, and end.
    Abandon,
}

/// Nobody asks to stop.
pub fn never() -> impl Stream<Item = Stop> + Send + Unpin {
    stream::pending()
}
