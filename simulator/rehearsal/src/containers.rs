//! The world in containers: MySQL, LocalStack, and a tracker with its storage node.

mod engine;
mod mysql_tables;
pub mod tracker;
