//! Sources of a list of orders: a file, standard input, a command, or a query of a database.

use super::session::cannot_read;
use super::values::parse_duration;
use crate::command::Session;
use crate::model::error::{Error, Result};
use crate::model::sanitize::truncate;
use crate::model::timestamp::SignedDuration;
use crate::world::{Database, DatabaseQuery, PostgresUrl, StreamedCommand};
use clap::Args;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// First bytes of every SQLite database.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Longest command or query that is quoted, in columns.
const QUOTED: usize = 80;

/// Number of tables that an error names.
const NAMED_TABLES: usize = 20;

const HEADING: &str = "Commands and databases";

/// Flags for lists that are not files.
#[derive(Args, Clone)]
pub(in crate::command) struct ListSourceArgs {
    /// Read orders from the output of a command, such as a database client. The run ends without
    /// any result if the command fails
    #[arg(long, value_name = "COMMAND", group = "list", conflicts_with = "query", help_heading = HEADING)]
    from_command: Option<String>,
    /// Read orders from the database in --from with this SELECT; `@FILE` reads it from a file
    #[arg(long, value_name = "SQL", requires = "from", help_heading = HEADING)]
    query: Option<String>,
    /// Maximum run time of --from-command or --query
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration, help_heading = HEADING)]
    command_timeout: SignedDuration,
}

/// A list of orders that was not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::command) enum ListSource {
    /// A file; `-` is standard input.
    File(PathBuf),
    Command(String),
    Query(Database, String),
}

impl ListSourceArgs {
    /// Finds out where the list comes from. `None`: no list was named.
    pub(in crate::command) fn source(&self, from: Option<&Path>, session: &Session<'_>) -> Result<Option<ListSource>> {
        if let Some(command) = &self.from_command {
            if command.trim().is_empty() {
                return Err(Error::usage("--from-command is empty"));
            }
            return Ok(Some(ListSource::Command(command.clone())));
        }
        let Some(from) = from else { return Ok(None) };
        let database = find_database(from, session)?;
        Ok(Some(match (database, &self.query) {
            (Some(database), Some(query)) => ListSource::Query(database, read_query(query, session)?),
            (Some(_), None) => {
                return Err(Error::usage("--from names a PostgreSQL database, but there is no query")
                    .hint("add --query 'SELECT payment_id, status, amount, currency FROM orders'"));
            }
            (None, Some(_)) if from == Path::new("-") => {
                return Err(Error::usage("--query needs a database, but --from is standard input"));
            }
            (None, Some(query)) => ListSource::Query(Database::Sqlite(from.to_owned()), read_query(query, session)?),
            (None, None) => ListSource::File(from.to_owned()),
        }))
    }

    /// Copies the whole list. If it fails, rows may be missing from what was copied.
    pub(in crate::command) fn copy(
        &self,
        source: &ListSource,
        hidden_variables: Vec<&str>,
        session: &Session<'_>,
        output: &mut dyn Write,
    ) -> Result<()> {
        let timeout = self.command_timeout.unsigned_abs();
        match source {
            ListSource::File(path) => copy_file(path, session, output),
            ListSource::Command(command) => {
                let options = StreamedCommand { command, timeout, hidden_variables };
                for line in session.world.stream_command(&options, output)? {
                    session.warn(&format!("`{}` printed: {line}", truncate(command, QUOTED)));
                }
                Ok(())
            }
            ListSource::Query(database, sql) => session.world.query(&DatabaseQuery { database, sql, timeout }, output),
        }
    }
}

impl fmt::Display for ListSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Command(command) => write!(out, "the output of `{}`", truncate(command, QUOTED)),
            Self::Query(..) => out.write_str("the rows of --query"),
        }
    }
}

/// Recognizes the URL of a database, or of something else that is no file.
fn find_database(from: &Path, session: &Session<'_>) -> Result<Option<Database>> {
    let Some(text) = from.to_str() else { return Ok(None) };
    if let Some(name) = text.strip_prefix("env:") {
        let value = session.world.env_var(name);
        let value = value.ok_or_else(|| Error::usage(format!("the variable {name} in --from is not set")))?;
        let url = PostgresUrl::new(&value);
        let url = url.ok_or_else(|| other_scheme(&value).with_message(format!("{name} is not a URL of PostgreSQL")))?;
        return Ok(Some(Database::Postgres(url)));
    }
    match PostgresUrl::new(text) {
        Some(url) => {
            if url.has_password() {
                session.warn(
                    "every user of this machine can see the password in --from: put the URL into a variable and \
                     use --from env:NAME, or set PGPASSWORD or PGPASSFILE",
                );
            }
            Ok(Some(Database::Postgres(url)))
        }
        None if text.contains("://") => Err(other_scheme(text)),
        None => Ok(None),
    }
}

/// Says what to use in place of a URL that can't be read.
fn other_scheme(url: &str) -> Error {
    let scheme = url.split("://").next().unwrap_or_default().split('+').next().unwrap_or_default();
    let error = Error::usage(format!("--from can't read URLs of {}", truncate(scheme, 20)));
    match scheme {
        "mysql" | "mariadb" => error.hint("use the client: --from-command 'mysql -B -e \"SELECT …\" shop'"),
        "sqlserver" | "mssql" => error.hint("use the client: --from-command 'sqlcmd -s, -W -Q \"SELECT …\"'"),
        "http" | "https" => error.hint("use --from-command 'curl -fsS URL'"),
        "sqlite" | "file" => error.hint("use the path of the file"),
        _ => error.hint("name a file or a postgres:// URL, or use the client of the database with --from-command"),
    }
}

fn read_query(query: &str, session: &Session<'_>) -> Result<String> {
    let text = match query.strip_prefix('@') {
        None => query.to_owned(),
        Some(path) => String::from_utf8(session.read(Path::new(path))?)
            .map_err(|_| Error::failed(format!("the query in {path} is not UTF-8")))?,
    };
    let text = text.trim().trim_end_matches(';').trim_end();
    if text.is_empty() { Err(Error::usage("--query is empty")) } else { Ok(text.to_owned()) }
}

fn copy_file(path: &Path, session: &Session<'_>, output: &mut dyn Write) -> Result<()> {
    let (mut input, mut buffer, mut is_start) = (session.open(path)?, vec![0; 64 * 1024], true);
    loop {
        let length = match input.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(cannot_read(path, error)),
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut is_start) && bytes.starts_with(SQLITE) {
            return Err(is_database(path, session));
        }
        output.write_all(bytes).map_err(|error| Error::failed("can't save the list").because(error))?;
    }
}

/// Names the flag for an SQLite database, and its tables.
fn is_database(path: &Path, session: &Session<'_>) -> Error {
    let error = Error::usage(format!("{} is an SQLite database", path.display()));
    let hint = "add --query 'SELECT payment_id, status, amount, currency FROM orders'";
    match session.world.sqlite_tables(path) {
        Ok(Some(tables)) if !tables.is_empty() => {
            let more = if tables.len() > NAMED_TABLES { ", …" } else { "" };
            let names: Vec<_> = tables.iter().take(NAMED_TABLES).map(|name| truncate(name, 40)).collect();
            error.because(format!("its tables and views: {}{more}", names.join(", "))).hint(hint)
        }
        _ => error.hint(hint),
    }
}
