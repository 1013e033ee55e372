//! One client's session: what it has set, which statements it keeps, and what it is answered.

use std::collections::BTreeMap;

use super::MysqlServer;
use super::answer::{Answer, Context, Encoding};
use super::command::{Command, Parameters};
use super::login::Login;
use super::refusal::Refusal;
use super::sessions::Listed;
use super::sql::{self, Place, Setting, Statement};
use super::stored::{Stored, information, mogile};
use super::tables::{Column, DATABASE, KeyChange, columns_of, rows_of};
use super::value::{Kind, Value};
use crate::world::databases::Database;

mod constants;
mod keys;
mod lists;

use constants::{kind_of, shown_columns};

/// Statements that a session may keep.
const MOST_STATEMENTS: usize = 1_000;

/// A session. When its connection ends it is dropped, and nothing of it stays.
pub struct Session<'a> {
    server: &'a MysqlServer,
    connection: u32,
    user: String,
    context: Context,
    database: Option<String>,
    is_read_only: bool,
    stored: Option<Stored<'a>>,
    /// Keys of MogileFS's files that change at the commit.
    keys: Vec<KeyChange>,
    kept: BTreeMap<u32, Kept>,
    last_statement: u32,
    pub(super) listed: Listed<'a>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.server.locks.end(self.connection);
    }
}

