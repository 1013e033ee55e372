//! The URL of a database, with the login for it.

use std::fmt;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use url::Url;

/// A URL `mysql://user:password@host:port/database`. Its texts for logs and errors have neither
/// user nor password.
#[derive(Clone)]
pub struct DatabaseUrl {
    options: MySqlConnectOptions,
    name: String,
}

/// The error for a setting that is no [`DatabaseUrl`]. It repeats no part of the setting, since any
/// part may belong to a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{why}; expected `mysql://user:password@host:port/database`, with each of `%` `/` `?` `#` `@` \
     `:` in user or password as %25 %2F %3F %23 %40 %3A"
)]
pub struct DatabaseUrlError {
    why: &'static str,
}

impl DatabaseUrl {
    /// The options with which sqlx connects, login included.
    pub(super) const fn options(&self) -> &MySqlConnectOptions {
        &self.options
    }

    /// Host, port and database as `host:port/database`, without the login.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.name).finish()
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        let no = |why| DatabaseUrlError { why };
        let url = Url::parse(text.trim()).map_err(|_| no("it is not a URL"))?;
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(no("it does not begin with mysql://"));
        }
        // A `/`, `?` or `#` in a password that is not encoded ends the host too early. The parser
        // would take the rest of the password for host, port and database, and errors would show
        // it.
        let ends_early = [Some(url.path()), url.query(), url.fragment()];
        if ends_early.into_iter().flatten().any(|part| part.contains('@')) {
            return Err(no("an `@` stands where the database's name should"));
        }
        if url.username().is_empty() {
            return Err(no("it names no user"));
        }
        let database = url.path().trim_start_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err(no("it does not name one database"));
        }
        if url.fragment().is_some() {
            return Err(no("it has a `#`"));
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(no("it names no host"));
        };
        let options = MySqlConnectOptions::from_url(&url)
            .map_err(|_| no("a part of it is not UTF-8, or its options are unknown"))?;
        let name = format!("{host}:{}/{database}", options.get_port());
        // Only a URL has an IPv6 address in brackets.
        let address = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self { options: options.host(address).disable_statement_logging(), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_where_and_never_who() {
        for (text, name) in [
            ("mysql://ann:s3cret@db/mogile", "db:3306/mogile"),
            ("mysql://ann:s3cret@10.0.0.7:3307/mogile?ssl-mode=disabled", "10.0.0.7:3307/mogile"),
            (" mariadb://ann@db/mogile\n", "db:3306/mogile"),
            ("mysql://ann:s3c@ret@db/mogile", "db:3306/mogile"),
            ("mysql://ann:s3cret%2F%23@[::1]/mogile", "[::1]:3306/mogile"),
        ] {
            let url: DatabaseUrl = text.parse().expect("valid");
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl(\"{name}\")"), "{text}");
            assert!(!url.options().get_host().starts_with('['));
        }
    }

    #[test]
    fn what_is_no_url_is_refused_without_a_word_of_it() {
        for text in [
            "",
            "s3cret",
            "ann:s3cret@db/mogile",
            "postgres://ann:s3cret@db/mogile",
            "mysql://db/mogile",
            "mysql://ann:s3cret@db",
            "mysql://ann:s3cret@db/",
            "mysql://ann:s3cret@db/one/two",
            "mysql://ann:s3cret@db:port/mogile",
            "mysql://ann:s3cret@/mogile",
            "mysql://ann:s3cret@db/mogile?ssl-mode=s3cret",
            "mysql://ann:%ff-s3cret@db/mogile",
            // These passwords are not encoded.
            "mysql://ann:12/s3cret@db/mogile",
            "mysql://ann:12?s3cret@db/mogile",
            "mysql://ann:12#s3cret@db/mogile",
            "mysql://ann:a@s3cret/12@db/mogile",
            "mysql://ann:a@12/s3cret#@db/mogile",
            "mysql://ann:a@12/s3cret?@db/mogile",
        ] {
            let error = text.parse::<DatabaseUrl>().expect_err(text);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("12"), "{text}: {shown}");
        }
    }
}
