-- whtool's store in PostgreSQL.
--
-- Text columns hold text as src/edge/store/postgres/text.rs encodes it: U+0000 as U+0001 '0', and U+0001 as
-- U+0001 '1'. Their collation is "C": indexes do not depend on the locales of the server. No index has a text that
-- an outsider can make long: names.name and forwards.object are cut to 128 characters.
--
-- The tables with the data of deliveries are partitioned by the month of arrival, in UTC, so that pruning drops whole
-- months. Each has the key of a delivery: (inbox, seq, arrived). Times are microseconds; a delivery without one has 1970.
CREATE SCHEMA whtool;

CREATE TABLE whtool.meta (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- whtool of another version does not touch it; of another revision, it only reads.
    version int NOT NULL,
    revision int NOT NULL,
    -- pg_control_system() of the server that txid of the rows after restored_seq comes from.
    system_identifier bigint NOT NULL,
    -- Rows up to this one came from another server: they are visible to followers, in the order of seq, before all
    -- later ones. 0: none.
    restored_seq bigint NOT NULL DEFAULT 0
);

-- Numbers of captures of all inboxes. (After `store copy` two inboxes may have one number: always give the inbox, too.) A writer may take several at once:
--   SELECT nextval('whtool.capture_seq') FROM generate_series(1, $1)
CREATE SEQUENCE whtool.capture_seq AS bigint;
CREATE SEQUENCE whtool.attempt_id AS bigint;
CREATE SEQUENCE whtool.forward_id AS bigint;

CREATE TABLE whtool.deliveries (
    seq bigint NOT NULL DEFAULT nextval('whtool.capture_seq'),
    arrived timestamptz NOT NULL,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    inbox text COLLATE "C" NOT NULL,
    -- The program that received it: user@host:port
    listener text COLLATE "C",
    peer text COLLATE "C",
    provider text COLLATE "C",
    verdict text COLLATE "C" NOT NULL,
    secret text COLLATE "C",
    is_test boolean NOT NULL DEFAULT false,
    kind text COLLATE "C",
    event_id text COLLATE "C",
    subject text COLLATE "C",
    status text COLLATE "C",
    -- Minor units, an i128: pass it as text and cast ($1::text::numeric, minor::text).
    minor numeric,
    currency text COLLATE "C",
    -- Deliveries with the same key are duplicates of one event.
    key text COLLATE "C",
    -- Our answer's status; 0 while it is not answered.
    answered int NOT NULL,
    -- Worst of the last answers of each (grp, url); 0: no answer. NULL: not asked.
    app int,
    size bigint NOT NULL,
    -- Space of an unverified capture, see unverified_space; 0 for verified ones.
    head_bytes bigint NOT NULL DEFAULT 0,
    body_bytes bigint NOT NULL DEFAULT 0,
    -- SHA-256 of a body that is not kept.
    body_hash bytea,
    PRIMARY KEY (inbox, seq, arrived)
) PARTITION BY RANGE (arrived);
-- For followers, which look for txid that their last snapshot did not contain. txid 0: copied from another store,
-- old for every follower and group.
CREATE INDEX deliveries_txid ON whtool.deliveries (inbox, txid);
CREATE INDEX deliveries_arrived ON whtool.deliveries USING brin (arrived) WITH (pages_per_range = 32);
CREATE INDEX deliveries_failed ON whtool.deliveries (inbox, seq)
    WHERE verdict <> 'verified' OR answered < 200 OR answered > 299 OR app < 200 OR app > 299;
CREATE INDEX deliveries_unverified ON whtool.deliveries (inbox, seq) WHERE head_bytes > 0;
CREATE INDEX deliveries_unverified_body ON whtool.deliveries (inbox, seq) WHERE body_bytes > 0;

CREATE TABLE whtool.contents (
    inbox text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    arrived timestamptz NOT NULL,
    method text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (inbox, seq, arrived)
) PARTITION BY RANGE (arrived);

-- One row for the event id, one for the subject if it differs.
CREATE TABLE whtool.names (
    inbox text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    arrived timestamptz NOT NULL
) PARTITION BY RANGE (arrived);
CREATE INDEX names_name ON whtool.names (inbox, name, seq);

