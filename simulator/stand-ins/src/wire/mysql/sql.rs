//! The statements that the server answers: a closed list, each understood as a whole or not at all.

mod condition;
mod constant;
mod define;
mod parser;
mod select;
mod server;
mod tokens;
mod write;

pub use condition::{Comparison, Condition};
pub use constant::{Constant, LockCall};
pub use define::{Alter, KeyChange};
pub use select::{Field, Fields, Function, Operand, Order, Place, Select};
pub use server::Shown;
pub use write::{Change, Delete, Insert, Update};

use parser::Parser;
use tokens::tokens;

/// The version by which comments of the form `/*!50708 … */` are judged.
pub const VERSION: u32 = 80_400;

/// A statement of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Rows of one table.
    Select(Select),
    /// New rows.
    Insert(Insert),
    /// Other values in rows.
    Update(Update),
    /// Rows that go.
    Delete(Delete),
    /// A key that comes or goes.
    Alter(Alter),
    /// The statement that would make a table.
    ShowCreate(Place),
    /// What the session's user may do: `SHOW GRANTS [FOR CURRENT_USER[()]]`.
    ShowGrants,
    /// What the server says of itself.
    ShowServer(Shown),
    /// Values that need no table, each with its name in the answer: `SELECT DATABASE(), @@version`.
    Constants(Vec<(String, Constant)>),
    /// Settings of the session.
    Set(Vec<Setting>),
    /// `BEGIN` or `START TRANSACTION`.
    Begin,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// Another database becomes the session's own.
    Use(String),
    /// The names of the databases.
    ShowDatabases,
    /// The names of the session's database's tables.
    ShowTables,
}

/// What a `SET` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Each statement is a transaction, or not.
    Autocommit(bool),
    /// Transactions may not write, or may.
    ReadOnly(bool),
    /// A setting that changes nothing in what this server answers.
    WithoutEffect,
}

/// A statement with the number of its parameters, or `None` for one that is not on the list.
pub fn parse(sql: &str) -> Option<(Statement, usize)> {
    parse_in(None, sql)
}

/// The same where `DATABASE()` is this one.
pub fn parse_in(database: Option<&str>, sql: &str) -> Option<(Statement, usize)> {
    let mut parser = Parser::new(tokens(sql)?, database);
    let statement = statement(&mut parser)?;
    parser.mark(';');
    parser.is_at_end().then(|| (statement, parser.parameters()))
}

impl Statement {
    /// A name for counts and for the script of faults: `SELECT file`, `COUNT file`.
    pub fn operation(&self) -> String {
        match self {
            Self::Select(Select { fields: Fields::Count(_), place, .. }) => {
                format!("COUNT {}", place.table)
            }
            Self::Select(select) => format!("SELECT {}", select.place.table),
            Self::Insert(insert) => format!("INSERT {}", insert.place.table),
            Self::Update(update) => format!("UPDATE {}", update.place.table),
            Self::Delete(delete) => format!("DELETE {}", delete.place.table),
            Self::Alter(alter) => format!("ALTER {}", alter.place.table),
            Self::Constants(_) => "SELECT".to_owned(),
            Self::Set(_) => "SET".to_owned(),
            Self::Begin => "BEGIN".to_owned(),
            Self::Commit => "COMMIT".to_owned(),
            Self::Rollback => "ROLLBACK".to_owned(),
            Self::Use(_) => "USE".to_owned(),
            Self::ShowDatabases
            | Self::ShowTables
            | Self::ShowCreate(_)
            | Self::ShowServer(_)
            | Self::ShowGrants => "SHOW".to_owned(),
        }
    }
}

fn statement(parser: &mut Parser) -> Option<Statement> {
    let first = parser.any_word()?;
    Some(match first.as_str() {
        "select" if parser.reads_a_table() => Statement::Select(select::parse(parser)?),
        "select" => Statement::Constants(constant::constants(parser)?),
        "set" => set(parser)?,
        "insert" => Statement::Insert(write::insert(parser)?),
        "update" => Statement::Update(write::update(parser)?),
        "delete" => Statement::Delete(write::delete(parser)?),
        "alter" => Statement::Alter(define::alter(parser)?),
        "begin" => {
            parser.word("work");
            Statement::Begin
        }
        "start" => {
            parser.word("transaction").then_some(())?;
            Statement::Begin
        }
        "commit" => {
            parser.word("work");
            Statement::Commit
        }
        "rollback" => {
            parser.word("work");
            Statement::Rollback
        }
        "use" => Statement::Use(parser.name()?),
        "show" if parser.word("databases") => Statement::ShowDatabases,
        "show" if parser.word("tables") => Statement::ShowTables,
        "show" if parser.word("grants") => {
            if parser.word("for") {
                let is_own = parser.word("current_user") && (!parser.mark('(') || parser.mark(')'));
                is_own.then_some(())?;
            }
            Statement::ShowGrants
        }
        "show" if server::is_next(parser) => Statement::ShowServer(server::parse(parser)?),
        "show" if parser.word("create") => Statement::ShowCreate(define::show_create(parser)?),
        _ => return None,
    })
}

