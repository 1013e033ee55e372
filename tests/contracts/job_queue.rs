//! [`domain::ports::JobQueue`]: the contract on both faces of the world and on LocalStack, and what
//! the adapter makes of a queue that fails.

mod faces;
mod faults;
#[cfg(feature = "containers")]
mod localstack;
mod messages;
