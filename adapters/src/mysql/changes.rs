//! Changes the databases of MogileFS, contentrepo and rhino, in sessions apart from those that read.

mod content_repo;
mod facts;
mod failure;
mod holders;
mod index_definition;
mod keys;
mod load;
mod lock;
mod outcome;
mod rhino;
mod rhino_session;
mod server;
mod session;
mod statement;
mod table;

pub use content_repo::{MysqlContentRepoChanges, rename_bucket_statement};
pub use keys::MysqlKeyChanges;
pub use load::MysqlRhinoLoad;
pub use rhino::MysqlRhinoChanges;
pub use server::ChangeTimes;
