//! Measures the store, and finds what its administrator should know.

use super::params::Params;
use super::rows::Columns;
use super::schema;
use super::session::PostgresSession;
use crate::model::error::Result;
use crate::model::stored::{StoreFact, StoreHealth};
use crate::model::timestamp::{SignedDuration, Timestamp};

/// Size of all tables with their indexes, in bytes.
const SIZE: &str = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c \
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'whtool' AND c.relkind = 'r'";

const SERVER: &str = "SELECT current_setting('server_version'), \
    coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false), \
    coalesce(inet_client_addr() << '127.0.0.0/8'::inet OR inet_client_addr() = '::1'::inet, true), \
    pg_is_in_recovery(), current_user::text";

/// Settings without which a commit is not on the disk.
const DURABILITY: &str = "SELECT name FROM pg_settings \
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off' ORDER BY name";

/// Months that have partitions: the number, the first and the last.
const MONTHS: &str = "SELECT count(*), min(m.month), max(m.month), coalesce(max(m.month) >= to_char(now() AT TIME ZONE 'UTC', \
    'YYYY-MM'), false) FROM (SELECT replace(substr(c.relname, 12), '_', '-') AS month FROM pg_inherits i \
    JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'whtool.deliveries'::regclass \
    AND c.relname ~ '^deliveries_\\d{4}_\\d\\d$') AS m";

/// Deliveries that no month has. Those of 1970 have no time, and stay.
const STRAYS: &str = "SELECT count(*) FROM whtool.deliveries_default WHERE arrived >= '2000-01-01Z'";

const ROLES: &str = "SELECT count(*) FROM pg_roles WHERE rolname IN ('whtool_read', 'whtool_write')";

const ROLE: &str = "SELECT CASE WHEN has_table_privilege('whtool.deliveries', 'INSERT') THEN 'may write' \
    WHEN has_table_privilege('whtool.contents', 'SELECT') THEN 'may only read' ELSE 'may not read' END";

impl PostgresSession {
    pub(super) async fn check_health(&self) -> Result<StoreHealth> {
        let none = Params::default();
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let sql = format!("SELECT count(*) FROM whtool.deliveries WHERE inbox = {inbox}");
        let deliveries: i64 = self.read_one(&sql, &params).await?.unwrap_or_default();
        let bytes: i64 = self.read_one(SIZE, &none).await?.unwrap_or_default();
        let mut facts = self.server_facts().await?;
        facts.extend(self.table_facts().await?);
        facts.extend(self.queue_facts().await?);
        Ok(StoreHealth { deliveries: deliveries.unsigned_abs(), bytes: bytes.unsigned_abs(), damage: None, facts })
    }

    async fn server_facts(&self) -> Result<Vec<StoreFact>> {
        let none = Params::default();
        let mut facts = Vec::new();
        if let Some(row) = self.query(SERVER, &none).await?.first() {
            let mut row = Columns::new(row);
            let (version, is_encrypted, is_local) = (row.read_text()?, row.read()?, row.read()?);
            let (is_standby, user) = (row.read()?, row.read_text()?);
            let tls = match (is_encrypted, is_local) {
                (true, _) => format!("TLS, sslmode {}", self.tls_mode()),
                (false, true) => "no TLS, on this machine".to_owned(),
                (false, false) => "no TLS".to_owned(),
            };
            let fact = StoreFact::good("server", format!("PostgreSQL {version}, {tls}"));
            facts.push(match (is_encrypted, is_local, is_standby) {
                (false, false, _) => fact.into_problem("add sslmode=verify-full to the URL: captures hold tokens"),
                (_, _, true) => StoreFact::good("server", format!("PostgreSQL {version}, {tls}, a read-only standby"))
                    .into_problem("name the primary server in the URL, or add target_session_attrs=read-write"),
                _ => fact,
            });
            let role: Option<String> = self.read_one(ROLE, &none).await?;
            facts.push(StoreFact::good("user", format!("{user} {}", role.unwrap_or_default())));
            let roles = self.read_one::<i64>(ROLES, &none).await?;
            if roles < Some(2) {
                let message = "whtool_read and whtool_write do not exist: only the owner can use the store";
                facts.push(StoreFact::good("roles", message));
            }
        }
        let names = self.query(DURABILITY, &none).await?;
        let names = names.iter().map(|row| Columns::new(row).read_text()).collect::<Result<Vec<_>>>()?;
        facts.push(if names.is_empty() {
            StoreFact::good("durability", "fsync and synchronous_commit are on")
        } else {
            let off = format!("off: {}", names.join(", "));
            StoreFact::good("durability", off).into_problem("switch them on: `whtool listen` refuses to start without")
        });
        Ok(facts)
    }

    async fn table_facts(&self) -> Result<Vec<StoreFact>> {
        let none = Params::default();
        let mut facts = Vec::new();
        if let Some(found) = schema::find_version(self).await? {
            let version = format!("version {found}");
            let is_own = found == schema::CURRENT;
            facts.push(if is_own {
                StoreFact::good("tables", version)
            } else {
                let both = format!("{version}; this whtool has version {}", schema::CURRENT);
                StoreFact::good("tables", both).into_problem("update whtool, or run `whtool store migrate`")
            });
        }
        if let Some(row) = self.query(MONTHS, &none).await?.first() {
            let mut row = Columns::new(row);
            let (count, first) = (row.read_count()?, row.read_text_if_any()?);
            let (last, has_present) = (row.read_text_if_any()?, row.read()?);
            let range = first.zip(last).map(|(first, last)| format!(", {first} to {last}")).unwrap_or_default();
            let unit = if count == 1 { "month" } else { "months" };
            let fact = StoreFact::good("partitions", format!("{count} {unit}{range}"));
            let advice = "the present month is missing: `whtool store migrate` adds it";
            facts.push(if has_present { fact } else { fact.into_problem(advice) });
        }
        let strays = self.read_one::<i64>(STRAYS, &none).await?.unwrap_or_default();
        if strays > 0 {
            let message =
                if strays == 1 { "1 delivery is in no month" } else { &format!("{strays} deliveries are in no month") };
            facts.push(
                StoreFact::good("partitions", message)
                    .into_problem("`whtool store migrate` moves them into their months"),
            );
        }
        Ok(facts)
    }

    /// Returns what each group still has to forward.
    async fn queue_facts(&self) -> Result<Vec<StoreFact>> {
        let mut params = Params::default();
        let inbox = params.add_text(self.inbox());
        let sql = format!(
            "SELECT g.name, count(f.id), now(), min(f.arrived) FROM whtool.groups g \
             LEFT JOIN whtool.forwards f ON (f.inbox, f.grp, f.url) = (g.inbox, g.name, g.url) AND f.state = 'pending' \
             WHERE g.inbox = {inbox} GROUP BY g.name ORDER BY g.name"
        );
        let fact = |mut row: Columns<'_>| {
            let (group, pending) = (row.read_text()?, row.read_count()?);
            let (now, oldest): (Timestamp, Option<Timestamp>) = (row.read()?, row.read()?);
            let age = oldest.map(|oldest| format!(", the oldest from {} ago", age_text(now.duration_since(oldest))));
            let message = format!("{group}: {pending} to forward{}", age.unwrap_or_default());
            Ok(StoreFact::good("group", message))
        };
        self.query(&sql, &params).await?.iter().map(Columns::new).map(fact).collect()
    }
}

/// Formats an age in its largest unit.
fn age_text(age: SignedDuration) -> String {
    match age.as_secs() {
        seconds @ ..120 => format!("{} s", seconds.max(0)),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}
