//! Stands in for everything outside: MogileFS, MySQL, S3, DynamoDB, SQS and Lambda, with faults.
//!
//! [`world`] is plain state; [`wire`] serves it on sockets, [`port`] hands the very same state to
//! the domain's steps.

pub mod fault;
pub mod schemas;
pub mod world;
pub mod wire;
pub mod port;

pub mod embedded;
