//! Checks that the server keeps what it confirms: on its disk, and not only for a while. `record.sql`
//! checks the settings again with each insert.

use super::params::Params;
use super::rows::Columns;
use super::schema;
use super::session::PostgresSession;
use crate::model::error::{Error, Result};

/// Settings that no store may have, each with its effect.
const SETTINGS: [(&str, &str); 3] = [
    ("synchronous_commit", "the server confirms a delivery before it is on the disk"),
    ("fsync", "the server does not wait for its disk"),
    ("full_page_writes", "a crash of the server can damage what it has confirmed"),
];

/// Checks that deliveries can be written, and that they are on the disk once that is confirmed.
pub(super) async fn check(session: &PostgresSession) -> Result<()> {
    schema::check_server(session).await?;
    check_writable(session).await?;
    check_settings(session).await?;
    check_tables(session).await
}

fn unfit(session: &PostgresSession) -> Error {
    Error::failed(format!("can't write to the store at {}", session.place()))
}

async fn check_writable(session: &PostgresSession) -> Result<()> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    let rows = session.query(sql, &Params::default()).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let mut row = Columns::new(row);
    let (is_standby, is_read_only): (bool, bool) = (row.read()?, row.read()?);
    if is_standby {
        let hint = "name the primary server in the URL, or all servers and target_session_attrs=read-write";
        return Err(unfit(session).because("the server is a standby, which only reads").hint(hint));
    }
    if is_read_only {
        let hint = "see default_transaction_read_only of the server, the database and the role";
        return Err(unfit(session).because("the server allows only reading").hint(hint));
    }
    Ok(())
}

async fn check_settings(session: &PostgresSession) -> Result<()> {
    let sql = "SELECT name, source FROM pg_settings WHERE setting = 'off' \
               AND name IN ('synchronous_commit', 'fsync', 'full_page_writes')";
    let rows = session.query(sql, &Params::default()).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let mut row = Columns::new(row);
    let (name, source) = (row.read_text()?, row.read_text()?);
    let effect = SETTINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, effect)| effect);
    let hint = match source.as_str() {
        "database" => format!("ALTER DATABASE NAME RESET {name}"),
        "user" => format!("ALTER ROLE NAME RESET {name}"),
        "database user" => format!("ALTER ROLE NAME IN DATABASE NAME RESET {name}"),
        "client" => format!("remove {name} from the URL"),
        _ => format!("set {name} = on in postgresql.conf and reload the server"),
    };
    Err(unfit(session).because(format!("{name} is off: {effect}")).hint(hint))
}

/// Refuses tables that a crash of the server empties.
async fn check_tables(session: &PostgresSession) -> Result<()> {
    let sql = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'whtool'::regnamespace \
               AND c.relkind = 'r' AND c.relpersistence <> 'p' ORDER BY 1 LIMIT 1";
    let rows = session.query(sql, &Params::default()).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let table = Columns::new(row).read_text()?;
    let hint = format!("ALTER TABLE whtool.{table} SET LOGGED");
    Err(unfit(session).because(format!("the table {table} is unlogged: a crash of the server empties it")).hint(hint))
}
