//! The tables of the store, their version, and the steps from one version to the next. Only
//! `whtool store init` and `whtool store migrate` run them.

use super::params::Params;
use super::rows::Columns;
use super::session::PostgresSession;
use crate::model::error::{Error, Result};
use crate::world::{MissingStore, SchemaChange};

/// Version of the tables. Another version of whtool does not use them.
const VERSION: i32 = 1;

/// Revision of the tables. A whtool of the same version and another revision only reads.
const REVISION: i32 = 0;

/// Creates everything. It also runs in psql, within one transaction.
const CREATE: &str = include_str!("schema.sql");

/// Creates the function that inserts deliveries, or replaces it.
const RECORD: &str = include_str!("record.sql");

/// Creates the groups of users and grants their privileges.
const ROLES: &str = include_str!("roles.sql");

/// Adds the partitions of this month and the next two.
pub(super) const ADD_MONTHS: &str =
    "SELECT whtool.add_month(now() + months * interval '1 month') FROM generate_series(0, 2) AS months;\n";

/// Adds the months of deliveries that are in none, which moves them there.
const MOVE_STRAYS: &str = "SELECT whtool.add_month(month) FROM (\
    SELECT DISTINCT date_trunc('month', arrived, 'UTC') AS month FROM whtool.deliveries_default) AS strays;\n";

/// Lock of the advisory locks of whtool (`wht1`) under which the tables are changed.
const LOCK: &str = "SELECT pg_advisory_xact_lock(2003334193, 1)";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    Upgrade,
}

/// Version and revision of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SchemaVersion {
    pub version: i32,
    pub revision: i32,
}

pub(super) const CURRENT: SchemaVersion = SchemaVersion { version: VERSION, revision: REVISION };

impl std::fmt::Display for SchemaVersion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.version, self.revision)
    }
}

/// Returns the statements that `whtool store init` runs in an empty database.
pub(in crate::edge) fn creation_script() -> String {
    format!("BEGIN;\n{}{ROLES}COMMIT;\n", creation())
}

/// Returns the statements that create the tables and record their version.
fn creation() -> String {
    format!(
        "{CREATE}{RECORD}
INSERT INTO whtool.meta (version, revision, system_identifier)
    SELECT {VERSION}, {REVISION}, system_identifier FROM pg_control_system();
{ADD_MONTHS}"
    )
}

/// Returns the version of the store in the database. `None`: it has none.
pub(super) async fn find_version(session: &PostgresSession) -> Result<Option<SchemaVersion>> {
    let exists = session.query("SELECT to_regclass('whtool.meta') IS NOT NULL", &Params::default()).await?;
    if !exists.first().map_or(Ok(false), |row| Columns::new(row).read())? {
        return Ok(None);
    }
    let rows = session.query("SELECT version, revision FROM whtool.meta", &Params::default()).await?;
    let read = |mut row: Columns<'_>| Ok(SchemaVersion { version: row.read()?, revision: row.read()? });
    rows.first().map(|row| read(Columns::new(row))).transpose()
}

/// Checks that this whtool may use the store.
pub(super) async fn check_version(session: &PostgresSession, access: Access) -> Result<()> {
    let Some(found) = find_version(session).await? else {
        let missing = Error::failed(format!("there is no store in the database at {}", session.place()));
        return Err(missing.hint("`whtool store init URL` creates it"));
    };
    if found == CURRENT || (access == Access::Read && found.version == VERSION) {
        return Ok(());
    }
    let is_newer = (found.version, found.revision) > (VERSION, REVISION);
    let hint = if is_newer || access == Access::Upgrade {
        "use the version of whtool that made it"
    } else {
        "`whtool store migrate URL` upgrades it"
    };
    let verb = match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Upgrade => "upgrade",
    };
    Err(Error::failed(format!("can't {verb} the store at {}", session.place()))
        .because(format!("its tables have version {found}, this whtool has version {CURRENT}"))
        .hint(hint))
}

/// Notes that the store was restored from another server, before anything is written to it: the
/// numbers of that server's transactions mean nothing here.
pub(super) async fn adopt_server(session: &PostgresSession) -> Result<()> {
    let sql = "UPDATE whtool.meta SET system_identifier = c.system_identifier, \
               restored_seq = (SELECT coalesce(max(seq), 0) FROM whtool.deliveries) \
               FROM pg_control_system() c WHERE whtool.meta.system_identifier <> c.system_identifier";
    session.query(sql, &Params::default()).await.map(drop)
}

/// Creates the tables, or upgrades those of an older version, in one transaction.
pub(super) async fn create_or_upgrade(session: &mut PostgresSession, missing: MissingStore) -> Result<SchemaChange> {
    check_server(session).await?;
    session.run(&format!("BEGIN; {LOCK}")).await?;
    let change = match find_version(session).await? {
        None if missing == MissingStore::Create => {
            session.run(&creation()).await?;
            SchemaChange::Created
        }
        _ => {
            check_version(session, Access::Upgrade).await?;
            session.run(&format!("{RECORD}{MOVE_STRAYS}{ADD_MONTHS}")).await?;
            SchemaChange::UpToDate
        }
    };
    session.run(&format!("{ROLES} COMMIT")).await?;
    Ok(change)
}

/// Checks that the server can hold a store.
pub(super) async fn check_server(session: &PostgresSession) -> Result<()> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version'), \
               current_setting('server_encoding')";
    let rows = session.query(sql, &Params::default()).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let mut row = Columns::new(row);
    let (number, version, encoding): (i32, _, _) = (row.read()?, row.read_text()?, row.read_text()?);
    let unfit = |why: String| Err(Error::failed(format!("can't keep a store at {}", session.place())).because(why));
    if number < 140_000 {
        return unfit(format!("the server is PostgreSQL {version}; whtool needs 14 or newer"));
    }
    if encoding != "UTF8" {
        return unfit(format!("the database has the encoding {encoding}; whtool needs UTF8"));
    }
    Ok(())
}