CREATE TABLE whtool.attempts (
    inbox text COLLATE "C" NOT NULL,
    id bigint NOT NULL DEFAULT nextval('whtool.attempt_id'),
    seq bigint NOT NULL,
    arrived timestamptz NOT NULL,
    at timestamptz NOT NULL,
    -- Name of the forwarding group; '' for `replay` and the app of --passthrough.
    grp text COLLATE "C" NOT NULL DEFAULT '',
    url text COLLATE "C" NOT NULL,
    -- Microseconds.
    took bigint NOT NULL,
    -- 0: no answer.
    status int NOT NULL,
    said bytea NOT NULL,
    failure text COLLATE "C",
    PRIMARY KEY (inbox, seq, id, arrived)
) PARTITION BY RANGE (arrived);

-- Forwarding groups of an inbox, and how far their deliveries are queued. `cursor` is the text of a follower's cursor.
CREATE TABLE whtool.groups (
    inbox text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    cursor text COLLATE "C" NOT NULL,
    PRIMARY KEY (inbox, name, url)
);

CREATE TABLE whtool.forwards (
    id bigint NOT NULL DEFAULT nextval('whtool.forward_id'),
    inbox text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    arrived timestamptz NOT NULL,
    grp text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    -- Subject, event id or seq, at most 128 characters (text::prefix): only compared for equality.
    object text COLLATE "C" NOT NULL,
    tries int NOT NULL DEFAULT 0,
    -- 'infinity': parked, waits for an earlier one about the same object.
    due timestamptz NOT NULL,
    -- pending, done, refused, given up
    state text COLLATE "C" NOT NULL DEFAULT 'pending',
    -- The process that sends it, until `lease`.
    holder text COLLATE "C",
    lease timestamptz,
    PRIMARY KEY (inbox, seq, grp, url, arrived)
) PARTITION BY RANGE (arrived);
CREATE INDEX forwards_due ON whtool.forwards (inbox, grp, url, due, id) WHERE state = 'pending';
CREATE INDEX forwards_given_up ON whtool.forwards (inbox, grp, url) WHERE state = 'given up';
CREATE INDEX forwards_object ON whtool.forwards (inbox, grp, url, object, id) WHERE state = 'pending';

-- Space of unverified captures: the sum over the rows of an inbox. Each writer changes only its own row (its
-- number may be negative if it evicts what others stored), so that writers never wait for each other.
-- Whoever removes or strips an unverified capture subtracts in the same transaction; pruning has the row 'prune'.
CREATE TABLE whtool.unverified_space (
    inbox text COLLATE "C" NOT NULL,
    listener text COLLATE "C" NOT NULL,
    head_bytes bigint NOT NULL,
    body_bytes bigint NOT NULL,
    PRIMARY KEY (inbox, listener)
);

CREATE TABLE whtool.watch_state (
    inbox text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (inbox, kind, key)
);

-- lz4 needs a server that is compiled with it.
DO $$ BEGIN
    ALTER TABLE whtool.contents ALTER COLUMN body SET COMPRESSION lz4;
    ALTER TABLE whtool.contents ALTER COLUMN headers SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$;

-- What no month has yet. `whtool doctor` reports rows here.
CREATE TABLE whtool.deliveries_default PARTITION OF whtool.deliveries DEFAULT;
CREATE TABLE whtool.contents_default PARTITION OF whtool.contents DEFAULT;
CREATE TABLE whtool.names_default PARTITION OF whtool.names DEFAULT;
CREATE TABLE whtool.attempts_default PARTITION OF whtool.attempts DEFAULT;
CREATE TABLE whtool.forwards_default PARTITION OF whtool.forwards DEFAULT;

