-- What the servers' role may do in this database. Run after every migration, in one transaction;
-- each statement may be repeated. The schema `ledger` grants for itself.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO souk_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO souk_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO souk_app;
-- Tables that the admin makes later, by hand, are the servers' as well.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO souk_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO souk_app;
-- Which migrations have run is the admin's business; servers read it to see whether they are behind.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON goose_db_version, river_migration FROM souk_app;
