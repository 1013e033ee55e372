//! What a table is, in MySQL's words and in `SQLite`'s. [`super::tables`] has the tables.

/// `SQLite`'s collation for texts that are compared without regard to case.
pub(super) const BLIND: &str = "mysql_blind";
/// `SQLite`'s collation for the others.
pub(super) const EXACT: &str = "mysql_exact";

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns; one that is [`Filled::Counted`] is the primary key.
    pub columns: &'static [Column],
    /// Its other keys.
    pub keys: &'static [Key],
    /// Foreign keys, in MySQL's words. They are shown and not enforced.
    pub constraints: &'static [&'static str],
    /// The collation of its texts, where it does not leave that to the server.
    pub collation: Option<Collation>,
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What is in it where an INSERT says nothing.
    pub filled: Filled,
    /// Its own collation.
    pub collation: Option<Collation>,
}

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `TINYINT`.
    TinyInt,
    /// `INT`.
    Int,
    /// `BIGINT`.
    BigInt,
    /// `CHAR(n)`.
    Char(u16),
    /// `VARCHAR(n)`.
    Varchar(u16),
    /// `LONGTEXT`.
    LongText,
    /// `TIMESTAMP`.
    Timestamp,
}

/// What is in a column where an INSERT says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The INSERT must say it.
    ByInsert,
    /// NULL.
    Null,
    /// 0. It is never NULL.
    Zero,
    /// The time `0000-00-00 00:00:00`. It is never NULL.
    NoTime,
    /// The next number.
    Counted,
    /// The time.
    Now,
    /// The time, and again at every change of the row.
    NowAtChange,
}

/// A key that is not the primary one.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// No two rows may have the same values, NULL left out.
    pub is_unique: bool,
}

/// How texts are stored and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collation {
    /// `utf8_general_ci`.
    Utf8GeneralCi,
    /// `utf8_unicode_ci`.
    Utf8UnicodeCi,
    /// `utf8_bin`.
    Utf8Bin,
    /// `latin1_swedish_ci`, the default of old servers.
    Latin1SwedishCi,
}

impl Collation {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8GeneralCi => "utf8_general_ci",
            Self::Utf8UnicodeCi => "utf8_unicode_ci",
            Self::Utf8Bin => "utf8_bin",
            Self::Latin1SwedishCi => "latin1_swedish_ci",
        }
    }

    /// The character set.
    #[must_use]
    pub fn charset(self) -> &'static str {
        self.name().split_once('_').map_or("", |(charset, _)| charset)
    }

    const fn sqlite(self) -> &'static str {
        match self {
            Self::Utf8GeneralCi | Self::Utf8UnicodeCi | Self::Latin1SwedishCi => BLIND,
            Self::Utf8Bin => EXACT,
        }
    }
}

impl Kind {
    /// In MySQL's words.
    #[must_use]
    pub fn mysql(self) -> String {
        match self {
            Self::TinyInt => "tinyint".to_owned(),
            Self::Int => "int".to_owned(),
            Self::BigInt => "bigint".to_owned(),
            Self::Char(length) => format!("char({length})"),
            Self::Varchar(length) => format!("varchar({length})"),
            Self::LongText => "longtext".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
        }
    }

    /// Whether it has a collation.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Char(_) | Self::Varchar(_) | Self::LongText => true,
            Self::TinyInt | Self::Int | Self::BigInt | Self::Timestamp => false,
        }
    }
}

impl Table {
    /// The column that is the primary key, where there is one.
    #[must_use]
    pub fn primary(&self) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.filled == Filled::Counted)
    }

    /// The collation of a column on a server with this one.
    #[must_use]
    pub fn collation_of(&self, column: &Column, server: Collation) -> Option<Collation> {
        let collation = column.collation.or(self.collation).unwrap_or(server);
        Some(collation).filter(|_| column.kind.is_text())
    }

    /// The column of this name, in any case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The statements that make it in `SQLite`. An index is named by its table too: there its name is
    /// one of the whole database.
    pub(super) fn sqlite(&self, server: Collation) -> String {
        let columns: Vec<_> =
            self.columns.iter().map(|it| self.sqlite_column(it, server)).collect();
        let mut sql = format!("CREATE TABLE \"{}\" ({});", self.name, columns.join(", "));
        for key in self.keys {
            let unique = if key.is_unique { "UNIQUE " } else { "" };
            let columns: Vec<_> = key.columns.iter().map(|name| format!("\"{name}\"")).collect();
            let (table, name, columns) = (self.name, key.name, columns.join(", "));
            let index = format!("\"{table}.{name}\" ON \"{table}\" ({columns})");
            sql.extend(["CREATE ", unique, "INDEX ", &index, ";"]);
        }
        sql
    }

    fn sqlite_column(&self, column: &Column, server: Collation) -> String {
        let kind = match (self.collation_of(column, server), column.kind) {
            (Some(collation), _) => format!("TEXT COLLATE {}", collation.sqlite()),
            (None, Kind::Timestamp) => "TEXT".to_owned(),
            (None, _) => "INTEGER".to_owned(),
        };
        let filled = match column.filled {
            Filled::ByInsert => " NOT NULL",
            Filled::Null => "",
            Filled::Zero => " NOT NULL DEFAULT 0",
            Filled::NoTime => " NOT NULL DEFAULT '0000-00-00 00:00:00'",
            Filled::Counted => " PRIMARY KEY AUTOINCREMENT",
            Filled::Now | Filled::NowAtChange => " NOT NULL DEFAULT CURRENT_TIMESTAMP",
        };
        format!("\"{}\" {kind}{filled}", column.name)
    }
}