-- Makes the partitions of the month of `day`: whtool.deliveries_2026_11 and so on. Returns true if it made them.
-- Rows of that month in the DEFAULT partitions are moved. Writers call it at their start and once a day for the
-- present month and the next two:  SELECT whtool.add_month(now() + n * interval '1 month')
CREATE FUNCTION whtool.add_month(day timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first timestamp := date_trunc('month', day AT TIME ZONE 'UTC');
    low timestamptz := first AT TIME ZONE 'UTC';
    high timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
    part text;
    parent text;
    is_new boolean := false;
BEGIN
    IF first < timestamp '2000-01-01' OR first >= timestamp '3000-01-01' THEN RETURN false; END IF;
    IF to_regclass('whtool.deliveries_' || to_char(first, 'YYYY_MM')) IS NOT NULL THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(2003334193, 2);
    FOREACH parent IN ARRAY ARRAY['contents', 'names', 'attempts', 'forwards', 'deliveries'] LOOP
        part := parent || '_' || to_char(first, 'YYYY_MM');
        CONTINUE WHEN to_regclass('whtool.' || part) IS NOT NULL;
        EXECUTE format('CREATE TABLE whtool.%I (LIKE whtool.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
            'INCLUDING STORAGE INCLUDING COMPRESSION) WITH (fillfactor = %s)',
            part, parent, CASE parent WHEN 'deliveries' THEN 85 WHEN 'forwards' THEN 70 ELSE 100 END);
        EXECUTE format('WITH moved AS (DELETE FROM whtool.%I WHERE arrived >= %L AND arrived < %L RETURNING *) '
            'INSERT INTO whtool.%I SELECT * FROM moved', parent || '_default', low, high, part);
        EXECUTE format('ALTER TABLE whtool.%I ATTACH PARTITION whtool.%I FOR VALUES FROM (%L) TO (%L)',
            parent, part, low, high);
        is_new := true;
    END LOOP;
    RETURN is_new;
END $$;
REVOKE ALL ON FUNCTION whtool.add_month FROM PUBLIC;

-- Drops the partitions of a month that is over if all its deliveries belong to the inbox and, unless `undelivered`,
-- none is still to be forwarded. Returns their number. NULL: nothing was dropped. -1: a lock could not be had within half
-- a second, which is less than deadlock_timeout, so that a listener never has to give way.
CREATE FUNCTION whtool.drop_month(month date, own text, undelivered boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    suffix text := to_char(month, 'YYYY_MM');
    parents text[] := ARRAY['deliveries', 'contents', 'names', 'attempts', 'forwards'];
    parent text;
    must_stay boolean;
    removed bigint;
BEGIN
    IF (month + interval '1 month') AT TIME ZONE 'UTC' > now()
        OR to_regclass('whtool.deliveries_' || suffix) IS NULL THEN
        RETURN NULL;
    END IF;
    -- Looked at twice: before the locks, which make everybody wait, and under them.
    FOR round IN 1..2 LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM whtool.%1$I WHERE inbox < $1) OR EXISTS (SELECT FROM whtool.%1$I '
            'WHERE inbox > $1) OR (NOT $2 AND EXISTS (SELECT FROM whtool.%2$I WHERE state = ''pending''))',
            'deliveries_' || suffix, 'forwards_' || suffix) INTO must_stay USING own, undelivered;
        IF must_stay THEN RETURN NULL; END IF;
        EXIT WHEN round = 2;
        PERFORM pg_advisory_xact_lock(2003334193, 2);
        LOCK TABLE ONLY whtool.deliveries, ONLY whtool.contents, ONLY whtool.names, ONLY whtool.attempts,
            ONLY whtool.forwards IN ACCESS EXCLUSIVE MODE;
    END LOOP;
    EXECUTE format('INSERT INTO whtool.unverified_space AS s (inbox, listener, head_bytes, body_bytes) '
        'SELECT $1, ''prune'', -sum(head_bytes), -sum(body_bytes) FROM whtool.%I WHERE head_bytes > 0 '
        'HAVING count(*) > 0 ON CONFLICT (inbox, listener) DO UPDATE SET '
        'head_bytes = s.head_bytes + excluded.head_bytes, body_bytes = s.body_bytes + excluded.body_bytes',
        'deliveries_' || suffix) USING own;
    EXECUTE format('SELECT count(*) FROM whtool.%I', 'deliveries_' || suffix) INTO removed;
    FOREACH parent IN ARRAY parents LOOP
        EXECUTE format('DROP TABLE whtool.%I', parent || '_' || suffix);
    END LOOP;
    RETURN removed;
EXCEPTION WHEN lock_not_available THEN
    RETURN -1;
END $$;
REVOKE ALL ON FUNCTION whtool.drop_month FROM PUBLIC;
