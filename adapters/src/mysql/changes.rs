//! Changes the databases of contentrepo and rhino, in sessions apart from those that read.

mod content_repo;
mod facts;
mod failure;
mod holders;
mod index_definition;
mod outcome;
mod rhino;
mod rhino_session;
mod server;
mod session;
mod statement;
mod touched;

pub use content_repo::MysqlContentRepoChanges;
pub use rhino::MysqlRhinoChanges;
