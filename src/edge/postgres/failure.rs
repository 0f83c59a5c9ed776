//! Errors of PostgreSQL in words.

use super::super::sender::failure::{connect_failure, root_cause};
use super::endpoint::Endpoint;
use crate::model::error::Error;
use crate::model::exchange::SendFailure;
use crate::model::sanitize::truncate;
use crate::model::target_fault::TargetFault;
use std::error::Error as StdError;
use tokio_postgres::error::{DbError, SqlState};

/// Longest text of a server that is quoted, in columns.
const QUOTED: usize = 200;

/// A failed attempt to connect.
pub(super) enum Attempt {
    /// Another server of the URL may accept the connection.
    Unreachable(Error),
    Refused(Error),
}

/// Explains why there is no connection.
pub(super) fn connect_error(endpoint: &Endpoint, error: &tokio_postgres::Error) -> Attempt {
    let place = &endpoint.place;
    let unreachable = || Error::failed(format!("can't connect to PostgreSQL at {place}"));
    let Some(answer) = error.as_db_error() else {
        return without_answer(endpoint, error);
    };
    let said = quote(answer);
    let code = answer.code();
    if [&SqlState::CANNOT_CONNECT_NOW, &SqlState::TOO_MANY_CONNECTIONS, &SqlState::ADMIN_SHUTDOWN].contains(&code) {
        return Attempt::Unreachable(unreachable().because(said));
    }
    if is_authentication(code) {
        let refused = Error::credentials(format!("PostgreSQL refused the login at {place}")).because(said);
        return Attempt::Refused(refused.hint(password_hint(endpoint)));
    }
    Attempt::Refused(unreachable().because(said))
}

fn without_answer(endpoint: &Endpoint, error: &tokio_postgres::Error) -> Attempt {
    let place = &endpoint.place;
    let cause = root_cause(error);
    if cause == "password missing" {
        let refused = Error::credentials(format!("PostgreSQL wants a password at {place}"));
        return Attempt::Refused(refused.hint(password_hint(endpoint)));
    }
    let unreachable = Error::failed(format!("can't connect to PostgreSQL at {place}"));
    if cause == "server does not support TLS" {
        return Attempt::Refused(
            unreachable
                .because("the server has no TLS")
                .hint("add sslmode=disable to the URL if the network between is trusted"),
        );
    }
    let host = place.split([':', ',']).next().unwrap_or(place);
    match connect_failure(error, host) {
        SendFailure::Misconfigured(fault) => {
            let advice = match fault {
                TargetFault::UntrustedIssuer | TargetFault::CaCertificate => {
                    "name the server's CA: sslrootcert=FILE in the URL"
                }
                TargetFault::WrongName(_) => {
                    "use the name for which it was issued; sslmode=verify-ca does not check the name"
                }
                _ => "replace the certificate of the server",
            };
            Attempt::Refused(unreachable.because(fault.to_string()).hint(advice))
        }
        SendFailure::Connect(why) => Attempt::Unreachable(unreachable.because(truncate(&why, QUOTED))),
        failure => Attempt::Unreachable(unreachable.because(truncate(&failure.to_string(), QUOTED))),
    }
}

fn is_authentication(code: &SqlState) -> bool {
    // Class 28: invalid authorization specification.
    code.code().starts_with("28")
}

fn password_hint(endpoint: &Endpoint) -> String {
    match &endpoint.ignored_file {
        Some(why) => why.clone(),
        None if endpoint.config.get_password().is_some() => "check user and password".to_owned(),
        None => "set PGPASSWORD or PGPASSFILE, or write ~/.pgpass".to_owned(),
    }
}

/// Explains why a query has failed, after this number of rows.
pub(super) fn query_error(place: &str, rows: u64, error: &tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error() else {
        let lost = Error::failed(format!("the connection to PostgreSQL was lost after {rows} rows"));
        let why = if error.is_closed() { "the server closed it".to_owned() } else { root_cause(error) };
        return lost.because(format!("{}: {place}", truncate(&why, QUOTED))).hint(NOTHING_CONCLUDED);
    };
    let code = answer.code();
    let failed = Error::failed(format!("the query failed: {place}")).because(quote(answer));
    if [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN].contains(&code) {
        let stopped = Error::failed(format!("PostgreSQL stopped after {rows} rows: {place}"));
        return stopped.because(quote(answer)).hint(NOTHING_CONCLUDED);
    }
    if *code == SqlState::QUERY_CANCELED {
        return failed.hint("see --command-timeout");
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return failed.hint("grant SELECT to this user");
    }
    if *code == SqlState::UNDEFINED_TABLE {
        return failed.hint("check the name and its schema, such as shop.orders, and the database");
    }
    failed
}

/// Explains why the store could not be read or written.
pub(in crate::edge) fn store_error(place: &str, error: &tokio_postgres::Error) -> Error {
    let Some(answer) = error.as_db_error() else {
        let why = if error.is_closed() { "the server closed it".to_owned() } else { root_cause(error) };
        let lost = Error::failed(format!("the connection to the store was lost: {place}"));
        return lost.because(truncate(&why, QUOTED)).hint("run it again");
    };
    // Without the detail, which may quote a row.
    let said = truncate(answer.message(), QUOTED);
    let failed = Error::failed(format!("can't use the store at {place}")).because(said);
    match answer.code() {
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            failed.hint("let its owner run: GRANT whtool_write TO this user, or whtool_read to read only")
        }
        code if *code == SqlState::LOCK_NOT_AVAILABLE => {
            failed.hint("another program has locked a table, as VACUUM FULL and a migration do: run it again later")
        }
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            failed.hint("name the primary server in the URL, or add target_session_attrs=read-write")
        }
        code if [SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN, SqlState::INVALID_SCHEMA_NAME]
            .contains(code) =>
        {
            failed.hint("see `whtool store status`")
        }
        _ => failed,
    }
}

const NOTHING_CONCLUDED: &str = "nothing was compared; run it again";

/// Returns true if the statement is none that a read-only cursor can run.
pub(super) fn is_no_select(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::SYNTAX_ERROR,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::INVALID_CURSOR_DEFINITION,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Quotes the message of the server, with its detail.
pub(super) fn quote(answer: &DbError) -> String {
    let detail = answer.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    truncate(&format!("{}{detail}", answer.message()), QUOTED)
}

/// Converts an error without a server's answer, such as a cell that is not UTF-8.
pub(super) fn cell_error(row: u64, column: &str, error: &dyn StdError) -> Error {
    let column = truncate(column, 40);
    Error::failed(format!("row {row} of the query has text in `{column}` that can't be read"))
        .because(truncate(&error.to_string(), QUOTED))
}
