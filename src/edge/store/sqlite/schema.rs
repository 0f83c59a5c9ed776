//! The tables of the store, their versions, and the steps from one version to the next.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// `wht1` in the file header marks a store of whtool.
pub(super) const APPLICATION: i64 = 0x7768_7431;

/// Schema version, stored in the file header. Older versions are upgraded, newer ones are refused.
pub(super) const VERSION: i64 = 3;

/// `contents` is apart from `deliveries`, so that lists do not read bodies. `answered` is 0 while a
/// delivery is not answered; `app` and `attempts.status` are 0 if the app gave no answer.
/// `attempts.failure` says why, and is the `Location` of an answer that redirects. Times are
/// microseconds since 1970.
const VERSION_1: &str = "
    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        arrived INTEGER NOT NULL,
        peer TEXT,
        provider TEXT,
        verdict TEXT NOT NULL,
        secret TEXT,
        is_test INTEGER NOT NULL DEFAULT 0,
        kind TEXT,
        event_id TEXT,
        subject TEXT,
        status TEXT,
        minor TEXT,
        currency TEXT,
        key TEXT,
        answered INTEGER NOT NULL,
        app INTEGER,
        size INTEGER NOT NULL
    ) STRICT;
    -- The lowest id that was never assigned. It stays when deliveries are pruned: no id names two captures.
    CREATE TABLE next_id (next INTEGER NOT NULL) STRICT;
    INSERT INTO next_id VALUES (1);
    CREATE TABLE contents (
        delivery INTEGER PRIMARY KEY,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        headers BLOB NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL,
        at INTEGER NOT NULL,
        url TEXT NOT NULL,
        took INTEGER NOT NULL,
        status INTEGER NOT NULL,
        said BLOB NOT NULL,
        failure TEXT
    ) STRICT;
    CREATE INDEX attempts_of ON attempts (delivery);
    CREATE TABLE forwards (
        id INTEGER PRIMARY KEY,
        delivery INTEGER NOT NULL,
        url TEXT NOT NULL,
        object TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        due INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
    ) STRICT;
    -- One index per state and URL, so that entries for one URL do not slow down queries for another.
    CREATE INDEX forwards_due ON forwards (url, due) WHERE state = 'pending';
    CREATE INDEX forwards_given_up ON forwards (url) WHERE state = 'given up';
    CREATE INDEX forwards_object ON forwards (object, url, id) WHERE state = 'pending';
    CREATE INDEX forwards_of ON forwards (delivery);
";

/// Counts the space of unverified captures, so that it can be limited: `head_bytes` and `body_bytes`
/// are 0 for verified ones. `body_hash` is the SHA-256 of a body that is not kept. The sums in
/// `unverified_space` are kept by triggers, whichever program changes the rows, and so is `next_id`.
const VERSION_2: &str = "
    ALTER TABLE deliveries ADD COLUMN head_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE deliveries ADD COLUMN body_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE deliveries ADD COLUMN body_hash BLOB;
    UPDATE deliveries SET
        head_bytes = 512 + coalesce((SELECT length(target) + length(headers) FROM contents WHERE delivery = id), 0),
        body_bytes = CASE WHEN size > 2048 THEN (size + 4095) / 4096 * 4096 ELSE size END
        WHERE verdict <> 'verified';
    CREATE TABLE unverified_space (head_bytes INTEGER NOT NULL, body_bytes INTEGER NOT NULL) STRICT;
    INSERT INTO unverified_space SELECT coalesce(sum(head_bytes), 0), coalesce(sum(body_bytes), 0) FROM deliveries;
    CREATE INDEX deliveries_unverified ON deliveries (id) WHERE head_bytes > 0;
    CREATE INDEX deliveries_unverified_body ON deliveries (id) WHERE body_bytes > 0;
    CREATE TRIGGER unverified_added AFTER INSERT ON deliveries WHEN new.head_bytes > 0 BEGIN
        UPDATE unverified_space
        SET head_bytes = head_bytes + new.head_bytes, body_bytes = body_bytes + new.body_bytes;
    END;
    CREATE TRIGGER unverified_changed AFTER UPDATE OF head_bytes, body_bytes ON deliveries BEGIN
        UPDATE unverified_space
        SET head_bytes = head_bytes + new.head_bytes - old.head_bytes,
            body_bytes = body_bytes + new.body_bytes - old.body_bytes;
    END;
    CREATE TRIGGER unverified_removed AFTER DELETE ON deliveries WHEN old.head_bytes > 0 BEGIN
        UPDATE unverified_space
        SET head_bytes = head_bytes - old.head_bytes, body_bytes = body_bytes - old.body_bytes;
    END;
    CREATE TRIGGER removed AFTER DELETE ON deliveries BEGIN
        UPDATE next_id SET next = old.id + 1 WHERE next <= old.id;
    END;
