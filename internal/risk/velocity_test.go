package risk_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/pgtest"
)

// However many have bought at one place, and whatever PostgreSQL knows of them, few rows are read of them: as many as it takes to find enough others.
func TestOthersAreCountedByFewRows(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	database := pgtest.New(t)
	conn, err := database.Admin.Acquire(ctx) // one, which keeps its plans
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	const count = `SELECT risk_users($1, NULL, '\x01', '10.0.0.1', NULL, '{3,10,50,5}', '{3600,3600,3600,3600}')`
	for range 7 { // plans are made while there is nothing
		if _, err := conn.Exec(ctx, count, uuid.New()); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		`SET session_replication_role = replica`, // the looks' users and quotes are nobody's
		`INSERT INTO risk_check (id, user_id, quote_id, client, place, verdict, rules, checked_at)
			SELECT gen_random_uuid(), CASE WHEN n <= 2000 THEN uuid_nil.id ELSE md5((n % 64)::text)::uuid END, gen_random_uuid(), '10.0.0.1', '\x01', 'ALLOW', '{}',
				clock_timestamp() - n * interval '10 milliseconds'
			FROM generate_series(1, 20000) n, (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id) uuid_nil`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	look := func(when string, user uuid.UUID, want []int64) {
		t.Helper()
		var counts []int64
		if err := conn.QueryRow(ctx, count, user).Scan(&counts); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(counts, want) {
			t.Errorf("%s: others are %v, want %v", when, counts, want)
		}
		var plan []byte
		if err := conn.QueryRow(ctx, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+count, user).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		var told []struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		if err := json.Unmarshal(plan, &told); err != nil {
			t.Fatal(err)
		}
		// All twenty thousand are more than three hundred pages; the newest thousand are 32, with their part of the index, once for each of two signs.
		if pages := told[0].Plan.Hit + told[0].Plan.Read; pages > 120 {
			t.Errorf("%s: %d pages were read", when, pages)
		}
	}
	// The newest two thousand are of one user: another finds that one, and only that one, in the newest thousand.
	look("before PostgreSQL looked", uuid.New(), []int64{0, 1, 1, 0})
	look("of the one user", uuid.Nil, []int64{0, 0, 0, 0})
	if _, err := conn.Exec(ctx, `DELETE FROM risk_check WHERE user_id = '00000000-0000-0000-0000-000000000000'`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `VACUUM ANALYZE risk_check`); err != nil {
		t.Fatal(err)
	}
	look("of many", uuid.New(), []int64{0, 10, 50, 0})
	for _, statement := range []string{`UPDATE risk_check SET checked_at = checked_at - interval '2 hours'`, `VACUUM risk_check`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	look("of long ago", uuid.New(), []int64{0, 0, 0, 0})
}
