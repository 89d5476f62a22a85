package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/pgtest"
)

// Two accounts and an entry to attack: fund posts entry 1 on account 1 (bank, recorded) and 2 (wallet).
const (
	freshEntry = `INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id)
		VALUES ('direct', sha256(''), 'hold', 'test', gen_random_uuid())`
	intoEntry = `INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance) `
)

func TestAServerCanOnlyPost(t *testing.T) {
	t.Parallel()
	aServerCanOnlyPost(t, pgtest.New(t))
}

func aServerCanOnlyPost(t reporter, database *pgtest.Database) {
	fund(t, database.Pool, 100)
	for _, statement := range []string{
		freshEntry,
		intoEntry + "VALUES (1, 1, 'EUR', -5, NULL, NULL)",
		"INSERT INTO ledger.account (kind, currency, mode) VALUES ('bank', 'USD', 'recorded')",
		"INSERT INTO ledger.account_kind VALUES ('mine', 'guarded', true, -1000000, NULL)",
		"INSERT INTO ledger.balance VALUES (1, 5, 1)",
		"INSERT INTO ledger.rollup VALUES (2, 5, '1')",
		"INSERT INTO ledger.freeze (id, owner, cause_kind, cause_id, reason) VALUES (gen_random_uuid(), gen_random_uuid(), 'test', gen_random_uuid(), 'x')",
		"UPDATE ledger.freeze SET lifted_at = now(), lifted_kind = 'test', lifted_by = owner, lift_reason = 'x'",
		"UPDATE ledger.account_kind SET floor = -1000000 WHERE kind = 'wallet'",
		"UPDATE ledger.account SET floor = NULL",
		"UPDATE ledger.entry SET key = 'other'",
		"UPDATE ledger.posting SET amount = 2 * amount",
		"UPDATE ledger.balance SET balance = balance + 1",
		"UPDATE ledger.rollup SET balance = balance + 1",
		"DELETE FROM ledger.account_kind", "DELETE FROM ledger.account", "DELETE FROM ledger.entry",
		"DELETE FROM ledger.posting", "DELETE FROM ledger.balance", "DELETE FROM ledger.rollup", "DELETE FROM ledger.freeze",
		"TRUNCATE ledger.posting", "TRUNCATE ledger.entry CASCADE", "TRUNCATE ledger.balance",
		"SELECT * FROM ledger.balance FOR UPDATE",
		"SELECT * FROM ledger.account FOR KEY SHARE",
		"SELECT * FROM ledger.freeze FOR UPDATE",
		"SELECT ledger.refuse_frozen('hold', '{}', '{}', '{}')",
		"SELECT ledger.refuse_balance(1, 1)",
		"SELECT ledger.freeze_lock(gen_random_uuid())",
		"SELECT ledger.open_accounts('{wallet}', ARRAY[gen_random_uuid()], '{\"\"}', '{EUR}')",
		"SELECT nextval('ledger.entry_id_seq')",
		"CREATE TABLE ledger.mine ()",
		"CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"SET ROLE souk_ledger",
	} {
		if _, err := database.Pool.Exec(t.Context(), statement); sqlState(err) != "42501" {
			t.Errorf("%s: %v, want permission denied", statement, err)
		}
	}
	for _, statement := range writesToEveryTable(t, database) {
		if _, err := database.Pool.Exec(t.Context(), statement); sqlState(err) != "42501" {
			t.Errorf("%s: %v, want permission denied", statement, err)
		}
	}
	for _, statement := range []string{
		"ALTER TABLE ledger.posting DISABLE TRIGGER ALL",
		"DROP TRIGGER immutable ON ledger.posting",
		"DROP TABLE ledger.posting CASCADE",
		"SET session_replication_role = replica",
		"CREATE OR REPLACE FUNCTION ledger.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
	} {
		if _, err := database.Pool.Exec(t.Context(), statement); sqlState(err) != "42501" {
			t.Errorf("%s: %v, want permission denied", statement, err)
		}
	}
	wantSound(t, database)
}