/// Whose tables a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    MogileFs,
    Client(Database),
    /// `information_schema`.
    Server,
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
        let stored = server.databases.as_deref().map(Stored::new);
        let listed = server.sessions.list(connection, &login.user, login.database.as_deref());
        let session = Self {
            server,
            connection,
            user: login.user,
            context: Context {
                deprecate_eof: login.deprecate_eof,
                in_transaction: false,
                autocommit: true,
            },
            database: login.database,
            is_read_only: false,
            stored,
            keys: Vec::new(),
            kept: BTreeMap::new(),
            last_statement: 0,
            listed,
        };
        session.database.iter().try_for_each(|name| session.owner_of(name).map(drop))?;
        Ok(session)
    }

    /// What answers depend on.
    pub const fn context(&self) -> Context {
        self.context
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
        self.listed.touch(self.database.as_deref());
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
            Command::InitDb(name) => self.change_database(name).map(|()| Answer::DONE),
            Command::Query(sql) => self.query(&sql),
            Command::Ping => Ok(Answer::DONE),
            Command::ResetConnection => {
                self.kept.clear();
                self.server.locks.end(self.connection);
                (self.context.autocommit, self.is_read_only) = (true, false);
                self.roll_back().map(|()| Answer::DONE)
            }
            Command::Reset(statement) => self.find(statement).map(|kept| {
                kept.has_long_data = false;
                Answer::DONE
            }),
            Command::Prepare(sql) => self.prepare(sql),
            Command::Execute { statement, rest } => self.execute(statement, &rest),
        };
        Some(answer.unwrap_or_else(Answer::Refused))
    }

    fn parse(&self, sql: &str) -> Option<(Statement, usize)> {
        sql::parse_in(self.database.as_deref(), sql)
    }

    fn query(&mut self, sql: &str) -> Result<Answer, Refusal> {
        let not_listed = || Refusal::not_on_the_list(sql);
        let (statement, parameters) = self.parse(sql).ok_or_else(not_listed)?;
        if parameters > 0 {
            return Err(not_listed());
        }
        self.run(sql, &statement, &[], Encoding::Text)
    }

    fn prepare(&mut self, sql: String) -> Result<Answer, Refusal> {
        let (statement, count) = self.parse(&sql).ok_or_else(|| Refusal::not_on_the_list(&sql))?;
        if self.kept.len() == MOST_STATEMENTS {
            let text = "Can't create more prepared statements: this session keeps 1000";
            return Err(Refusal::new(1461, text));
        }
        let columns = self.columns(&sql, &statement)?;
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
        let (sql, statement) = (kept.sql.clone(), kept.statement.clone());
        self.run(&sql, &statement, &parameters, Encoding::Binary)
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
        sql: &str,
        statement: &Statement,
        parameters: &[Value],
        encoding: Encoding,
    ) -> Result<Answer, Refusal> {
        let columns = self.columns(sql, statement)?;
        let rows = match statement {
            Statement::Set(settings) => {
                settings.iter().try_for_each(|setting| self.set(*setting))?;
                return Ok(Answer::DONE);
            }
            Statement::Begin => {
                // What is open ends well.
                self.commit()?;
                self.context.in_transaction = true;
                return Ok(Answer::DONE);
            }
            Statement::Commit => return self.commit().map(|()| Answer::DONE),
            Statement::Rollback => return self.roll_back().map(|()| Answer::DONE),
            Statement::Use(name) => {
                return self.change_database(name.clone()).map(|()| Answer::DONE);
            }
            Statement::Constants(constants) => {
                let values = constants.iter().map(|(_, it)| self.constant(it, parameters));
                vec![values.collect::<Result<_, _>>()?]
            }
            Statement::ShowDatabases => self.databases(),
            Statement::ShowTables => self.tables()?,
            Statement::ShowGrants => self.grants(),
            Statement::ShowServer(shown) => self.shown(shown),
            Statement::Select(select) => match self.owner(&select.place)? {
                Owner::MogileFs => rows_of(select, parameters, &self.server.mogile)?,
                Owner::Server => {
                    let unknown = || unknown_database(information::NAME);
                    let stored = self.stored.as_mut().ok_or_else(unknown)?;
                    let narrow_fids = self.server.options().narrow_fids;
                    let mogile = mogile::Described { mogile: &self.server.mogile, narrow_fids };
                    stored.information(select, parameters, &mogile)?
                }
                Owner::Client(database) => {
                    return self.run_stored(database, statement, parameters, encoding);
                }
            },
            Statement::ShowCreate(place)
            | Statement::Insert(sql::Insert { place, .. })
            | Statement::Update(sql::Update { place, .. })
            | Statement::Delete(sql::Delete { place, .. })
            | Statement::Alter(sql::Alter { place, .. }) => match self.owner(place)? {
                Owner::MogileFs if let Statement::Update(update) = statement => {
                    return self.change_keys(sql, update, parameters);
                }
                Owner::MogileFs | Owner::Server => return Err(Refusal::not_on_the_list(sql)),
                Owner::Client(database) => {
                    return self.run_stored(database, statement, parameters, encoding);
                }
            },
        };
        Ok(Answer::Rows { columns, rows, encoding })
    }

    /// Carries out a statement about the tables of MogileFS's clients.
    fn run_stored(
        &mut self,
        database: Database,
        statement: &Statement,
        parameters: &[Value],
        encoding: Encoding,
    ) -> Result<Answer, Refusal> {
        if !matches!(statement, Statement::Select(_) | Statement::ShowCreate(_)) {
            self.require_writable()?;
        }
        let is_definition = matches!(statement, Statement::Alter(_));
        self.context.in_transaction =
            !is_definition && (self.context.in_transaction || !self.context.autocommit);
        let unknown = || unknown_database(database.name());
        let stored = self.stored.as_mut().ok_or_else(unknown)?;
        let answer =
            stored.run(database, statement, parameters, self.context.in_transaction, encoding);
        if answer.as_ref().is_err_and(|refusal| refusal.number == DEADLOCK) {
            self.roll_back()?;
        }
        answer
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        self.stored.as_mut().map_or(Ok(()), Stored::commit)?;
        self.context.in_transaction = false;
        self.commit_keys()
    }

    fn require_writable(&self) -> Result<(), Refusal> {
        if self.is_read_only {
            let text = "Cannot execute statement in a READ ONLY transaction.";
            return Err(Refusal::new(1792, text));
        }
        Ok(())
    }

    /// Takes back what is not committed.
    pub fn roll_back(&mut self) -> Result<(), Refusal> {
        self.context.in_transaction = false;
        self.keys.clear();
        self.stored.as_mut().map_or(Ok(()), Stored::roll_back)
    }

    /// The columns of a statement's answer; of one without rows there are none.
    fn columns(&self, sql: &str, statement: &Statement) -> Result<Vec<Column>, Refusal> {
        let names = |label: &str| Ok(vec![Column::computed(label, Kind::VARCHAR)]);
        match statement {
            Statement::Select(select) => match self.owner(&select.place)? {
                Owner::MogileFs => columns_of(select),
                Owner::Server => information::columns(select),
                Owner::Client(database) => Stored::columns(database, statement),
            },
            Statement::ShowCreate(place) => match self.owner(place)? {
                Owner::MogileFs | Owner::Server => Err(Refusal::not_on_the_list(sql)),
                Owner::Client(database) => Stored::columns(database, statement),
            },
            Statement::Constants(constants) => Ok(constants
                .iter()
                .map(|(label, constant)| Column::computed(label, kind_of(constant)))
                .collect()),
            Statement::ShowDatabases => names("Database"),
            Statement::ShowGrants => names(&format!("Grants for {}@127.0.0.1", self.user)),
            Statement::ShowServer(shown) => Ok(shown_columns(shown)),
            Statement::ShowTables => match &self.database {
                Some(database) => names(&format!("Tables_in_{database}")),
                None => Err(no_database()),
            },
            Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Alter(_)
            | Statement::Set(_)
            | Statement::Begin
            | Statement::Commit
            | Statement::Rollback
            | Statement::Use(_) => Ok(Vec::new()),
        }
    }

    /// Whose table it is: by the database that it names, or the session's own.
    fn owner(&self, place: &Place) -> Result<Owner, Refusal> {
        let database = place.database.as_ref().or(self.database.as_ref());
        self.owner_of(database.ok_or_else(no_database)?)
    }

    fn owner_of(&self, database: &str) -> Result<Owner, Refusal> {
        if database == DATABASE {
            return Ok(Owner::MogileFs);
        }
        if database.eq_ignore_ascii_case(information::NAME) && self.stored.is_some() {
            return Ok(Owner::Server);
        }
        let client = Database::named(database).filter(|_| self.stored.is_some());
        client.map(Owner::Client).ok_or_else(|| unknown_database(database))
    }

    fn set(&mut self, setting: Setting) -> Result<(), Refusal> {
        match setting {
            Setting::Autocommit(autocommit) => {
                self.context.autocommit = autocommit;
                // Switched on, it commits what is open.
                if autocommit { self.commit() } else { Ok(()) }
            }
            Setting::ReadOnly(is_read_only) => {
                self.is_read_only = is_read_only;
                Ok(())
            }
            Setting::WithoutEffect => Ok(()),
        }
    }

    fn change_database(&mut self, name: String) -> Result<(), Refusal> {
        self.owner_of(&name)?;
        self.database = Some(name);
        Ok(())
    }
}

/// A deadlock takes the whole transaction back.
pub const DEADLOCK: u16 = 1213;

/// The name of a statement that is on no list.
fn unlisted() -> String {
    "UNKNOWN".to_owned()
}

fn unknown_database(name: &str) -> Refusal {
    Refusal::new(1049, format!("Unknown database '{name}'"))
}

fn no_database() -> Refusal {
    Refusal::new(1046, "No database selected")
}
