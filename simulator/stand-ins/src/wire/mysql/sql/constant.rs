//! `SELECT` of values that need no table.

use super::parser::Parser;
use super::select::{Operand, operand};

/// A value that needs no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// A number.
    Number(i128),
    /// A text.
    Text(String),
    /// The session's database.
    Database,
    /// The user and the host that it comes from.
    User,
    /// The server's version.
    Version,
    /// The number of the session.
    ConnectionId,
    /// Whether each statement is a transaction.
    Autocommit,
    /// What kind of server this is.
    VersionComment,
    /// The server's time, in seconds since 1970.
    UnixTime,
    /// What becomes of the lock of this name.
    Lock(LockCall, Operand),
}

/// A function about a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockCall {
    /// `GET_LOCK(name, seconds)`
    Take,
    /// `RELEASE_LOCK(name)`
    GiveBack,
    /// `IS_FREE_LOCK(name)`
    IsFree,
    /// `IS_USED_LOCK(name)`
    Holder,
}

/// Reads what is behind `SELECT`.
pub(super) fn constants(parser: &mut Parser) -> Option<Vec<(String, Constant)>> {
    let mut constants = Vec::new();
    loop {
        constants.push(parser.labelled(constant)?);
        if !parser.mark(',') {
            break;
        }
    }
    // There is one row: the `mariadb` client asks for no more.
    if parser.word("limit") {
        parser.number()?;
    }
    Some(constants)
}

fn constant(parser: &mut Parser) -> Option<Constant> {
    if let Some(number) = parser.number() {
        return Some(Constant::Number(number));
    }
    if let Some(text) = parser.text() {
        return Some(Constant::Text(text));
    }
    if let Some(variable) = parser.variable() {
        return Some(match variable.as_str() {
            "autocommit" => Constant::Autocommit,
            "version" => Constant::Version,
            "version_comment" => Constant::VersionComment,
            _ => return None,
        });
    }
    let function = parser.any_word()?;
    parser.mark('(').then_some(())?;
    if let Some(call) = lock_call(&function) {
        let name = operand(parser)?;
        if call == LockCall::Take {
            parser.mark(',').then_some(())?;
            // Nobody waits here.
            operand(parser)?;
        }
        return parser.mark(')').then_some(Constant::Lock(call, name));
    }
    parser.mark(')').then_some(())?;
    Some(match function.as_str() {
        "database" | "schema" => Constant::Database,
        "user" | "current_user" => Constant::User,
        "version" => Constant::Version,
        "connection_id" => Constant::ConnectionId,
        "unix_timestamp" => Constant::UnixTime,
        _ => return None,
    })
}

fn lock_call(function: &str) -> Option<LockCall> {
    Some(match function {
        "get_lock" => LockCall::Take,
        "release_lock" => LockCall::GiveBack,
        "is_free_lock" => LockCall::IsFree,
        "is_used_lock" => LockCall::Holder,
        _ => return None,
    })
}
