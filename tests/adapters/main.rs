//! The adapters against the wire face of the stand-ins, and against scripted servers.

mod content_repo_service;
mod mogile_client;
mod mysql_index;
#[cfg(feature = "containers")]
mod mysql_stored;
mod old_mysql;
mod running_config_api;
