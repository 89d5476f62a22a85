package code_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
)

// What is wrong with a line is told by its number, the rest is taken, and a retry is told the same.
func TestUpload(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game, other := s.game(), s.game()
	s.Must2(s.Codes.Upload(t.Context(), s.seller, upload(other, "SOLD-ELSEWHERE")))
	in := upload(game, "\ufeffAAAA-1 \r", "", "  \t", "\u00a0BBBB-2", "AAAA-1", strings.Repeat("x", 501), strings.Repeat("é", 500), "a\u202eb", "SOLD-ELSEWHERE", "a code with spaces")
	want := code.Uploaded{Variant: game, Accepted: 4, RefusedCount: 4, Refused: []code.RefusedLine{
		{Line: 5, Reason: code.Twice}, {Line: 6, Reason: code.TooLong}, {Line: 8, Reason: code.Characters}, {Line: 9, Reason: code.Twice},
	}}
	for range 2 {
		got, err := s.Codes.Upload(t.Context(), s.seller, in)
		if s.Must(err); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v", got)
		}
	}
	if available, err := s.Inventory.Available(t.Context(), []uuid.UUID{game}); err != nil || available[game] != 4 {
		t.Errorf("available: %v, %v", available, err)
	}
	again := in
	again.Text += "\nC"
	for name, c := range map[string]struct {
		seller uuid.UUID
		in     code.UploadInput
		want   string
	}{
		"the key again":      {s.seller, again, "IDEMPOTENCY_KEY_REUSED"},
		"another's product":  {s.User(identity.Seller), upload(game, "X"), "VARIANT_NOT_FOUND"},
		"a shirt":            {s.seller, upload(s.product("RETAIL"), "X"), "CODES_OF_KIND"},
		"nothing":            {s.seller, upload(game, " ", ""), "CODES_TOO_MANY"},
		"10,001 codes":       {s.seller, upload(game, strings.Split(strings.Repeat("x\n", 10_001), "\n")...), "CODES_TOO_MANY"},
		"no such variant":    {s.seller, upload(uuid.New(), "X"), "VARIANT_NOT_FOUND"},
		"only what is there": {s.seller, upload(game, "AAAA-1"), ""},
	} {
		if _, err := s.Codes.Upload(t.Context(), c.seller, c.in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	mine := s.User(identity.Seller)
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $1, 'DIGITAL_CODE', 'Mine', '', 'NEW')`, mine)
	s.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $1, $1, 1000, 'EUR')`, mine)
	if got, err := s.Codes.Upload(t.Context(), mine, upload(mine, "AAAA-1")); err != nil || got.Accepted != 1 {
		t.Errorf("another seller's code of the same text: %+v, %v", got, err)
	}
}

// Ten thousand are one call; what is left out of them is named up to a thousand.
func TestManyCodes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game := s.game()
	lines := make([]string, 10_000)
	for i := range lines {
		lines[i] = fmt.Sprintf("MANY-%d", i)
	}
	if got, err := s.Codes.Upload(t.Context(), s.seller, upload(game, lines...)); err != nil || got.Accepted != 10_000 || got.RefusedCount != 0 {
		t.Fatalf("%d, %v", got.Accepted, err)
	}
	got, err := s.Codes.Upload(t.Context(), s.seller, upload(game, lines...))
	if err != nil || got.Accepted != 0 || got.RefusedCount != 10_000 || len(got.Refused) != 1000 {
		t.Errorf("%d, %d, %d, %v", got.Accepted, got.RefusedCount, len(got.Refused), err)
	}
}

// The same codes from many sides at once, in any order, for two products and on two servers: each is there once.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	servers, games := []*domaintest.World{s.World, s.Another(t)}, []uuid.UUID{s.game(), s.game()}
	lines := make([]string, 300)
	for i := range lines {
		lines[i] = fmt.Sprintf("RACE-%d", i)
	}
	accepted := make([]int, 8)
	for _, err := range domaintest.AtOnce(8, func(i int) error {
		mixed := append([]string(nil), lines...)
		rand.Shuffle(len(mixed), func(a, b int) { mixed[a], mixed[b] = mixed[b], mixed[a] })
		got, err := servers[i%2].Codes.Upload(t.Context(), s.seller, upload(games[i/2%2], mixed...))
		accepted[i] = got.Accepted
		return err
	}) {
		s.Must(err)
	}
	sum := 0
	for _, n := range accepted {
		sum += n
	}
	if stored := s.Int(`SELECT count(*) FROM code`); sum != 300 || stored != 300 {
		t.Errorf("%v were accepted, %d are there", accepted, stored)
	}
}

// Who has the database, and not the keys, learns no code of it and can't tell by trying.
func TestALeakedDatabaseShowsNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const secret = "SECRET-4711"
	game, buyer := s.game(), s.User(identity.Buyer)
	s.Must2(s.Codes.Upload(t.Context(), s.seller, upload(game, secret)))
	if got, err := s.Codes.Reveal(t.Context(), buyer, s.bought(buyer, game).ID); err != nil || got != secret {
		t.Fatalf("%q, %v", got, err)
	}
	digest, owned := sha256.Sum256([]byte(secret)), sha256.Sum256(append(s.seller[:], secret...))
	tables, err := s.Admin.Query(t.Context(), `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname IN ('public', 'ledger')`)
	s.Must(err)
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	s.Must(err)
	for _, table := range names {
		var dump string
		s.Must(s.Admin.QueryRow(t.Context(), `SELECT coalesce(string_agg(t::text, E'\n'), '') FROM `+table+` t`).Scan(&dump))
		for _, trace := range []string{
			secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
			hex.EncodeToString(digest[:]), hex.EncodeToString(owned[:]),
		} {
			if strings.Contains(strings.ToLower(dump), strings.ToLower(trace)) {
				t.Errorf("%s has %s", table, trace)
			}
		}
	}
}
