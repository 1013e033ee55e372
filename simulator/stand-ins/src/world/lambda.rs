//! AWS Lambda's rules for functions that work on a queue, as plain values: what a function is
//! sent, and what its answer means for the batch.
//!
//! Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an
//! SQS event source in Lambda".

mod answer;
mod event;

pub use answer::{Verdict, verdict};
pub use event::{Batch, BatchMessage, MessageAttribute};

/// The largest event and the largest answer of an invocation.
pub const PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
