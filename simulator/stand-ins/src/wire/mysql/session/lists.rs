//! The names of databases and tables.

use super::{Owner, Session, information, no_database};
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::tables::{DATABASE, Row, Table};
use crate::wire::mysql::value::Value;
use crate::world::databases::Database;

impl Session<'_> {
    pub(super) fn databases(&self) -> Vec<Row> {
        let clients = Database::ALL.into_iter().filter(|_| self.stored.is_some());
        let server = self.stored.as_ref().map(|_| information::NAME);
        let names = clients.map(Database::name).chain([DATABASE]).chain(server);
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names.into_iter().map(|name| vec![Value::Text(name.to_owned())]).collect()
    }

    pub(super) fn tables(&self) -> Result<Vec<Row>, Refusal> {
        let database = self.database.as_deref().ok_or_else(no_database)?;
        let mut names: Vec<&str> = match self.owner_of(database)? {
            Owner::MogileFs => Table::ALL.iter().map(|table| table.name()).collect(),
            Owner::Client(database) => database.tables().iter().map(|table| table.name).collect(),
            Owner::Server => information::TABLES.iter().map(|table| table.name).collect(),
        };
        names.sort_unstable();
        Ok(names.into_iter().map(|name| vec![Value::Text(name.to_owned())]).collect())
    }
}
