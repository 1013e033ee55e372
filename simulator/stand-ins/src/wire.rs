//! The world on loopback sockets, behind listeners that know the script of faults.

mod accept;
pub mod content_repo;
pub mod dynamodb;
pub mod lambda;
pub mod listener;
pub mod mysql;
pub mod rhino;
pub mod s3;
pub mod sqs;
pub mod storage_node;
pub mod sts;
pub mod tracker;
