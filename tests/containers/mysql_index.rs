//! [`domain::ports::SourceIndex`] on a real server: the contract, what is refused, sessions that
//! die, and a million rows.

mod contract;
mod killed;
mod million;
mod refused;