/// Settings that clients send and that change no answer: all texts are UTF-8 here, all times UTC,
/// and no statement waits for a lock or runs for long.
const WITHOUT_EFFECT: [&str; 10] = [
    "character_set_results",
    "completion_type",
    "innodb_lock_wait_timeout",
    "lock_wait_timeout",
    "max_execution_time",
    "net_write_timeout",
    "sql_mode",
    "sql_quote_show_create",
    "time_zone",
    "wait_timeout",
];

fn set(parser: &mut Parser) -> Option<Statement> {
    let mut settings = Vec::new();
    loop {
        settings.push(setting(parser)?);
        if !parser.mark(',') {
            return Some(Statement::Set(settings));
        }
    }
}

fn setting(parser: &mut Parser) -> Option<Setting> {
    if parser.word("names") {
        parser.name_or_text()?;
        if parser.word("collate") {
            parser.name_or_text()?;
        }
        return Some(Setting::WithoutEffect);
    }
    let _ = parser.word("session") || parser.word("local");
    if parser.word("transaction") {
        return transaction(parser);
    }
    let name = parser.variable().or_else(|| parser.name())?.to_lowercase();
    parser.mark('=').then_some(())?;
    if name == "autocommit" {
        return Some(Setting::Autocommit(parser.switch()?));
    }
    WITHOUT_EFFECT.contains(&name.as_str()).then_some(())?;
    parser.skip_value()?;
    Some(Setting::WithoutEffect)
}

fn transaction(parser: &mut Parser) -> Option<Setting> {
    if parser.words(&["isolation", "level", "read", "committed"])
        || parser.words(&["isolation", "level", "repeatable", "read"])
    {
        return Some(Setting::WithoutEffect);
    }
    parser.word("read").then_some(())?;
    let is_read_only = parser.word("only");
    (is_read_only || parser.word("write")).then_some(Setting::ReadOnly(is_read_only))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sessions_set_up_as_clients_do() {
        use Setting::{Autocommit, ReadOnly, WithoutEffect};
        for (sql, settings) in [
            ("SET SESSION TRANSACTION READ ONLY", vec![ReadOnly(true)]),
            (
                "SET SESSION autocommit = 1 /*!50708 , max_execution_time = 30000 */ \
                 /*M!100101 , max_statement_time = 30 */",
                vec![Autocommit(true), WithoutEffect],
            ),
            (
                "SET sql_mode=(SELECT CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')),\
                 time_zone='+00:00',NAMES utf8mb4;",
                vec![WithoutEffect; 3],
            ),
            ("set names 'utf8mb4' collate utf8mb4_bin", vec![WithoutEffect]),
            ("SET AUTOCOMMIT = 0", vec![Autocommit(false)]),
            ("SET @@session.autocommit = OFF", vec![Autocommit(false)]),
            ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", vec![WithoutEffect]),
        ] {
            assert_eq!(parse(sql), Some((Statement::Set(settings), 0)), "{sql}");
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_no_statement() {
        for sql in [
            "",
            ";",
            "SELECT",
            "SELECT SLEEP(1)",
            "SELECT @@basedir",
            "SELECT 1; SELECT 2",
            "SELECT fid FROM file; DROP TABLE file",
            "DROP TABLE file",
            "DELETE FROM file",
            "UPDATE file SET fid = 1",
            "INSERT INTO file (fid, dmid) VALUES (1)",
            "INSERT INTO file VALUES (1)",
            "ALTER TABLE file DROP COLUMN fid",
            "TRUNCATE TABLE file",
            "SET",
            "SET GLOBAL read_only = 0",
            "SET autocommit = 2",
            "SET autocommit = 1,",
            "SET SESSION TRANSACTION READ",
            "SET sql_mode = (1",
            "SET foreign_key_checks = 0",
            "/*!99999 BEGIN */",
            "BEGIN 'x",
            "BEGIN /* x",
            "SHOW ENGINES",
            "SHOW GRANTS FOR root",
            "SELECT GET_LOCK('a')",
            "SELECT RELEASE_LOCK()",
            "SELECT RELEASE_ALL_LOCKS()",
        ] {
            assert_eq!(parse(sql), None, "{sql}");
        }
    }

    #[test]
    fn constants_are_named_as_they_are_written() {
        let sql = "select @@version_comment, DATABASE() , 7 as n limit 1";
        let named = |name: &str, value| (name.to_owned(), value);
        let constants = vec![
            named("@@version_comment", Constant::VersionComment),
            named("DATABASE()", Constant::Database),
            named("n", Constant::Number(7)),
        ];
        assert_eq!(parse(sql), Some((Statement::Constants(constants), 0)));
    }

    proptest! {
        #[test]
        fn any_text_is_a_statement_or_none(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "SELECT", "FROM", "file", "*", "COUNT(*)", "WHERE", "fid", ">", "?", "'", "\"",
                    "`", "@@", "/*", "*/", "/*!50000", "--", "#", "\n", "SET", ",", "=", "(", ")",
                    "LIMIT", "ORDER", "BY", "9", "-", "é", ";", "\\", "AS", "AND",
                ]),
                0..20,
            ),
        ) {
            let _ = parse(&pieces.concat());
            let _ = parse(&pieces.join(" "));
        }
    }
}
