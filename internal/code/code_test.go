package code_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/page"
)

// A hundred buyers at once, on two servers, for ten codes: ten have one, each another.
func TestACrowdForTenCodes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game := s.stocked(10)
	servers := []*domaintest.World{s.World, s.Another(t)}
	var buyers [100]uuid.UUID
	for i := range buyers {
		buyers[i] = s.User(identity.Buyer)
	}
	var orders [100]uuid.UUID
	codes := domaintest.Codes(domaintest.AtOnce(100, func(i int) (err error) {
		orders[i], err = s.buy(servers[i%2], buyers[i], game, 1)
		return err
	}))
	if codes[""] != 10 || codes["OUT_OF_STOCK"] != 90 {
		t.Errorf("%v", codes)
	}
	if n := s.Int(`SELECT count(DISTINCT order_id) FROM code WHERE order_id IS NOT NULL`); n != 10 {
		t.Errorf("%d orders have a code", n)
	}
	seen := map[string]bool{}
	for i, order := range orders {
		of, err := s.Codes.OfOrders(t.Context(), []uuid.UUID{order})
		s.Must(err)
		for _, c := range of[order] {
			text, err := s.Codes.Reveal(t.Context(), buyers[i], c.ID)
			if s.Must(err); seen[text] {
				t.Errorf("%s was sold twice", text)
			}
			seen[text] = true
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d codes were seen", len(seen))
	}
}

// Whoever writes to the database, what is sold stays sold, and what was shown stays written.
func TestWhatIsSoldStaysSold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game, buyer := s.stocked(2), s.User(identity.Buyer)
	mine := s.bought(buyer, game)
	s.Must2(s.Codes.Reveal(t.Context(), buyer, mine.ID))
	another, err := s.buy(s.World, s.User(identity.Buyer), s.stocked(1), 1)
	s.Must(err)
	for _, statement := range []string{
		`UPDATE code SET order_id = NULL, sold_at = NULL`,
		`UPDATE code SET order_id = '` + another.String() + `' WHERE id = '` + mine.ID.String() + `'`,
		`UPDATE code SET order_id = '` + another.String() + `', sold_at = now() WHERE order_id IS NULL`, // an order of something else
		`UPDATE code SET sealed = sealed || '\x00'`,
		`UPDATE code SET fingerprint = sha256('x') WHERE order_id IS NULL`,
		`DELETE FROM code`, `DELETE FROM code_batch`, `DELETE FROM code_reveal`, `TRUNCATE code CASCADE`,
		`UPDATE code_reveal SET revealed_at = now()`,
		`UPDATE code_batch SET variant_id = gen_random_uuid()`,
		`UPDATE code_batch SET wrapped_key = sha256('x') || sha256('y')`,
		`UPDATE code_batch SET wrapped_key = substr(sha256('x') || sha256('y'), 1, 60)`,
		`INSERT INTO code (id, batch_id, variant_id, fingerprint, sealed, order_id, sold_at)
			SELECT gen_random_uuid(), batch_id, variant_id, sha256('n'), sealed, order_id, sold_at FROM code WHERE order_id IS NOT NULL`,
	} {
		if _, err := s.Pool.Exec(t.Context(), statement); err == nil {
			t.Errorf("a server may: %s", statement)
		}
		if _, err := s.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("the owner may: %s", statement)
		}
	}
}

// A code is shown to its buyer alone, and each time is written down for its seller and staff.
func TestReveal(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game, buyer := s.stocked(2), s.User(identity.Buyer)
	mine := s.bought(buyer, game)
	unsold := s.Int(`SELECT count(*) FROM code WHERE order_id IS NULL`)
	for _, other := range []uuid.UUID{s.seller, s.User(identity.Buyer), s.User(identity.Admin)} {
		if _, err := s.Codes.Reveal(t.Context(), other, mine.ID); !errors.Is(err, code.ErrNotFound) {
			t.Errorf("somebody else: %v", err)
		}
	}
	for range 2 {
		if text, err := s.Codes.Reveal(t.Context(), buyer, mine.ID); err != nil || text != game.String()+"-0" {
			t.Errorf("%q, %v", text, err)
		}
	}
	log, err := s.Codes.Reveals(t.Context(), s.seller, game, false, page.Args{})
	if s.Must(err); len(log.Nodes) != 2 || log.Nodes[0].UserID != buyer || log.Nodes[0].OrderID != mine.OrderID || unsold != 1 {
		t.Errorf("%+v", log.Nodes)
	}
	if log, err := s.Codes.Reveals(t.Context(), s.User(identity.Support), game, true, page.Args{}); err != nil || len(log.Nodes) != 2 {
		t.Errorf("staff: %+v, %v", log.Nodes, err)
	}
	if _, err := s.Codes.Reveals(t.Context(), s.User(identity.Seller), game, false, page.Args{}); domaintest.Code(err) != "VARIANT_NOT_FOUND" {
		t.Errorf("another seller: %v", err)
	}
	s.Exec(`UPDATE orders SET payment = 'REFUNDED', refunded = total, fulfilment = 'CANCELLED', cancelled_at = now() WHERE id = $1`, mine.OrderID)
	if _, err := s.Codes.Reveal(t.Context(), buyer, mine.ID); !errors.Is(err, code.ErrRefunded) {
		t.Errorf("after the refund: %v", err)
	}
	if n := s.Int(`SELECT count(*) FROM code_reveal`); n != 2 {
		t.Errorf("%d reveals are kept", n)
	}
}

// A row that was exchanged for another by somebody who may write to the database does not open, nor does any under another key.
func TestExchangedRowsDoNotOpen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	game, buyer := s.stocked(2), s.User(identity.Buyer)
	mine := s.bought(buyer, game)
	elsewhere := s.CodesUnder("one:" + strings.Repeat("7", 64))
	if _, err := elsewhere.Reveal(t.Context(), buyer, mine.ID); !errors.Is(err, code.ErrUnreadable) {
		t.Errorf("under another key: %v", err)
	}
	s.Exec(`ALTER TABLE code DISABLE TRIGGER code_guard`)
	s.Exec(`UPDATE code c SET sealed = o.sealed FROM code o WHERE o.id <> c.id AND c.id = $1 AND o.variant_id = c.variant_id`, mine.ID)
	s.Exec(`ALTER TABLE code ENABLE TRIGGER code_guard`)
	if text, err := s.Codes.Reveal(t.Context(), buyer, mine.ID); !errors.Is(err, code.ErrUnreadable) || text != "" {
		t.Errorf("another's: %q, %v", text, err)
	}
	if n := s.Int(`SELECT count(*) FROM code_reveal`); n != 0 {
		t.Errorf("%d reveals of nothing are kept", n)
	}
}
