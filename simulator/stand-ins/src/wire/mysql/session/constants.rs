//! Values that need no table: settings of the session, and what becomes of locks.

use super::Session;
use crate::wire::mysql::login::VERSION;
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::{Constant, LockCall, Shown};
use crate::wire::mysql::tables::{Column, Row};
use crate::wire::mysql::value::{Kind, Value};

impl Session<'_> {
    pub(super) fn constant(
        &self,
        constant: &Constant,
        parameters: &[Value],
    ) -> Result<Value, Refusal> {
        let text = |text: &str| Value::Text(text.to_owned());
        Ok(match constant {
            Constant::Number(number) => Value::Integer(*number),
            Constant::Text(literal) => text(literal),
            Constant::Database => self.database.as_deref().map_or(Value::Null, text),
            Constant::User => Value::Text(format!("{}@127.0.0.1", self.user)),
            Constant::Version => text(VERSION),
            Constant::VersionComment => text("a rehearsal's stand-in, no MySQL"),
            Constant::ConnectionId => Value::Integer(self.connection.into()),
            Constant::UnixTime => Value::Integer(self.server.options().seconds().into()),
            Constant::Autocommit => Value::Integer(self.context.autocommit.into()),
            Constant::Lock(call, name) => self.lock(*call, name.value(parameters))?,
        })
    }

    /// NULL is the answer about a lock that nobody holds and somebody gives back.
    fn lock(&self, call: LockCall, name: &Value) -> Result<Value, Refusal> {
        let (locks, connection) = (&self.server.locks, self.connection);
        let name = match name {
            Value::Text(name) => name.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Null => String::new(),
        };
        let number = match call {
            LockCall::Take => Some(locks.take(&name, connection)?.into()),
            LockCall::GiveBack => locks.give_back(&name, connection)?.map(i128::from),
            LockCall::IsFree => Some(locks.is_free(&name)?.into()),
            LockCall::Holder => locks.holder(&name)?.map(i128::from),
        };
        Ok(number.map_or(Value::Null, Value::Integer))
    }

    /// What the session's user may do.
    pub(super) fn grants(&self) -> Vec<Row> {
        let mut lines = self.server.options().grants;
        if lines.is_empty() {
            lines.push(format!("GRANT ALL PRIVILEGES ON *.* TO `{}`@`127.0.0.1`", self.user));
        }
        lines.into_iter().map(|line| vec![Value::Text(line)]).collect()
    }

    /// What the server says of itself.
    pub(super) fn shown(&self, shown: &Shown) -> Vec<Row> {
        let text = |text: &str| Value::Text(text.to_owned());
        match shown {
            Shown::Processes => self.server.sessions.rows(self.connection),
            Shown::Variables(names) => {
                let is_asked = |known: &str| names.iter().any(|it| it.eq_ignore_ascii_case(known));
                let ids = self.server.options().ids();
                let constants = VARIABLES.map(|(name, value)| (name, value.to_owned()));
                let known = constants.into_iter().chain(ids).filter(|(name, _)| is_asked(name));
                known.map(|(name, value)| vec![text(name), Value::Text(value)]).collect()
            }
            Shown::Status(name) if name.eq_ignore_ascii_case(RUNNING) => {
                let others = self.server.options().other_threads_running;
                vec![vec![text(RUNNING), Value::Text((others + 1).to_string())]]
            }
            Shown::Status(_) => Vec::new(),
        }
    }
}

/// The only counter that is known.
const RUNNING: &str = "Threads_running";

/// The server's variables that are on the list, beside its ids. It writes no binary log.
const VARIABLES: [(&str, &str); 6] = [
    ("binlog_format", "ROW"),
    ("log_bin", "OFF"),
    ("read_only", "OFF"),
    ("super_read_only", "OFF"),
    ("transaction_isolation", "REPEATABLE-READ"),
    ("version", VERSION),
];

/// The columns of what the server says of itself.
pub(super) fn shown_columns(shown: &Shown) -> Vec<Column> {
    let text = |label| Column::computed(label, Kind::VARCHAR);
    let number = |label| Column::computed(label, Kind::BIGINT);
    match shown {
        Shown::Variables(_) | Shown::Status(_) => ["Variable_name", "Value"].map(text).into(),
        Shown::Processes => vec![
            number("Id"),
            text("User"),
            text("Host"),
            text("db"),
            text("Command"),
            number("Time"),
            text("State"),
            text("Info"),
        ],
    }
}

/// The type of a value that needs no table.
pub(super) const fn kind_of(constant: &Constant) -> Kind {
    match constant {
        Constant::Number(_)
        | Constant::ConnectionId
        | Constant::UnixTime
        | Constant::Autocommit => Kind::BIGINT.not_null(),
        Constant::Lock(..) => Kind::BIGINT,
        Constant::Text(_)
        | Constant::Database
        | Constant::User
        | Constant::Version
        | Constant::VersionComment => Kind::VARCHAR,
    }
}
