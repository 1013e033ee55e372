//! Values that need no table: settings of the session, and what becomes of locks.

use super::Session;
use crate::wire::mysql::login::VERSION;
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::{Constant, LockCall};
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
        let is_done = match call {
            LockCall::Take => Some(locks.take(&name, connection)?),
            LockCall::GiveBack => locks.give_back(&name, connection)?,
            LockCall::IsFree => Some(locks.is_free(&name)?),
        };
        Ok(is_done.map_or(Value::Null, |is_done| Value::Integer(is_done.into())))
    }
}

/// The type of a value that needs no table.
pub(super) const fn kind_of(constant: &Constant) -> Kind {
    match constant {
        Constant::Number(_) | Constant::ConnectionId | Constant::Autocommit => {
            Kind::BIGINT.not_null()
        }
        Constant::Lock(..) => Kind::BIGINT,
        Constant::Text(_)
        | Constant::Database
        | Constant::User
        | Constant::Version
        | Constant::VersionComment => Kind::VARCHAR,
    }
}
