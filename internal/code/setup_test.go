package code_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/audit"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/postgres"
)

// shop is a seller of codes.
type shop struct {
	*domaintest.World
	seller uuid.UUID
}

func setup(t *testing.T) *shop {
	t.Helper()
	s := &shop{World: domaintest.New(t)}
	s.seller = s.User(identity.Seller)
	t.Cleanup(s.booked)
	return s
}

// game is a variant of a product of codes on the market.
func (s *shop) game() uuid.UUID { return s.product("DIGITAL_CODE") }

func (s *shop) product(kind string) uuid.UUID {
	s.T.Helper()
	listing, variant := id.New(), id.New()
	s.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, $3, 'A game', '', 'NEW')`, listing, s.seller, kind)
	s.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $2, $3, 1000, 'EUR')`, variant, listing, s.seller)
	return variant
}

func upload(variant uuid.UUID, lines ...string) code.UploadInput {
	return code.UploadInput{Variant: variant, Text: strings.Join(lines, "\n"), IdempotencyKey: uuid.NewString()}
}

// stocked is a game with so many codes: GAME-0 and on, apart from other games'.
func (s *shop) stocked(n int) uuid.UUID {
	s.T.Helper()
	game := s.game()
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("%s-%d", game, i)
	}
	s.Must2(s.Codes.Upload(s.Ctx(), s.seller, upload(game, lines...)))
	return game
}

// buy reserves so many codes and takes them, as a payment does.
func (s *shop) buy(w *domaintest.World, buyer, game uuid.UUID, quantity int32) (order uuid.UUID, err error) {
	in := inventory.ReserveInput{Wants: []inventory.Want{{Variant: game, Quantity: quantity}}, IdempotencyKey: uuid.NewString()}
	r, err := w.Inventory.Reserve(s.Ctx(), buyer, in)
	if err != nil {
		return uuid.Nil, err
	}
	order = id.New()
	return order, postgres.InTx(s.Ctx(), w.Pool, func(tx pgx.Tx) error {
		if _, err := w.Inventory.ConsumeTx(s.Ctx(), tx, r.ID); err != nil {
			return err
		}
		_, err := tx.Exec(s.Ctx(), `INSERT INTO orders (id, buyer_id, seller_id, listing_id, total, fee, currency)
			SELECT $1, $2, seller_id, listing_id, 1000, 0, 'EUR' FROM variant WHERE id = $3`, order, buyer, game)
		if err != nil {
			return err
		}
		if err := w.Codes.SellTx(s.Ctx(), tx, order, game, int(quantity)); err != nil {
			return err
		}
		_, err = tx.Exec(s.Ctx(), `UPDATE orders SET payment = 'PAID', paid_at = now() WHERE id = $1`, order)
		return err
	})
}

// bought is a code that somebody has bought.
func (s *shop) bought(buyer, game uuid.UUID) code.Code {
	s.T.Helper()
	order, err := s.buy(s.World, buyer, game, 1)
	s.Must(err)
	codes, err := s.Codes.OfOrders(s.Ctx(), []uuid.UUID{order})
	s.Must(err)
	return codes[order][0]
}

// booked insists that what is not sold is the stock.
func (s *shop) booked() {
	s.T.Helper()
	only := []string{"code_stock", "stock_movements", "stock_reserved", "reservation_sold"}
	_, err := audit.Run(context.WithoutCancel(s.Ctx()), s.Pool, audit.Options{Only: only}, func(r audit.Result) {
		if !r.OK() {
			s.T.Errorf("audit %s: %v", r.Name, r.Findings)
		}
	})
	if err != nil {
		s.T.Errorf("audit: %v", err)
	}
}
