-- Inserts deliveries and returns the number of each by its place, counted from 1. The server plans it once per
-- connection, also behind PgBouncer. A row is returned only if both of its parts were stored: a trigger or rule of the
-- database could drop one; and not in an unlogged table, which a crash empties. None is stored if the server does not
-- wait for its disk: settings may change while a connection is open, and behind PgBouncer every transaction may have
-- another connection.
--
-- $1 inbox, $2 listener, $3 places of $4 names, $27 places of $28 apps that answer a delivery themselves and get it no
-- other way, $29 forwarding group, and all others: columns of the deliveries.
CREATE OR REPLACE FUNCTION whtool.record(
    text, text, bigint[], text[],
    timestamptz[], text[], text[], text[], text[], boolean[], text[], text[], text[], text[], text[], text[], text[],
    int[], bigint[], bigint[], bigint[], bytea[], text[], text[], bytea[], bytea[],
    bigint[], text[], text
) RETURNS TABLE (place bigint, seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH input AS MATERIALIZED (
        SELECT nextval('whtool.capture_seq') AS seq, u.*
        FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
            $25, $26) WITH ORDINALITY AS u(arrived, peer, provider, verdict, secret, is_test, kind, event_id,
            subject, status, minor, currency, key, answered, size, head_bytes, body_bytes, body_hash, method,
            target, headers, body, place)
        WHERE current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on'
            AND current_setting('full_page_writes') = 'on'
    ), summary AS (
        INSERT INTO whtool.deliveries (seq, arrived, inbox, listener, peer, provider, verdict, secret, is_test, kind,
            event_id, subject, status, minor, currency, key, answered, size, head_bytes, body_bytes, body_hash)
        SELECT seq, arrived, $1, $2, peer, provider, verdict, secret, is_test, kind, event_id, subject, status,
            minor::numeric, currency, key, answered, size, head_bytes, body_bytes, body_hash
        FROM input RETURNING seq, tableoid
    ), content AS (
        INSERT INTO whtool.contents (inbox, seq, arrived, method, target, headers, body)
        SELECT $1, seq, arrived, method, target, headers, body FROM input RETURNING seq, tableoid
    ), named AS (
        INSERT INTO whtool.names (inbox, name, seq, arrived)
        SELECT $1, n.name, input.seq, input.arrived
        FROM unnest($3, $4) AS n(place, name) JOIN input USING (place)
    ), passed AS (
        INSERT INTO whtool.forwards (inbox, seq, arrived, grp, url, object, due, state)
        SELECT $1, input.seq, input.arrived, $29, p.url,
            left(coalesce(input.subject, input.event_id, input.seq::text), 128), now(), 'done'
        FROM unnest($27, $28) AS p(place, url) JOIN input USING (place)
    ), space AS (
        INSERT INTO whtool.unverified_space AS s (inbox, listener, head_bytes, body_bytes)
        SELECT $1, $2, sum(head_bytes), sum(body_bytes) FROM input HAVING sum(head_bytes) > 0
        ON CONFLICT (inbox, listener) DO UPDATE
        SET head_bytes = s.head_bytes + excluded.head_bytes, body_bytes = s.body_bytes + excluded.body_bytes
    )
    SELECT input.place, input.seq FROM input JOIN summary USING (seq) JOIN content USING (seq)
    WHERE NOT EXISTS (
        SELECT FROM (SELECT tableoid FROM summary UNION SELECT tableoid FROM content) AS parts
        WHERE (SELECT relpersistence FROM pg_class WHERE oid = parts.tableoid) <> 'p'
    );
END $$;
