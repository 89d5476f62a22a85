//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/inventory"
)

// bareReserve is what reserving and releasing come to in statements, as a server may send them; two transactions.
const bareReserve = `\set n random(1, :skus)
\set b random(1, 1000)
BEGIN;
SELECT variant_id AS v, location_id AS l, (SELECT id FROM bench_buyer b WHERE b.n = :b) AS s, gen_random_uuid() AS r FROM bench_sku k WHERE k.n = :n \gset
UPDATE stock SET reserved = reserved + 1 WHERE variant_id = :v AND location_id = :l AND on_hand - reserved >= 1;
INSERT INTO reservation (id, user_id, idempotency_key, request_hash, expires_at) VALUES (:r, :s, :r, '\x00', clock_timestamp() + interval '15 minutes');
INSERT INTO reservation_line (reservation_id, number, variant_id, location_id, quantity) VALUES (:r, 1, :v, :l, 1);
COMMIT;
BEGIN;
UPDATE reservation SET status = 'RELEASED', ended_at = clock_timestamp() WHERE id = :r AND status = 'OPEN';
UPDATE stock SET reserved = reserved - 1 WHERE variant_id = :v AND location_id = :l;
COMMIT;
`

// measureReserve has the use case and pgbench reserve and release in turns: one product, and ten thousand.
func (b *bench) measureReserve(ctx context.Context) error {
	for _, statement := range []string{
		`CREATE TABLE bench_sku AS SELECT row_number() OVER (ORDER BY s.variant_id) AS n, s.variant_id, s.location_id, s.seller_id
			FROM stock s JOIN variant v ON v.id = s.variant_id JOIN public_listing l ON l.id = v.listing_id LIMIT 10000`,
		// Nobody reserves their own; one buyer of all would be a hot row of its own, which every reservation refers to.
		`INSERT INTO app_user (id, email, name, role, password_hash)
			SELECT gen_random_uuid(), 'buyer' || n || '@bench.example', 'Buyer', 'BUYER', 'x' FROM generate_series(1, 1000) n`,
		`CREATE TABLE bench_buyer AS SELECT row_number() OVER (ORDER BY id) AS n, id FROM app_user WHERE email LIKE 'buyer%@bench.example'`,
		`ALTER TABLE bench_sku ADD PRIMARY KEY (n)`, `ALTER TABLE bench_buyer ADD PRIMARY KEY (n)`, `GRANT SELECT ON bench_sku, bench_buyer TO souk_app`,
		`ALTER TABLE stock DISABLE TRIGGER USER`, `UPDATE stock SET on_hand = 1000000`, `ALTER TABLE stock ENABLE TRIGGER USER`, `VACUUM ANALYZE stock`,
	} {
		if _, err := b.Admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	skus, err := b.ids(ctx, `SELECT variant_id FROM bench_sku ORDER BY n`)
	if err != nil {
		return err
	}
	buyers, err := b.ids(ctx, `SELECT id FROM bench_buyer ORDER BY n`)
	if err != nil {
		return err
	}
	stock := inventory.New(inventory.Config{Pool: b.pool, Catalog: catalog.New(b.pool, nil), Clock: clock.System{}, Log: rig.Warnings()})
	worst := 0.0
	for _, of := range []int{1, len(skus)} {
		var ours, bares []float64
		var took spent
		for round := range b.rounds {
			t, err := b.ours(ctx, nil, func(ctx context.Context, client, n int) error {
				sku, buyer := skus[(client*7919+n*31)%of], buyers[(client*127+n*7)%len(buyers)]
				r, err := stock.Reserve(ctx, buyer, inventory.ReserveInput{
					Wants: []inventory.Want{{Variant: sku, Quantity: 1}}, IdempotencyKey: fmt.Sprint(of, round, client, n),
				})
				if err == nil {
					_, err = stock.Release(ctx, buyer, r.ID)
				}
				return err
			})
			if err != nil {
				return err
			}
			bare, err := b.pgbench(ctx, of)
			if err != nil {
				return err
			}
			ours, bares, took = append(ours, t.rate), append(bares, bare), t.spent
		}
		ratio := rig.Ratio(ours, bares)
		if worst == 0 || ratio < worst {
			worst = ratio
		}
		b.Row("reserve and release over %d products, %d clients: %s a second, pgbench %s; %.2f", of, clients, rig.Listed(ours, "%.0f"), rig.Listed(bares, "%.0f"), ratio)
		b.Row("  of the processor: %s ms for both, in no server, PostgreSQL and the use case", took)
	}
	b.Result("catalogue_reserve_vs_pgbench", worst)
	return nil
}

func (b *bench) ids(ctx context.Context, query string) ([]uuid.UUID, error) {
	rows, err := b.Admin.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

var ratePattern = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)

// pgbench is how often a second PostgreSQL's own load generator does the same.
func (b *bench) pgbench(ctx context.Context, skus int) (float64, error) {
	var bin string
	if err := b.Admin.QueryRow(ctx, "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&bin); err != nil {
		return 0, err
	}
	script := filepath.Join(b.Dir, "reserve.sql")
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(bareReserve, ":skus", strconv.Itoa(skus))), 0o600); err != nil {
		return 0, err
	}
	command := exec.CommandContext(ctx, filepath.Join(bin, "pgbench"), "--no-vacuum", "--protocol=prepared", "--jobs=2", "--client="+strconv.Itoa(clients),
		"--time="+strconv.Itoa(max(1, int(b.length.Seconds()))), "--file="+script, b.Database.AdminURL(rig.DatabaseName))
	command.Env = append(os.Environ(), "PGOPTIONS=-c role=souk_app")
	text, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, text)
	}
	match := ratePattern.FindSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("pgbench gives no rate:\n%s", text)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}
