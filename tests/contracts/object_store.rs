//! [`domain::ports::ObjectStore`]: the contract on both faces of the world and on LocalStack, the
//! doctor's canaries, and the memory of uploads in parts.

mod canaries;
mod faces;
#[cfg(feature = "containers")]
mod localstack;
mod pool;