";

/// Summarizes captures in blocks of consecutive numbers (`summaries`), so that queries skip most of
/// them: their names, and counts by hour, verdict, provider and type, in which 0 stands for NULL. The
/// captures from `summarized.until` on are in no summary. Summaries are added while a listener is
/// idle, and triggers keep them true when captures are removed or inserted below `until`, whichever
/// program does it. Failed captures have an index, because they may be updated.
const VERSION_3: &str = "
    CREATE TABLE summarized (until INTEGER NOT NULL) STRICT;
    INSERT INTO summarized VALUES (0);
    CREATE TABLE names (
        block INTEGER NOT NULL,
        name TEXT NOT NULL,
        delivery INTEGER NOT NULL,
        PRIMARY KEY (block, name, delivery)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE counts (
        block INTEGER NOT NULL,
        hour INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        provider ANY NOT NULL,
        kind ANY NOT NULL,
        deliveries INTEGER NOT NULL,
        PRIMARY KEY (block, hour, verdict, provider, kind)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_failed ON deliveries (id)
        WHERE verdict <> 'verified' OR answered NOT BETWEEN 200 AND 299 OR app NOT BETWEEN 200 AND 299;
    CREATE TRIGGER summary_extended AFTER INSERT ON deliveries
        WHEN new.id < (SELECT until FROM summarized)
    BEGIN
        INSERT OR IGNORE INTO names SELECT new.id / 1024, substr(name, 1, 128), new.id
            FROM (SELECT new.event_id AS name UNION SELECT new.subject) WHERE name IS NOT NULL;
        INSERT INTO counts VALUES (new.id / 1024, new.arrived / 3600000000, new.verdict, coalesce(new.provider, 0),
            coalesce(new.kind, 0), 1) ON CONFLICT DO UPDATE SET deliveries = deliveries + 1;
    END;
    CREATE TRIGGER summary_reduced AFTER DELETE ON deliveries
        WHEN old.id < (SELECT until FROM summarized)
    BEGIN
        DELETE FROM names WHERE block = old.id / 1024
            AND name IN (substr(old.event_id, 1, 128), substr(old.subject, 1, 128)) AND delivery = old.id;
        UPDATE counts SET deliveries = deliveries - 1 WHERE block = old.id / 1024 AND hour = old.arrived / 3600000000
            AND verdict = old.verdict AND provider = coalesce(old.provider, 0) AND kind = coalesce(old.kind, 0);
        DELETE FROM counts WHERE block = old.id / 1024 AND hour = old.arrived / 3600000000
            AND verdict = old.verdict AND provider = coalesce(old.provider, 0) AND kind = coalesce(old.kind, 0)
            AND deliveries <= 0;
    END;
";

/// Creates the tables of a new store, or upgrades those of an older version. The version is read
/// under the lock, so that of two processes only one does it.
pub(super) fn create_or_upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    if user_version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let steps = match user_version(&transaction)? {
        0 => &[VERSION_1, VERSION_2, VERSION_3][..],
        1 => &[VERSION_2, VERSION_3],
        2 => &[VERSION_3],
        _ => &[],
    };
    steps.iter().try_for_each(|step| transaction.execute_batch(step))?;
    if !steps.is_empty() {
        mark(&transaction)?;
    }
    transaction.commit()
}

fn mark(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)
}

fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Creates a store in memory.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    create_or_upgrade(&mut connection)?;
    Ok(connection)
}
