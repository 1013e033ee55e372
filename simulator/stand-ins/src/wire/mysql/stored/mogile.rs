//! What `information_schema` says of MogileFS's tables, which are the world's own.

use rusqlite::types::Value as Bound;

use super::information::{COLUMNS, SIZES, STATISTICS, word};
use crate::wire::mysql::tables::{DATABASE, Table};
use crate::wire::mysql::value::Kind;
use crate::world::databases::{Collation, Table as Schema};
use crate::world::mogile::MogileFs;

/// What old servers have by default. It is blind to case, as the look-ups of this world are.
const COLLATION: Collation = Collation::Latin1SwedishCi;

/// MogileFS's tables as they are described.
pub struct Described<'a> {
    /// Whose they are.
    pub mogile: &'a MogileFs,
    /// Whether fids are `INT UNSIGNED`.
    pub narrow_fids: bool,
}

impl Described<'_> {
    /// The rows of one table of `information_schema`.
    pub(super) fn rows(&self, of: &Schema) -> Vec<Vec<Bound>> {
        let rows = |table: Table| {
            let place = [word(DATABASE), word(table.name())];
            let rows = if of.name == COLUMNS.name {
                self.columns(table)
            } else if of.name == STATISTICS.name {
                keys(table)
            } else if of.name == SIZES.name {
                let count = i64::try_from(table.count(self.mogile)).unwrap_or(i64::MAX);
                vec![vec![word("InnoDB"), Bound::Integer(count), word(COLLATION.name())]]
            } else {
                Vec::new()
            };
            rows.into_iter().map(move |row| [&place[..], &row].concat()).collect::<Vec<_>>()
        };
        Table::ALL.into_iter().flat_map(rows).collect()
    }

    fn columns(&self, table: Table) -> Vec<Vec<Bound>> {
        let or_null = |text: Option<&str>| text.map_or(Bound::Null, word);
        let row = |(number, (name, kind)): (i64, &(&'static str, Kind))| {
            let is_narrow = self.narrow_fids && *name == "fid";
            let kind = if is_narrow { Kind::INT_UNSIGNED.key() } else { *kind };
            let number_name = kind.number_name();
            let collation = number_name.is_none().then_some(COLLATION);
            let type_name = match (number_name, table.values(name)) {
                (Some(number), _) => number,
                (None, Some(values)) => format!("enum('{}')", values.join("','")),
                (None, None) => format!("varchar({})", kind.letters()),
            };
            vec![
                word(name),
                Bound::Integer(number),
                or_null(table.default_of(name)),
                word(if kind.is_nullable() { "YES" } else { "NO" }),
                word(&type_name),
                or_null(collation.map(Collation::charset)),
                or_null(collation.map(Collation::name)),
                word(""),
            ]
        };
        (1..).zip(table.columns()).map(row).collect()
    }
}

fn keys(table: Table) -> Vec<Vec<Bound>> {
    let own = table.columns().iter().filter(|(_, kind)| kind.is_key()).map(|(name, _)| *name);
    let primary = ("PRIMARY", true, own.collect::<Vec<_>>());
    let others = table.keys().iter().map(|(name, is_unique, columns)| {
        let columns = columns.to_vec();
        (*name, *is_unique, columns)
    });
    let rows = |(name, is_unique, columns): (&str, bool, Vec<&str>)| {
        let row = |(number, column): (i64, &str)| {
            let is_not_unique = Bound::Integer((!is_unique).into());
            vec![is_not_unique, word(name), Bound::Integer(number), word(column)]
        };
        (1..).zip(columns).map(row).collect::<Vec<_>>()
    };
    [primary].into_iter().chain(others).flat_map(rows).collect()
}
