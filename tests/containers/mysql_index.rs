//! [`domain::ports::SourceIndex`] on a real server: the contract, what is refused, sessions that
//! die, and a million rows. And the table of the storage nodes in the same sessions.

mod contract;
mod hosts;
mod killed;
mod million;
mod refused;
