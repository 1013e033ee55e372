//! Jobs on their way: sent for rows, looked at, and sent again when they are dead letters.

mod dead_letters;
mod enqueue;
mod look_around;

pub use dead_letters::{
    Choice, DONE_SINCE, DeadFiles, DeadLetters, KILLED, Redriven, UNREADABLE_FAILURE,
    files_of_dead_letters, list_dead_letters, redrive,
};
pub use enqueue::{EnqueueObserver, EnqueuePlan, EnqueueSummary, enqueue};
pub use look_around::{Progress, RATE_OVER, look_around};
