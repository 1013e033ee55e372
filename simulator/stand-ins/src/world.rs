//! The state of everything outside: no socket in it, and no fault.

pub mod bucket;
pub mod content_repo;
pub mod databases;
pub mod dynamodb;
pub mod lambda;
pub mod mogile;
pub mod queue;
