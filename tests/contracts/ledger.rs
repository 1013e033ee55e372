//! [`domain::ports::Ledger`], [`domain::ports::FailureLog`] and [`domain::ports::VerificationLog`]:
//! the contracts on both faces of the world and on LocalStack, and what the adapters make of tables
//! that fail.

mod faces;
mod faults;
#[cfg(feature = "containers")]
mod localstack;
mod others;
