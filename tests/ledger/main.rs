//! [`domain::ports::Ledger`]: the contract on both faces of the world and on LocalStack, and what
//! the adapter makes of a table that fails.

mod faces;
mod faults;
#[cfg(feature = "containers")]
mod localstack;
