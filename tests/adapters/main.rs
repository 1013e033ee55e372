//! The adapters against the wire face of the stand-ins, and against scripted servers.

mod mogile_client;
mod mysql_index;
mod old_mysql;
