//! One client's session: what it has set, which statements it keeps, and what it is answered.

use std::collections::BTreeMap;

use super::MysqlServer;
use super::answer::{Answer, Context, Encoding};
use super::command::{Command, Parameters};
use super::login::{Login, VERSION};
use super::refusal::Refusal;
use super::sql::{self, Constant, Setting, Statement};
use super::tables::{Column, DATABASE, Row, Table, columns_of, rows_of};
use super::value::{Kind, Value};

/// Statements that a session may keep.
const MOST_STATEMENTS: usize = 1_000;

/// A session. When its connection ends it is dropped, and nothing of it stays.
pub struct Session<'a> {
    server: &'a MysqlServer,
    connection: u32,
    user: String,
    deprecate_eof: bool,
    database: Option<String>,
    autocommit: bool,
    in_transaction: bool,
    kept: BTreeMap<u32, Kept>,
    last_statement: u32,
}

/// A statement that is kept.
struct Kept {
    sql: String,
    statement: Statement,
    count: usize,
    parameters: Parameters,
    /// It was sent a part of a parameter, which no statement on the list needs.
    has_long_data: bool,
}

impl<'a> Session<'a> {
    /// The session of a client that has logged in.
    pub fn new(server: &'a MysqlServer, connection: u32, login: Login) -> Result<Self, Refusal> {
        if let Some(database) = &login.database {
            known(database)?;
        }
        Ok(Self {
            server,
            connection,
            user: login.user,
            deprecate_eof: login.deprecate_eof,
            database: login.database,
            autocommit: true,
            in_transaction: false,
            kept: BTreeMap::new(),
            last_statement: 0,
        })
    }

    /// What answers depend on.
    pub const fn context(&self) -> Context {
        Context {
            deprecate_eof: self.deprecate_eof,
            in_transaction: self.in_transaction,
            autocommit: self.autocommit,
        }
    }

    /// A command's name and its statement, for the counts and the script of faults.
    pub fn classify(&self, command: &Command) -> (String, String) {
        match command {
            Command::Query(sql) => {
                let parsed = sql::parse(sql);
                let name = parsed.map_or_else(unlisted, |(statement, _)| statement.operation());
                (name, sql.clone())
            }
            Command::Prepare(sql) => ("PREPARE".to_owned(), sql.clone()),
            Command::Execute { statement, .. } => match self.kept.get(statement) {
                Some(kept) => (kept.statement.operation(), kept.sql.clone()),
                None => (unlisted(), String::new()),
            },
            Command::InitDb(name) => ("USE".to_owned(), name.clone()),
            Command::Ping => ("PING".to_owned(), String::new()),
            Command::Quit
            | Command::ResetConnection
            | Command::Reset(_)
            | Command::Close(_)
            | Command::LongData(_) => ("RESET".to_owned(), String::new()),
        }
    }

    /// Carries a command out; what has no answer has none here.
    pub fn carry_out(&mut self, command: Command) -> Option<Answer> {
        let answer = match command {
            Command::Quit => return None,
            Command::Close(statement) => {
                self.kept.remove(&statement);
                return None;
            }
            Command::LongData(statement) => {
                let kept = self.kept.get_mut(&statement)?;
                kept.has_long_data = true;
                return None;
            }
            Command::InitDb(name) => self.change_database(name).map(|()| DONE),
            Command::Query(sql) => self.query(&sql),
            Command::Ping => Ok(DONE),
            Command::ResetConnection => {
                self.kept.clear();
                (self.autocommit, self.in_transaction) = (true, false);
                Ok(DONE)
            }
            Command::Reset(statement) => self.find(statement).map(|kept| {
                kept.has_long_data = false;
                DONE
            }),
            Command::Prepare(sql) => self.prepare(sql),
            Command::Execute { statement, rest } => self.execute(statement, &rest),
        };
        Some(answer.unwrap_or_else(Answer::Refused))
    }

    fn query(&mut self, sql: &str) -> Result<Answer, Refusal> {
        let not_listed = || Refusal::not_on_the_list(sql);
        let (statement, parameters) = sql::parse(sql).ok_or_else(not_listed)?;
        if parameters > 0 {
            return Err(not_listed());
        }
        self.run(&statement, &[], Encoding::Text)
    }

    fn prepare(&mut self, sql: String) -> Result<Answer, Refusal> {
        let (statement, count) = sql::parse(&sql).ok_or_else(|| Refusal::not_on_the_list(&sql))?;
        if self.kept.len() == MOST_STATEMENTS {
            let text = "Can't create more prepared statements: this session keeps 1000";
            return Err(Refusal::new(1461, text));
        }
        let columns = self.columns(&statement)?;
        self.last_statement = self.last_statement.wrapping_add(1);
        let parameters = Parameters::default();
        let kept = Kept { sql, statement, count, parameters, has_long_data: false };
        self.kept.insert(self.last_statement, kept);
        Ok(Answer::Prepared { statement: self.last_statement, parameters: count, columns })
    }

