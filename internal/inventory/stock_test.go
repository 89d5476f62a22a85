package inventory_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/page"
)

// What a stock is, its movements say: received, corrected, moved, each once for its key.
func TestStockAndItsHistory(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far, tee := s.location("Far", "MA"), s.product(0)
	change := func(do func() (inventory.Level, error), want int32) {
		t.Helper()
		for range 2 { // the second time is a retry
			if level, err := do(); err != nil || level.OnHand != want {
				t.Errorf("%+v, %v, want %d", level, err, want)
			}
		}
	}
	at := func(place uuid.UUID, n int, key string) inventory.ChangeInput {
		return inventory.ChangeInput{Variant: tee, Location: place, Quantity: n, Note: "A note", IdempotencyKey: key}
	}
	change(func() (inventory.Level, error) {
		return s.Inventory.Receive(t.Context(), s.seller, at(s.place.ID, 10, "a"))
	}, 10)
	change(func() (inventory.Level, error) {
		return s.Inventory.Adjust(t.Context(), s.seller, at(s.place.ID, -3, "b"))
	}, 7)
	move := inventory.MoveInput{Variant: tee, From: s.place.ID, To: far.ID, Quantity: 5, IdempotencyKey: "c"}
	change(func() (inventory.Level, error) { return s.Inventory.Move(t.Context(), s.seller, move) }, 5)
	history, err := s.Inventory.Movements(t.Context(), inventory.Level{VariantID: tee, LocationID: s.place.ID}, page.Args{})
	s.Must(err)
	var got []int32
	for _, m := range history.Nodes {
		got = append(got, m.Quantity, m.OnHand)
	}
	if !slices.Equal(got, []int32{-5, 2, -3, 7, 10, 10}) {
		t.Errorf("the history is %v", got)
	}
	stranger, single := s.User(identity.Seller), s.single()
	before := s.Digest()
	for name, c := range map[string]struct {
		err, want error
	}{
		"more than there is":   {second(s.Inventory.Adjust(t.Context(), s.seller, at(s.place.ID, -3, "d"))), inventory.ErrStockShort},
		"moved away":           {second(s.Inventory.Move(t.Context(), s.seller, inventory.MoveInput{Variant: tee, From: s.place.ID, To: far.ID, Quantity: 3, IdempotencyKey: "e"})), inventory.ErrStockShort},
		"to where it is":       {second(s.Inventory.Move(t.Context(), s.seller, inventory.MoveInput{Variant: tee, From: far.ID, To: far.ID, Quantity: 1, IdempotencyKey: "f"})), inventory.ErrSamePlace},
		"none":                 {second(s.Inventory.Receive(t.Context(), s.seller, at(far.ID, 0, "g"))), inventory.ErrQuantity},
		"less than none":       {second(s.Inventory.Receive(t.Context(), s.seller, at(far.ID, -1, "g"))), inventory.ErrQuantity},
		"too many":             {second(s.Inventory.Receive(t.Context(), s.seller, at(far.ID, 1_000_001, "g"))), inventory.ErrQuantity},
		"another's variant":    {second(s.Inventory.Receive(t.Context(), stranger, at(far.ID, 1, "g"))), catalog.ErrVariantNotFound},
		"of what exists once":  {second(s.Inventory.Receive(t.Context(), s.seller, inventory.ChangeInput{Variant: single, Location: far.ID, Quantity: 1, IdempotencyKey: "h"})), inventory.ErrNoStock},
		"nowhere":              {second(s.Inventory.Receive(t.Context(), s.seller, at(uuid.New(), 1, "g"))), inventory.ErrLocationUnknown},
		"the key of another":   {second(s.Inventory.Receive(t.Context(), s.seller, at(s.place.ID, 11, "a"))), inventory.ErrKeyReused},
		"a name that is there": {second(s.Inventory.AddLocation(t.Context(), s.seller, "Far", "FR")), inventory.ErrLocationTwice},
		"a name of nothing":    {second(s.Inventory.AddLocation(t.Context(), s.seller, " ", "FR")), inventory.ErrLocationName},
		"a region of nothing":  {second(s.Inventory.AddLocation(t.Context(), s.seller, "There", "FRA")), inventory.ErrRegion},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if s.Digest() != before {
		t.Error("a refusal left something")
	}
}

func second[T any](_ T, err error) error { return err }

// A seller is told once when a stock comes down to its mark, however it does.
func TestLowStockIsTold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee := s.product(5)
	s.Must2(s.Inventory.SetAlert(t.Context(), s.seller, tee, s.place.ID, new(2)))
	told := func() int64 {
		t.Helper()
		live := s.Int(`SELECT count(*) FROM event WHERE kind = 'STOCK_LOW'`)
		if found := s.Int(`SELECT count(*) FROM notification WHERE recipient_id = $1 AND kind = 'STOCK_LOW' AND subject = $2 AND parameters->0->>'value' = '2'`,
			s.seller, id.Variant.Encode(tee)); found != live {
			t.Errorf("%d notices, %d told live", found, live)
		}
		return live
	}
	down := func(n int) {
		t.Helper()
		s.Must2(s.Inventory.Adjust(t.Context(), s.seller, inventory.ChangeInput{Variant: tee, Location: s.place.ID, Quantity: -n, IdempotencyKey: uuid.NewString()}))
	}
	down(2)
	if told() != 0 {
		t.Error("told too early")
	}
	r, err := s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee))
	s.Must(err)
	if told() != 0 {
		t.Error("told of what is only set aside")
	}
	s.Must(s.consume(r.ID))
	if told() != 1 {
		t.Error("not told of a sale")
	}
	down(1)
	if told() != 1 {
		t.Error("told twice")
	}
	s.receive(tee, s.place.ID, 5)
	down(4)
	if told() != 2 {
		t.Error("not told again")
	}
}

