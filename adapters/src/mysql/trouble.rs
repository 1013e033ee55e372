//! What sqlx and the server say when a query has no answer, as the ports' three kinds of errors.

use std::io::ErrorKind;
use std::time::Duration;

use domain::Cause;
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

/// Why a query has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may have one in a while.
    Passing(Cause),
    /// Somebody must change something first.
    Refusal(String),
    /// There is one, which nobody understands.
    Nonsense(String),
}

impl Trouble {
    /// The time for a query ran out.
    pub(super) fn late(time: Duration) -> Self {
        let seconds = time.as_secs();
        Self::Passing(format!("no answer within {seconds} s").into())
    }
}

impl From<Error> for Trouble {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are about what was read")]
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => match error.try_downcast::<MySqlDatabaseError>() {
                Ok(error) => of_server(&error),
                Err(error) => Self::Refusal(error.to_string()),
            },
            Error::Configuration(error) | Error::Tls(error) => Self::Refusal(error.to_string()),
            // A handshake that came to nothing, as with servers that know only old versions of TLS.
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => Self::Refusal(format!(
                "{error}: `?ssl-mode=disabled` behind the URL connects without TLS"
            )),
            Error::Io(error) => Self::Passing(error.into()),
            error => Self::Nonsense(error.to_string()),
        }
    }
}

/// The server's own refusals by number (MySQL and MariaDB error references), and by the class of
/// their SQLSTATE: 25 a read-only transaction, 28 authorization, 42 syntax or access.
fn of_server(error: &MySqlDatabaseError) -> Trouble {
    let (number, words) = (error.number(), error.message());
    let class = error.code().unwrap_or_default().get(..2).unwrap_or_default();
    let advice = match (number, class) {
        // Too many connections of this account, or too many queries: 42, but they pass.
        (1203 | 1226, _) => None,
        (1044 | 1142 | 1143, _) => Some("grant SELECT on the tables `file` and `domain`"),
        (1049, _) => Some("correct the database's name in the URL"),
        (1054 | 1146, _) => Some("is this MogileFS's database?"),
        // Blocked after too many errors; not from this host; locked; password expired.
        (1129 | 1130 | 1820 | 1862 | 3118 | 4151, _) => Some("ask the database's administrator"),
        (_, "28") => Some("correct user and password in the URL"),
        (_, "25" | "42") => Some("see the server's reference"),
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

    #[test]
    fn a_broken_connection_passes_and_a_handshake_that_fails_does_not() {
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::TimedOut] {
            let trouble = Trouble::from(Error::Io(kind.into()));
            assert!(matches!(trouble, Trouble::Passing(_)), "{trouble:?}");
        }
        let trouble = Trouble::from(Error::Io(ErrorKind::InvalidData.into()));
        assert!(matches!(&trouble, Trouble::Refusal(why) if why.contains("ssl-mode=disabled")));
        let trouble = Trouble::from(Error::Protocol("unknown packet".to_owned()));
        assert!(matches!(trouble, Trouble::Nonsense(_)), "{trouble:?}");
    }
}