    fn execute(&mut self, number: u32, rest: &[u8]) -> Result<Answer, Refusal> {
        let kept = self.find(number)?;
        if kept.has_long_data {
            let text = "parameters in several parts are not on the list of this server";
            return Err(Refusal::new(1235, text));
        }
        let parameters = kept.parameters.read(kept.count, rest)?;
        let statement = kept.statement.clone();
        self.run(&statement, &parameters, Encoding::Binary)
    }

    fn find(&mut self, statement: u32) -> Result<&mut Kept, Refusal> {
        let unknown = || {
            let text = format!("Unknown prepared statement handler ({statement}) given to EXECUTE");
            Refusal::new(1243, text)
        };
        self.kept.get_mut(&statement).ok_or_else(unknown)
    }

    fn run(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
        encoding: Encoding,
    ) -> Result<Answer, Refusal> {
        match statement {
            Statement::Set(settings) => settings.iter().for_each(|setting| self.set(*setting)),
            Statement::Begin => self.in_transaction = true,
            Statement::Commit | Statement::Rollback => self.in_transaction = false,
            Statement::Use(name) => self.change_database(name.clone())?,
            Statement::Select(select) => {
                let columns = self.columns(statement)?;
                let rows = rows_of(select, parameters, &self.server.mogile)?;
                return Ok(Answer::Rows { columns, rows, encoding });
            }
            Statement::Constants(constants) => {
                let columns = self.columns(statement)?;
                let rows = vec![constants.iter().map(|(_, it)| self.constant(it)).collect()];
                return Ok(Answer::Rows { columns, rows, encoding });
            }
            Statement::ShowDatabases => {
                let columns = self.columns(statement)?;
                let rows = vec![vec![Value::Text(DATABASE.to_owned())]];
                return Ok(Answer::Rows { columns, rows, encoding });
            }
            Statement::ShowTables => {
                let columns = self.columns(statement)?;
                return Ok(Answer::Rows { columns, rows: table_names(), encoding });
            }
        }
        Ok(DONE)
    }

    /// The columns of a statement's answer; of one without rows there are none.
    fn columns(&self, statement: &Statement) -> Result<Vec<Column>, Refusal> {
        let names = |label: &str| Ok(vec![Column::computed(label, Kind::VARCHAR)]);
        match statement {
            Statement::Select(select) => {
                match select.database.as_ref().or(self.database.as_ref()) {
                    Some(database) => known(database)?,
                    None => return Err(no_database()),
                }
                columns_of(select)
            }
            Statement::Constants(constants) => Ok(constants
                .iter()
                .map(|(label, constant)| Column::computed(label, kind_of(constant)))
                .collect()),
            Statement::ShowDatabases => names("Database"),
            Statement::ShowTables => match &self.database {
                Some(database) => names(&format!("Tables_in_{database}")),
                None => Err(no_database()),
            },
            Statement::Set(_)
            | Statement::Begin
            | Statement::Commit
            | Statement::Rollback
            | Statement::Use(_) => Ok(Vec::new()),
        }
    }

    fn constant(&self, constant: &Constant) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        match constant {
            Constant::Number(number) => Value::Integer(*number),
            Constant::Text(literal) => text(literal),
            Constant::Database => self.database.as_deref().map_or(Value::Null, text),
            Constant::User => Value::Text(format!("{}@127.0.0.1", self.user)),
            Constant::Version => text(VERSION),
            Constant::VersionComment => text("a rehearsal's stand-in, no MySQL"),
            Constant::ConnectionId => Value::Integer(self.connection.into()),
            Constant::Autocommit => Value::Integer(self.autocommit.into()),
        }
    }

    const fn set(&mut self, setting: Setting) {
        match setting {
            Setting::Autocommit(autocommit) => self.autocommit = autocommit,
            // No statement on the list writes.
            Setting::ReadOnly(_) | Setting::WithoutEffect => {}
        }
    }

    fn change_database(&mut self, name: String) -> Result<(), Refusal> {
        known(&name)?;
        self.database = Some(name);
        Ok(())
    }
}

const DONE: Answer = Answer::Done { rows: 0 };

/// The name of a statement that is on no list.
fn unlisted() -> String {
    "UNKNOWN".to_owned()
}

fn known(database: &str) -> Result<(), Refusal> {
    let unknown = || Refusal::new(1049, format!("Unknown database '{database}'"));
    (database == DATABASE).then_some(()).ok_or_else(unknown)
}

fn no_database() -> Refusal {
    Refusal::new(1046, "No database selected")
}

fn table_names() -> Vec<Row> {
    Table::ALL.iter().map(|table| vec![Value::Text(table.name().to_owned())]).collect()
}

const fn kind_of(constant: &Constant) -> Kind {
    match constant {
        Constant::Number(_) | Constant::ConnectionId | Constant::Autocommit => {
            Kind::BIGINT.not_null()
        }
        Constant::Text(_)
        | Constant::Database
        | Constant::User
        | Constant::Version
        | Constant::VersionComment => Kind::VARCHAR,
    }
}
