package domaintest

// watchLocks has the database refuse whoever takes what many transactions share in another order than docs/architecture.md says: stock → the feeds of users, by their ids → the
// ledger's balances. A deadlock takes two who meet by chance; this takes one who would be one of them.
func (w *World) watchLocks() {
	w.T.Helper()
	_, err := w.Admin.Exec(w.Ctx(), lockOrder)
	w.Must(err)
}

// lockOrder keeps in settings of the transaction what it has locked. What is locked already may be written again at any time.
const lockOrder = `
CREATE FUNCTION lock_order_stock() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held text := coalesce(current_setting('lock_order.stock', true), '');
    line text := OLD.variant_id || '/' || OLD.location_id || ' ';
BEGIN
    IF position(line IN held) = 0 THEN
        IF coalesce(current_setting('lock_order.feeds', true), '') <> '' THEN
            RAISE EXCEPTION 'lock order: stock is taken after the feed of a user';
        END IF;
        PERFORM set_config('lock_order.stock', held || line, true);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lock_order BEFORE UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION lock_order_stock();

CREATE FUNCTION lock_order_feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held text := coalesce(current_setting('lock_order.feeds', true), '');
BEGIN
    IF position(NEW.user_id::text IN held) = 0 THEN
        IF NEW.user_id::text < left(right(held, 37), 36) THEN
            RAISE EXCEPTION 'lock order: the feed of a user is taken after that of one with a greater id';
        END IF;
        IF current_setting('lock_order.posted', true) = 'yes' THEN
            RAISE EXCEPTION 'lock order: the feed of a user is taken after a balance of the ledger';
        END IF;
        PERFORM set_config('lock_order.feeds', held || NEW.user_id || ' ', true);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lock_order BEFORE INSERT ON user_feed FOR EACH ROW EXECUTE FUNCTION lock_order_feed();

CREATE FUNCTION lock_order_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_order.posted', 'yes', true);
    RETURN NEW;
END $$;
CREATE TRIGGER lock_order BEFORE UPDATE ON ledger.balance FOR EACH ROW EXECUTE FUNCTION lock_order_posted();`
