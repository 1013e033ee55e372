//! The queue of jobs in Amazon SQS.

pub mod message;