// The database refuses what the code never does, from servers and from its owner.
func TestStockGuards(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tee := s.product(3)
	s.Must2(s.Inventory.Reserve(t.Context(), s.User(identity.Buyer), wants(tee)))
	for name, statement := range map[string]string{
		"stock from nowhere":            `UPDATE stock SET on_hand = on_hand + 1`,
		"stock that begins with some":   `INSERT INTO stock (variant_id, location_id, seller_id, on_hand) SELECT variant_id, location_id, seller_id, 5 FROM stock`,
		"more reserved than there is":   `UPDATE stock SET reserved = 4`,
		"less reserved than none":       `UPDATE stock SET reserved = -1`,
		"a movement that is changed":    `UPDATE stock_movement SET quantity = 9`,
		"a movement that is gone":       `DELETE FROM stock_movement`,
		"more sold than there is":       `INSERT INTO stock_movement SELECT variant_id, location_id, 0, 'SOLD', -4, 0, cause_id, actor_id FROM stock_movement`,
		"a reservation that is gone":    `DELETE FROM reservation`,
		"what is reserved adjusted off": `INSERT INTO stock_movement SELECT variant_id, location_id, 0, 'ADJUSTED', -3, 0, cause_id, actor_id FROM stock_movement`,
	} {
		if _, err := s.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("the owner: %s", name)
		}
		if _, err := s.Pool.Exec(t.Context(), statement); err == nil {
			t.Errorf("a server: %s", name)
		}
	}
}

// Moves in both directions at once do not wait for each other, and lose nothing.
func TestMovesBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	far, tee := s.location("Far", "MA"), s.product(100)
	s.receive(tee, far.ID, 100)
	for _, err := range domaintest.AtOnce(40, func(i int) error {
		in := inventory.MoveInput{Variant: tee, From: s.place.ID, To: far.ID, Quantity: 1, IdempotencyKey: uuid.NewString()}
		if i%2 == 0 {
			in.From, in.To = in.To, in.From
		}
		return second(s.Inventory.Move(t.Context(), s.seller, in))
	}) {
		s.Must(err)
	}
	if s.on(tee, s.place.ID)[0] != 100 || s.on(tee, far.ID)[0] != 100 {
		t.Errorf("%v and %v", s.on(tee, s.place.ID), s.on(tee, far.ID))
	}
}
