//! Translates the errors of sqlx and of the server into the ports' three kinds.

use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::Cause;
use futures_util::FutureExt;
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use super::sessions::Database;

/// Why a query failed, by what the caller can do.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A later try may succeed.
    Passing(Cause),
    /// The operator must change something first.
    Refusal(String),
    /// The server answered, and the answer cannot be understood.
    Nonsense(String),
}

impl Trouble {
    /// The error of a query whose time limit is over.
    pub(super) fn late(time: Duration) -> Self {
        let seconds = time.as_secs();
        Self::Passing(format!("no answer within {seconds} s").into())
    }
}

impl Trouble {
    /// Translates an error of sqlx about this database.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are about what was read")]
    pub(super) fn of(error: Error, database: Database) -> Self {
        match error {
            Error::Database(error) => match error.try_downcast::<MySqlDatabaseError>() {
                Ok(error) => of_server(&error, database),
                Err(error) => Self::Refusal(error.to_string()),
            },
            Error::Configuration(error) | Error::Tls(error) => Self::Refusal(error.to_string()),
            // The TLS handshake failed, for example because the server knows only old versions of
            // TLS.
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => Self::Refusal(format!(
                "{error}: `?ssl-mode=disabled` behind the URL connects without TLS"
            )),
            Error::Io(error) => Self::Passing(error.into()),
            error => Self::Nonsense(error.to_string()),
        }
    }
}

/// The outcome of what sqlx does. It panics at some answers that are none (sqlx 0.9.0 reads past the end
/// of a packet), which must not end the program.
pub(super) async fn unless_it_panics<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        Err(Error::Protocol("the server's answer is not in MySQL's protocol".to_owned()))
    })
}

/// Translates an error of the server by its number (MySQL and MariaDB error references) and by the
/// class of its SQLSTATE: 25 is a read-only transaction, 28 authorization, 42 syntax or access.
fn of_server(error: &MySqlDatabaseError, database: Database) -> Trouble {
    let advice = |text: &str| Some(text.to_owned());
    let (number, words) = (error.number(), error.message());
    let class = error.code().unwrap_or_default().get(..2).unwrap_or_default();
    let advice = match (number, class) {
        // Too many connections or queries of this account. Their class is 42, but a later try may
        // succeed.
        (1203 | 1226, _) => None,
        (1044 | 1142 | 1143, _) => Some(format!("grant SELECT on {}", database.tables())),
        (1049, _) => advice("correct the database's name in the URL"),
        (1054 | 1146, _) => Some(format!("is this {}'s database?", database.owner())),
        // The host is blocked after too many errors, or not allowed; the account is locked, or its
        // password has expired.
        (1129 | 1130 | 1820 | 1862 | 3118 | 4151, _) => advice("ask the database's administrator"),
        (_, "28") => advice("correct user and password in the URL"),
        (_, "25" | "42") => advice("see the server's reference"),
        _ => None,
    };
    match advice {
        Some(advice) => Trouble::Refusal(format!("{words} (error {number}): {advice}")),
        None => Trouble::Passing(format!("{words} (error {number})").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: Error) -> Trouble {
        Trouble::of(error, Database::MogileFs)
    }

    #[test]
    fn a_broken_connection_passes_and_a_handshake_that_fails_does_not() {
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::TimedOut] {
            let trouble = of(Error::Io(kind.into()));
            assert!(matches!(trouble, Trouble::Passing(_)), "{trouble:?}");
        }
        let trouble = of(Error::Io(ErrorKind::InvalidData.into()));
        assert!(matches!(&trouble, Trouble::Refusal(why) if why.contains("ssl-mode=disabled")));
        let trouble = of(Error::Protocol("unknown packet".to_owned()));
        assert!(matches!(trouble, Trouble::Nonsense(_)), "{trouble:?}");
    }
}