// writesToEveryTable are the plainest ways to write to each table of the schema, so that one that is added later is asked too.
func writesToEveryTable(t reporter, database *pgtest.Database) (statements []string) {
	t.Helper()
	rows, err := database.Admin.Query(t.Context(), `SELECT format('%I.%I', table_schema, table_name), array_agg(format('%I', column_name)::text)
		FROM information_schema.columns WHERE table_schema = 'ledger' GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var (
		table   string
		columns []string
	)
	if _, err := pgx.ForEachRow(rows, []any{&table, &columns}, func() error {
		statements = append(statements, "INSERT INTO "+table+" DEFAULT VALUES", "DELETE FROM "+table, "TRUNCATE "+table+" CASCADE")
		for _, column := range columns {
			statements = append(statements, "UPDATE "+table+" SET "+column+" = DEFAULT")
		}
		return nil
	}); err != nil || len(statements) < 7*4 {
		t.Fatalf("%d statements, %v", len(statements), err)
	}
	return statements
}

// asOwner runs statements in one transaction as the ledger's owner, and gives the last one's error.
func asOwner(t reporter, database *pgtest.Database, statements ...string) error {
	t.Helper()
	tx, err := database.Admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	return run(t, tx, append([]string{"SET LOCAL ROLE souk_ledger"}, statements...)...)
}

func run(t reporter, tx pgx.Tx, statements ...string) error {
	t.Helper()
	for i, statement := range statements {
		if _, err := tx.Exec(t.Context(), statement); i == len(statements)-1 {
			return err
		} else if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return nil
}

func TestTheOwnerCannotChangeHistory(t *testing.T) {
	t.Parallel()
	theOwnerCannotChangeHistory(t, pgtest.New(t))
}

func theOwnerCannotChangeHistory(t reporter, database *pgtest.Database) {
	user := fund(t, database.Pool, 100)
	freeze(t, database, user, "one")
	lift(t, database, user)
	freeze(t, database, user, "two")
	for _, statement := range []string{
		"UPDATE ledger.account SET floor = -1000", "DELETE FROM ledger.account", "TRUNCATE ledger.account CASCADE",
		"UPDATE ledger.entry SET key = 'other'", "DELETE FROM ledger.entry", "TRUNCATE ledger.entry CASCADE",
		"UPDATE ledger.posting SET amount = 5", "DELETE FROM ledger.posting WHERE false", "TRUNCATE ledger.posting",
		"DELETE FROM ledger.balance", "TRUNCATE ledger.balance",
		"DELETE FROM ledger.rollup", "TRUNCATE ledger.rollup",
		"DELETE FROM ledger.freeze", "TRUNCATE ledger.freeze",
		"UPDATE ledger.freeze SET owner = gen_random_uuid() WHERE lifted_at IS NULL",
		"UPDATE ledger.freeze SET lifted_at = NULL, lifted_kind = NULL, lifted_by = NULL, lift_reason = NULL",
		"UPDATE ledger.freeze SET lift_reason = 'other' WHERE lifted_at IS NOT NULL",
	} {
		if err := asOwner(t, database, statement); sqlState(err) != "SL007" {
			t.Errorf("%s: %v, want SL007", statement, err)
		}
	}
}

// TestNothingOfTheLedgerIsEverDeleted asks every table of the schema, so that one added later is asked too; as a
// superuser, whom only triggers stop.
func TestNothingOfTheLedgerIsEverDeleted(t *testing.T) {
	t.Parallel()
	ctx, database := t.Context(), pgtest.New(t)
	fund(t, database.Pool, 100)
	var tables []string
	const query = `SELECT array_agg(format('%I.%I', schemaname, tablename)) FROM pg_tables
		WHERE schemaname = 'ledger' AND tablename <> 'account_kind'` // no history: what kinds there are
	if err := database.Admin.QueryRow(ctx, query).Scan(&tables); err != nil || len(tables) < 5 {
		t.Fatalf("the ledger's tables are %v, %v", tables, err)
	}
	for _, table := range tables {
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
			if _, err := database.Admin.Exec(ctx, statement); sqlState(err) != "SL007" {
				t.Errorf("%s: %v, want SL007", statement, err)
			}
		}
	}
	if _, err := database.Admin.Exec(ctx, "DELETE FROM ledger.account_kind WHERE kind = 'wallet'"); sqlState(err) != "23503" {
		t.Errorf("a kind that has accounts: %v, want a foreign key violation", err)
	}
}

func TestTheOwnerCannotPostWhatDoesNotBalance(t *testing.T) {
	t.Parallel()
	theOwnerCannotPostWhatDoesNotBalance(t, pgtest.New(t))
}

func theOwnerCannotPostWhatDoesNotBalance(t reporter, database *pgtest.Database) {
	fund(t, database.Pool, 100)
	hollow := strings.Replace(freshEntry, "direct", "hollow", 1)
	if _, err := database.Admin.Exec(t.Context(), hollow); err != nil { // an entry without postings, closed as it is
		t.Fatal(err)
	}
	const mine = "(SELECT max(id) FROM ledger.entry)"
	const banks = "INSERT INTO ledger.account (kind, currency, mode, ref) VALUES ('bank', 'EUR', 'recorded', 'b'), ('bank', 'EUR', 'recorded', 'c')"
	other := strings.Replace(freshEntry, "direct", "other", 1)
	const (
		toBanks     = intoEntry + "SELECT $id, id, 'EUR', CASE ref WHEN 'b' THEN 5 ELSE -5 END, NULL, NULL FROM ledger.account WHERE ref IN ('b', 'c')"
		bothToBanks = intoEntry + "SELECT " + mine + " - n, id, 'EUR', CASE ref WHEN 'b' THEN 5 ELSE -5 END, NULL, NULL FROM ledger.account, generate_series(0, 1) n WHERE ref IN ('b', 'c')"
		toOthers    = intoEntry + "VALUES ($id, 1, 'EUR', -5, NULL, NULL), ($id, 2, 'EUR', 5, 2, 105)"
	)
	good := intoEntry + "VALUES (" + mine + ", 1, 'EUR', -5, NULL, NULL), (" + mine + ", 2, 'EUR', 5, 2, 105)"
	for name, c := range map[string]struct {
		want       string
		statements []string
	}{
		"balanced": {"<nil>", []string{freshEntry, good}},
		"unbalanced": {"SL004", []string{freshEntry,
			intoEntry + "VALUES (" + mine + ", 1, 'EUR', -5, NULL, NULL), (" + mine + ", 2, 'EUR', 6, 2, 106)"}},
		"one leg after the other": {"SL005", []string{freshEntry, intoEntry + "VALUES (" + mine + ", 1, 'EUR', -5, NULL, NULL)"}},
		"another currency than the account's": {"SL012", []string{freshEntry,
			intoEntry + "VALUES (" + mine + ", 1, 'USD', -5, NULL, NULL), (" + mine + ", 2, 'USD', 5, 2, 105)"}},
		"a number twice": {"23505", []string{freshEntry,
			intoEntry + "VALUES (" + mine + ", 1, 'EUR', -5, NULL, NULL), (" + mine + ", 2, 'EUR', 5, 1, 105)"}},
		"appended to an older entry": {"SL006", []string{banks,
			strings.ReplaceAll(toBanks, "$id", "1")}},
		"appended to an entry of the same transaction": {"SL006", []string{freshEntry, good, banks,
			strings.ReplaceAll(toBanks, "$id", mine)}},
		"appended to an older entry that has none": {"SL006", []string{
			intoEntry + "SELECT id, 1, 'EUR', -5, NULL, NULL FROM ledger.entry WHERE key = 'hollow' UNION ALL SELECT id, 2, 'EUR', 5, 2, 105 FROM ledger.entry WHERE key = 'hollow'"}},
		"appended to an entry of the same transaction, after another was posted": {"SL006", []string{freshEntry, good, other,
			banks, strings.ReplaceAll(toBanks, "$id", mine), strings.ReplaceAll(toBanks, "$id", mine+" - 1")}},
		"appended to the second of two that came together": {"SL006", []string{freshEntry, other, banks, bothToBanks, strings.ReplaceAll(toOthers, "$id", mine)}},
		"appended to the first of two that came together":  {"SL006", []string{freshEntry, other, banks, bothToBanks, strings.ReplaceAll(toOthers, "$id", mine+" - 1")}},
		"the later of two first":                           {"<nil>", []string{freshEntry, other, banks, strings.ReplaceAll(toBanks, "$id", mine), strings.ReplaceAll(toBanks, "$id", mine+" - 1")}},
		"appended to the later of two, which came first": {"SL006", []string{freshEntry, other, banks,
			strings.ReplaceAll(toBanks, "$id", mine), strings.ReplaceAll(toBanks, "$id", mine+" - 1"), strings.ReplaceAll(toOthers, "$id", mine)}},
		"after a savepoint that was rolled back": {"<nil>", []string{freshEntry, "SAVEPOINT s", good, "ROLLBACK TO s", good}},
		"appended after a savepoint that was rolled back": {"SL006", []string{freshEntry, good, banks, "SAVEPOINT s", other,
			strings.ReplaceAll(toBanks, "$id", mine), "ROLLBACK TO s", strings.ReplaceAll(toBanks, "$id", mine)}},
		"appended, and made up for by another entry": {"SL006", []string{freshEntry, good, banks, other,
			intoEntry + "SELECT " + mine + " - (ref = 'b')::int, id, 'EUR', CASE ref WHEN 'b' THEN 5 WHEN 'c' THEN -2 ELSE -3 END, NULL, NULL FROM ledger.account WHERE kind = 'bank' ORDER BY ref = 'b' DESC"}},
		"two entries, whole together": {"SL005", []string{freshEntry, other,
			intoEntry + "VALUES (" + mine + " - 1, 1, 'EUR', -5, NULL, NULL), (" + mine + ", 2, 'EUR', 5, 2, 105)"}},
		"two entries, each whole": {"<nil>", []string{freshEntry, other, banks,
			bothToBanks}},
		"two currencies that make up for each other": {"SL004", []string{freshEntry,
			"INSERT INTO ledger.account (kind, currency, mode) VALUES ('bank', 'USD', 'recorded')",
			intoEntry + "SELECT " + mine + ", id, currency, CASE currency WHEN 'USD' THEN 5 ELSE -5 END, NULL, NULL FROM ledger.account WHERE kind = 'bank'"}},
		"an account that does not exist": {"SL012", []string{freshEntry,
			intoEntry + "VALUES (" + mine + ", 1, 'EUR', -5, NULL, NULL), (" + mine + ", 999, 'EUR', 5, NULL, NULL)"}},
		"too many legs": {"SL005", []string{freshEntry,
			"INSERT INTO ledger.account (kind, currency, mode, ref) SELECT 'bank', 'EUR', 'recorded', n::text FROM generate_series(1, 1000) n",
			intoEntry + "SELECT " + mine + ", id, 'EUR', CASE ref WHEN '' THEN -1000 ELSE 1 END, NULL, NULL FROM ledger.account WHERE kind = 'bank'"}},
		"appended to an older entry that has none, under its transaction's number": {"SL006", []string{
			`INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance, xid)
			 SELECT e.id, l.*, e.xid FROM ledger.entry e, (VALUES (1, 'EUR', -5, NULL::bigint, NULL::bigint), (2, 'EUR', 5, 2, 105)) l WHERE e.key = 'hollow'`}},
		"under another transaction's number": {"SL006", []string{freshEntry,
			"INSERT INTO ledger.posting (entry_id, account_id, currency, amount, xid) VALUES (" + mine + ", 1, 'EUR', -5, '3'), (" + mine + ", 2, 'EUR', 5, '3')"}},
		"a reversal that is none": {"SL011", []string{
			`INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id, reverses)
			 VALUES ('direct', sha256(''), 'hold', 'test', gen_random_uuid(), 1)`,
			intoEntry + "VALUES (" + mine + ", 1, 'EUR', 99, NULL, NULL), (" + mine + ", 2, 'EUR', -99, 2, 1)"}},
		"two that reverse each other": {"SL011", []string{
			`INSERT INTO ledger.entry (id, key, request_hash, flow, cause_kind, cause_id, reverses) OVERRIDING SYSTEM VALUE
			 VALUES (1000001, 'direct', sha256(''), 'hold', 'test', gen_random_uuid(), 1000002), (1000002, 'other', sha256(''), 'hold', 'test', gen_random_uuid(), 1000001)`,
			banks,
			intoEntry + "SELECT 1000001 + n, id, 'EUR', (CASE ref WHEN 'b' THEN 5 ELSE -5 END) * (1 - 2 * n), NULL, NULL FROM ledger.account, generate_series(0, 1) n WHERE ref IN ('b', 'c')"}},
	} {
		if err := asOwner(t, database, c.statements...); sqlState(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestAnEntryHasItsParts(t *testing.T) {
	t.Parallel()
	anEntryHasItsParts(t, pgtest.New(t))
}

// anEntryHasItsParts tries them on the tables themselves, as their owner: by itself, where the trigger looks once, and beside a
// sound entry in the same statement, where it looks at each.
func anEntryHasItsParts(t reporter, database *pgtest.Database) {
	fund(t, database.Pool, 100) // opens account 1, the bank, and account 2, a wallet
	if _, err := database.Admin.Exec(t.Context(), `INSERT INTO ledger.account (kind, currency, mode, ref)
		VALUES ('bank', 'EUR', 'recorded', 'b'), ('bank', 'EUR', 'recorded', 'c')`); err != nil {
		t.Fatal(err)
	}
	const (
		digest = "sha256('')"
		good   = "(1, -5, NULL, NULL), (2, 5, 2, 105)"
	)
	for _, c := range []struct{ want, key, hash, flow, cause, legs string }{
		{"<nil>", "k", digest, "up", "order", good},
		{"<nil>", strings.Repeat("k", 200), digest, strings.Repeat("f", 40), "a_b", good},
		{"23514", "", digest, "hold", "order", good},
		{"23514", strings.Repeat("k", 201), digest, "hold", "order", good},
		{"23514", "k", `'\x00'`, "hold", "order", good},
		{"23514", "k", digest, "Hold", "order", good},
		{"23514", "k", digest, "h", "order", good},
		{"23514", "k", digest, "hold", "order 5", good},
		{"23514", "k", digest, "hold", "o", good},
		{"23514", "k", digest, "hold on", "order", good},
		{"23514", "k", digest, "hold", "order", good + ", (3, 0, NULL, NULL)"},
		{"23514", "k", digest, "hold", "order", "(1, -5, NULL, NULL), (2, 5, 2, NULL)"},
		{"23514", "k", digest, "hold", "order", "(1, -5, NULL, NULL), (2, 5, NULL, 105)"},
		{"23514", "k", digest, "hold", "order", "(1, -5, NULL, NULL), (2, 5, 0, 105)"},
	} {
		entries := fmt.Sprintf("('%s', %s, '%s', '%s', gen_random_uuid())", c.key, c.hash, c.flow, c.cause)
		legs := fmt.Sprintf("SELECT n.id, l.* FROM n, (VALUES %s) l WHERE n.key = '%s'", c.legs, c.key)
		for _, beside := range []bool{false, true} {
			if beside {
				entries += ", ('beside', sha256(''), 'hold', 'order', gen_random_uuid())"
				legs += " UNION ALL SELECT n.id, a.id, CASE a.ref WHEN 'b' THEN 5 ELSE -5 END, NULL, NULL FROM n, ledger.account a WHERE n.key = 'beside' AND a.ref IN ('b', 'c')"
			}
			statement := fmt.Sprintf(`WITH n AS (INSERT INTO ledger.entry (key, request_hash, flow, cause_kind, cause_id) VALUES %s RETURNING id, key)
				INSERT INTO ledger.posting (entry_id, account_id, currency, amount, seq, balance)
				SELECT l.n, l.account, 'EUR', l.amount, l.seq::bigint, l.balance::bigint FROM (%s) l (n, account, amount, seq, balance)`, entries, legs)
			if err := asOwner(t, database, statement); sqlState(err) != c.want {
				t.Errorf("%s: %v, want %s", statement, err, c.want)
			}
		}
	}
}
