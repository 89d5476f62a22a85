-- What the servers' role may do in this database. Run after every migration, in one transaction;
-- each statement may be repeated. The schema `ledger` grants for itself.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO souk_app;
-- Servers add and change, but delete nothing of the product: what ends is marked as ended. Events, bids and
-- what staff did or found are written once.
REVOKE DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public FROM souk_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO souk_app;
REVOKE UPDATE ON event, bid, admin_action, show_moderation, price_change, stock_movement, reservation_line, reconciliation_run, reconciliation_difference FROM souk_app;
-- Answers to idempotency keys are kept for a while only; no money hangs on them.
GRANT DELETE ON idempotency_answer TO souk_app;
-- Notices are kept for a while only, and what is in a cart until it is bought.
GRANT DELETE ON notification, cart, cart_line TO souk_app;
-- Wishes and kept searches end, and what has changed is queued until it was told.
GRANT DELETE ON wish, availability_wait, wish_change, want_change, saved_search, saved_search_change TO souk_app;
-- A file of listings is deleted once it is imported, and what became of it after a while.
GRANT DELETE ON listing_import, listing_import_part, listing_import_error TO souk_app;
-- An address is its user's to delete; what an order was sent to is a copy.
GRANT DELETE ON address TO souk_app;
-- What was issued is not due any more.
GRANT DELETE ON invoice_due TO souk_app;
-- A listing is deleted by listing_erase() alone, and takedowns are the triggers' to note.
REVOKE INSERT, UPDATE ON listing_deleted, takedown FROM souk_app;
-- A pickup point that has closed is not shown any more.
GRANT DELETE ON pickup_point TO souk_app;
-- What carriers told long ago is forgotten.
GRANT DELETE ON carrier_news TO souk_app;
-- Which photos a listing shows, and in what order, is written anew; the photos stay.
GRANT DELETE ON listing_photo TO souk_app;
-- What a listing says of its category's attributes is written anew.
GRANT DELETE ON listing_attribute TO souk_app;
-- What is on hand is written by the trigger of stock_movement alone.
REVOKE INSERT, UPDATE ON stock FROM souk_app;
GRANT INSERT (variant_id, location_id, seller_id), UPDATE (reserved, low_at) ON stock TO souk_app;
-- What was named in an offer is written by its trigger alone.
REVOKE INSERT, UPDATE ON price_offer_step FROM souk_app;
-- A code is sold, and its key rewrapped; nothing else of it changes.
REVOKE UPDATE ON code, code_batch, code_reveal, reservation_payment FROM souk_app;
GRANT UPDATE (order_id, sold_at) ON code TO souk_app;
GRANT UPDATE (key_id, wrapped_key) ON code_batch TO souk_app;
-- What was quoted, confirmed, ordered and invoiced is written once.
REVOKE UPDATE ON quote, quote_group, quote_line, quote_charge, quote_exchange, checkout, order_line, order_charge, invoice, invoice_file FROM souk_app;
-- What came back of an order is written by its function, which runs as the server.
REVOKE UPDATE ON order_restock FROM souk_app;
-- What can be found follows the listings by triggers alone.
REVOKE INSERT, UPDATE ON search_document, search_word FROM souk_app;
-- A rating is written by the trigger of review alone.
REVOKE INSERT, UPDATE ON rating FROM souk_app;
REVOKE UPDATE ON review_report FROM souk_app;
-- The job queue cleans up after itself.
DO $$
DECLARE
    queue text;
BEGIN
    FOR queue IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^river_' LOOP
        EXECUTE format('GRANT DELETE ON %I TO souk_app', queue);
    END LOOP;
END $$;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO souk_app;
-- Tables that the admin makes later, by hand, are the servers' as well.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO souk_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO souk_app;
-- Which migrations have run is the admin's business; servers read it to see whether they are behind.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON goose_db_version, river_migration FROM souk_app;
