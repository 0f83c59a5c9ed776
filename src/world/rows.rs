//! Rows from outside: the output of a command, and queries of databases.

use crate::model::error::Result;
use crate::model::mask::{MASK, mask_secrets};
use crate::model::sanitize::escape_unsafe;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Sources of rows. If one fails, what it has written must not be used: rows may be missing.
pub trait RowSources {
    /// Runs a command in a shell and copies its standard output. It must end with status 0 within
    /// the time. Returns what it printed on standard error.
    fn stream_command(&self, command: &StreamedCommand<'_>, output: &mut dyn Write) -> Result<Vec<String>>;
    /// Runs a query that only reads. Writes its rows as CSV, first the names of the columns; a NULL
    /// is an empty cell.
    fn query(&self, query: &DatabaseQuery<'_>, output: &mut dyn Write) -> Result<()>;
    /// Lists the tables and views of an SQLite database. `None`: the file is none.
    fn sqlite_tables(&self, path: &Path) -> Result<Option<Vec<String>>>;
}

#[derive(Clone, Debug)]
pub struct StreamedCommand<'a> {
    /// Command line for the shell.
    pub command: &'a str,
    pub timeout: Duration,
    /// Variables that it does not inherit.
    pub hidden_variables: Vec<&'a str>,
}

#[derive(Clone, Debug)]
pub struct DatabaseQuery<'a> {
    pub database: &'a Database,
    /// A single statement.
    pub sql: &'a str,
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL database. It may contain a password, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Zeroizing<String>);

impl PostgresUrl {
    /// `None`: the text has another scheme.
    pub fn new(text: &str) -> Option<Self> {
        let has_scheme = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        has_scheme.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns true if the URL contains a password.
    pub fn has_password(&self) -> bool {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let in_place = place.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        in_place.is_some_and(|(_, password)| !password.is_empty())
            || parameters.split('&').any(|parameter| parameter.starts_with("password="))
    }

    /// Returns the text with its password, to connect with and never to show.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Formats it without the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, parameters) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let credentials = place.rsplit_once('@').and_then(|(credentials, host)| {
            let (scheme, credentials) = credentials.split_once("://")?;
            let (user, _) = credentials.split_once(':')?;
            Some(format!("{scheme}://{user}:{MASK}@{host}"))
        });
        let place = credentials.as_deref().unwrap_or(place);
        let separator = if parameters.is_empty() { "" } else { "?" };
        write!(out, "{}{separator}{}", escape_unsafe(place), escape_unsafe(&mask_secrets(parameters)))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_seen_wherever_it_is() {
        for (url, has_password) in [
            ("postgres://db.example/shop", false),
            ("postgres://ana@db.example/shop", false),
            ("postgres://ana:@db.example/shop", false),
            ("postgres://[::1]:5432/shop", false),
            ("postgresql:///shop?host=/run/postgresql", false),
            ("postgresql://ana:x@db.example/shop", true),
            ("postgresql://ana:p@ss@db.example/shop", true),
            ("postgres://db.example/shop?sslmode=require&password=x", true),
        ] {
            assert_eq!(PostgresUrl::new(url).unwrap().has_password(), has_password, "{url}");
        }
        assert_eq!(PostgresUrl::new("mysql://db.example/shop"), None);
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("postgres://db.example/shop?sslmode=require", "postgres://db.example/shop?sslmode=require"),
            ("postgres://ana@[::1]:5432/shop", "postgres://ana@[::1]:5432/shop"),
            ("postgresql://ana:p@s/s:w@db.example:1/shop", "postgresql://ana:***@db.example:1/shop"),
            ("postgres:///shop?user=ana&password=hunter2", "postgres:///shop?user=ana&password=***"),
        ] {
            let url = PostgresUrl::new(url).unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), format!("PostgresUrl({shown})")));
        }
    }
}
