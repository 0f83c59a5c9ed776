-- Users get access by GRANT whtool_write TO ana (listen, replay, watch, prune) or GRANT whtool_read TO eva.
-- Without the privilege to create roles, only the owner of the tables can use the store.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['whtool_read', 'whtool_write'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            EXCEPTION WHEN unique_violation OR duplicate_object THEN
                NULL; -- A store in another database of this server has made it meanwhile.
            END;
        END IF;
    END LOOP;
    GRANT USAGE ON SCHEMA whtool TO whtool_read, whtool_write;
    GRANT SELECT ON ALL TABLES IN SCHEMA whtool TO whtool_read, whtool_write;
    GRANT INSERT, UPDATE, DELETE ON whtool.deliveries, whtool.contents, whtool.names, whtool.attempts,
        whtool.forwards, whtool.groups, whtool.unverified_space, whtool.watch_state TO whtool_write;
    GRANT UPDATE ON whtool.meta TO whtool_write;
    GRANT SELECT, USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA whtool TO whtool_write;
    GRANT EXECUTE ON FUNCTION whtool.add_month, whtool.drop_month TO whtool_write;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'no roles were made: %', SQLERRM;
END $$;
