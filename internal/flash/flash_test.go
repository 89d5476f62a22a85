package flash_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/redistest"
	"github.com/souklive/souk/internal/redisx"
)

// open lets everybody in.
type open struct{}

func (open) Admit(context.Context, uuid.UUID) error { return nil }

// room is a product with a stock, and a server that runs its flash sales.
type room struct {
	*domaintest.World
	url     string                // of Redis
	client  redis.UniversalClient // in place of the url's
	flash   *flash.Service
	seller  uuid.UUID
	listing uuid.UUID
}

func setup(t *testing.T, url string) *room {
	t.Helper()
	return furnish(&room{World: domaintest.New(t), url: url})
}

func furnish(r *room) *room {
	t := r.T
	t.Helper()
	r.flash = r.serve(r.World, open{})
	r.seller, r.listing = r.User(identity.Seller), id.New()
	r.Exec(`INSERT INTO listing (id, seller_id, kind, title, description, condition) VALUES ($1, $2, 'RETAIL', 'A shirt', '', 'NEW')`, r.listing, r.seller)
	r.Exec(`INSERT INTO variant (id, listing_id, seller_id, price, currency) VALUES ($1, $1, $2, 1000, 'EUR')`, r.listing, r.seller)
	place, err := r.Inventory.AddLocation(t.Context(), r.seller, "Home", "FR")
	r.Must(err)
	r.Must2(r.Inventory.Receive(t.Context(), r.seller, inventory.ChangeInput{Variant: r.listing, Location: place.ID, Quantity: 1000, IdempotencyKey: "k"}))
	return r
}

// serve is the flash sales of a server.
func (r *room) serve(w *domaintest.World, gate flash.Gate) *flash.Service {
	r.T.Helper()
	client := r.client
	if client == nil {
		var err error
		client, err = redisx.New(r.url)
		r.Must(err)
		r.T.Cleanup(func() { _ = client.Close() })
	}
	epoch := uuid.NewString()
	if r.flash != nil {
		epoch = r.flash.Epoch()
	}
	s := flash.New(flash.Config{
		Pool: w.Pool, Redis: client, Hub: w.Told, Epoch: func() string { return epoch }, Clock: clock.System{}, Gate: gate,
		Key: []byte("a key of tests"), Log: slog.New(slog.DiscardHandler),
	})
	w.Inventory.UseDoor(s)
	return s
}

// sale runs for an hour from a moment from now on.
func (r *room) sale(mode flash.Mode, in time.Duration, perMinute, each int) flash.Sale {
	r.T.Helper()
	at := time.Now().Add(in)
	s, err := r.flash.Schedule(r.Ctx(), flash.Actor{User: r.seller}, flash.ScheduleInput{
		Listing: r.listing, StartsAt: at, EndsAt: at.Add(time.Hour), AdmitPerMinute: perMinute, PerBuyer: each, Mode: mode,
	})
	r.Must(err)
	return s
}

// crowd is many buyers, by one statement.
func (r *room) crowd(n int) []uuid.UUID {
	r.T.Helper()
	rows, err := r.Admin.Query(r.Ctx(), `INSERT INTO app_user (id, email, name, role, password_hash)
		SELECT u, u || '@souk.example', 'Somebody', 'BUYER', 'x' FROM (SELECT gen_random_uuid() AS u FROM generate_series(1, $1)) c RETURNING id`, n)
	r.Must(err)
	users, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	r.Must(err)
	return users
}

// loops has servers admit until the function that it gives is called.
func loops(servers ...*flash.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, s := range servers {
		running.Go(func() { _ = s.TurnLoop(ctx) })
	}
	return func() { cancel(); running.Wait() }
}

func (r *room) reserve(w *domaintest.World, buyer uuid.UUID, pass string, n int32) error {
	_, err := w.Inventory.Reserve(r.Ctx(), buyer, inventory.ReserveInput{
		Wants: []inventory.Want{{Variant: r.listing, Quantity: n}}, Pass: pass, IdempotencyKey: uuid.NewString(),
	})
	return err
}

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(40 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%s: not in time", what)
		}
	}
}

// Thousands join at two servers, some of them twice, while Redis is flushed, killed and started again: each has one number, is admitted
// once and in that order, never sooner than the rate allows, and nobody's position goes up.
func TestAWaitingRoomSurvivesItsRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r := setup(t, server.URL)
	another := r.Another(t)
	servers := []*flash.Service{r.flash, r.serve(another, open{})}
	const n, perMinute = 3000, 30_000 // 500 a second
	users, sale := r.crowd(n), r.sale(flash.FIFO, 300*time.Millisecond, perMinute, 1)
	stop := loops(servers...)
	defer stop()

	var watched []int64 // what one of them sees of the others
	first := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		<-first
		place, err := r.flash.PlaceOf(t.Context(), users[n-1], sale.ID)
		if err != nil {
			t.Error(err)
			return
		}
		follow, heard := r.flash.Follow(t.Context(), place), 0
		eventually(t, "the last one's turn", func() bool {
			all := r.Told.Broadcasts()
			for _, b := range all[heard:] {
				if p, ok, err := follow(b.Payload); err != nil || ok {
					watched = append(watched, *p.Position)
				}
			}
			heard = len(all)
			return len(watched) > 0 && watched[len(watched)-1] == 0
		})
	})
	for _, err := range domaintest.AtOnce(100, func(worker int) error {
		for i := worker; i < n; i += 100 {
			for range 1 + i%2 { // a second tab
				if _, err := servers[(i+worker)%2].Join(t.Context(), users[i], sale.ID); err != nil {
					return err
				}
			}
		}
		return nil
	}) {
		r.Must(err)
	}
	close(first)
	if n := r.Int(`SELECT count(DISTINCT number) * 1000000 + max(number) * 10 + min(number) FROM flash_place`); n != 3000_030001 {
		t.Errorf("numbers: %d", n)
	}

	client, err := redisx.New(server.URL)
	r.Must(err)
	defer func() { _ = client.Close() }()
	step, admitted := 0, int64(0)
	eventually(t, "everybody is admitted", func() bool {
		var passed float64
		var now int64
		r.Must(r.Admin.QueryRow(t.Context(), `SELECT admitted, extract(epoch FROM clock_timestamp() - starts_at) FROM flash_sale`).Scan(&now, &passed))
		if allowed := max(passed, 0) * perMinute / 60; float64(now) > allowed+1 {
			t.Errorf("%d are admitted after %.2f s, which allow %.0f", now, passed, allowed)
		}
		if now < admitted {
			t.Errorf("%d were admitted, and %d now", admitted, now)
		}
		admitted = now
		switch { // what goes wrong meanwhile
		case step == 0 && now > 300:
			step++
			r.Must(client.FlushAll(t.Context()).Err())
		case step == 1 && now > 800:
			step++
			r.Must(server.Kill())
			time.Sleep(500 * time.Millisecond)
			r.Must(server.Restart(t.Context()))
		}
		return now == n
	})
	watching.Wait()
	if step != 2 || !slices.IsSortedFunc(watched, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("%d mishaps, positions %v", step, watched)
	}

	codes := domaintest.Codes(domaintest.AtOnce(80, func(i int) error { // forty, each at both servers at once
		pass, err := servers[i%2].NewPass(t.Context(), users[i/2], sale.ID)
		if err != nil {
			return err
		}
		return r.reserve([]*domaintest.World{r.World, another}[i%2], users[i/2], pass.Token, 1)
	}))
	if codes[""] != 40 || codes["ADMISSION_USED"] != 40 {
		t.Errorf("%v", codes)
	}
	if n := r.Int(`SELECT sum(reserved) FROM stock`); n != 40 {
		t.Errorf("%d are reserved", n)
	}
}

// A lottery is drawn once, by a seed that was bound before anybody joined, and everybody can verify it.
func TestLottery(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	users, sale := r.crowd(60), r.sale(flash.Lottery, time.Second, 60_000, 1)
	if sale.Seed() != nil {
		t.Error("the seed is known before the draw")
	}
	for _, u := range users {
		if p, err := r.flash.Join(t.Context(), u, sale.ID); err != nil || p.Number != nil || p.Admitted() {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	stop := loops(r.flash, r.serve(r.Another(t), open{}))
	defer stop()
	eventually(t, "the draw", func() bool {
		return r.Int(`SELECT count(*) FROM flash_sale WHERE drawn_at IS NOT NULL AND admitted = 60`) == 1
	})
	if _, err := r.flash.Join(t.Context(), r.User(identity.Buyer), sale.ID); domaintest.Code(err) != "WAITING_ROOM_CLOSED" {
		t.Errorf("after the draw: %v", err)
	}
	drawn, err := r.flash.Get(t.Context(), r.seller, sale.ID)
	r.Must(err)
	if bound := sha256.Sum256(drawn.Seed()); !bytes.Equal(bound[:], sale.Commitment()) {
		t.Error("the seed is another than was bound")
	}
	tickets := map[string]int64{}
	hundred := 100
	all, err := r.flash.Tickets(t.Context(), sale.ID, page.Args{First: &hundred})
	r.Must(err)
	for i, ticket := range all.Nodes {
		if ticket.Number != int64(i+1) || i > 0 && bytes.Compare(all.Nodes[i-1].Hash, ticket.Hash) >= 0 {
			t.Errorf("ticket %d is not in order", i)
		}
		tickets[hex.EncodeToString(ticket.Hash)] = ticket.Number
	}
	order := 0
	for i, u := range users {
		own := sha256.Sum256(append(slices.Clone(drawn.Seed()), u[:]...))
		p, err := r.flash.PlaceOf(t.Context(), u, sale.ID)
		if r.Must(err); p.Number == nil || tickets[hex.EncodeToString(own[:])] != *p.Number {
			t.Fatalf("%+v", p)
		}
		if *p.Number == int64(i+1) {
			order++
		}
	}
	if order > 30 || len(tickets) != 60 {
		t.Errorf("%d of %d have the number that they would have had without a draw", order, len(tickets))
	}
}

// While a sale runs nobody reserves without a pass of their own; before and after it anybody may.
func TestPasses(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	ann, ben, eve, late := r.User(identity.Buyer), r.User(identity.Buyer), r.User(identity.Buyer), r.User(identity.Buyer)
	r.Must(r.reserve(r.World, eve, "", 1))
	sale := r.sale(flash.FIFO, 0, 2, 2) // two at the start, at most, and one in half a minute
	for _, u := range []uuid.UUID{ann, late} {
		r.Must2(r.flash.Join(t.Context(), u, sale.ID))
	}
	r.Exec(`UPDATE flash_sale SET turned_at = turned_at - interval '1 minute'`)
	told := map[uuid.UUID]time.Time{}
	eventually(t, "the first one's turn", func() bool {
		r.Must(r.flash.Turn(t.Context(), told))
		_, err := r.World.Pool.Exec(t.Context(), `SELECT flash_admit($1, 1)`, sale.ID)
		r.Must(err)
		p, err := r.flash.PlaceOf(t.Context(), ann, sale.ID)
		return err == nil && p.Admitted()
	})
	pass, err := r.flash.NewPass(t.Context(), ann, sale.ID)
	r.Must(err)
	changed := []byte(pass.Token)
	changed[30] ^= 1
	other := r.serve(r.Another(t), open{})
	for name, c := range map[string]struct {
		who  uuid.UUID
		pass string
		n    int32
		want string
	}{
		"none":           {ann, "", 1, "PASS_REQUIRED"},
		"another's":      {ben, pass.Token, 1, "PASS_INVALID"},
		"changed":        {ann, string(changed), 1, "PASS_INVALID"},
		"not a pass":     {ann, "Zm9v", 1, "PASS_INVALID"},
		"more than two":  {ann, pass.Token, 3, "ADMISSION_USED"},
		"no text at all": {ann, "\x00", 1, "PASS_INVALID"},
	} {
		if err := r.reserve(r.World, c.who, c.pass, c.n); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := other.NewPass(t.Context(), late, sale.ID); domaintest.Code(err) != "NOT_ADMITTED" {
		t.Errorf("whose turn it is not: %v", err)
	}
	if _, err := other.NewPass(t.Context(), ben, sale.ID); domaintest.Code(err) != "WAITING_ROOM_NOT_JOINED" {
		t.Errorf("who has not joined: %v", err)
	}
	// A server that believes a forged turn is stopped by the database.
	if _, err := r.Pool.Exec(t.Context(), `SELECT reservation_open(gen_random_uuid(), $1, 'x', '', 900, ARRAY[$2::uuid], (SELECT array_agg(id) FROM location), ARRAY[1])`, late, r.listing); err == nil {
		t.Error("the database lets in whose turn it is not")
	}
	r.Must(r.reserve(r.World, ann, pass.Token, 2))
	if err := r.reserve(r.World, ann, pass.Token, 1); domaintest.Code(err) != "ADMISSION_USED" {
		t.Errorf("a second reservation: %v", err)
	}
	r.Must2(r.flash.NewPass(t.Context(), ann, sale.ID)) // who has it set aside may quote it anew
	if _, err := r.Admin.Exec(t.Context(), `UPDATE flash_place SET reservation_id = NULL, taken = 0`); err == nil {
		t.Error("a place is given again")
	}
	r.Must2(r.flash.Cancel(t.Context(), flash.Actor{User: r.seller}, sale.ID))
	r.Must(r.reserve(r.World, ben, "", 1))
}

// A pass is good for ten minutes, whatever the network does.
func TestAPassExpires(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	config := r.flash.Config
	config.Clock = clock.Fixed(time.Now().Add(11 * time.Minute))
	ann, sale := r.User(identity.Buyer), r.sale(flash.FIFO, 0, 600_000, 1)
	r.Must2(r.flash.Join(t.Context(), ann, sale.ID))
	stop := loops(r.flash)
	defer stop()
	eventually(t, "their turn", func() bool { p, err := r.flash.PlaceOf(t.Context(), ann, sale.ID); return err == nil && p.Admitted() })
	pass, err := r.flash.NewPass(t.Context(), ann, sale.ID)
	r.Must(err)
	r.Must(r.flash.Check(pass.Token, sale.ID, ann))
	if err := flash.New(config).Check(pass.Token, sale.ID, ann); domaintest.Code(err) != "PASS_EXPIRED" {
		t.Errorf("after eleven minutes: %v", err)
	}
}

// What makes no sense is refused, and a listing has one sale at a time.
func TestSchedule(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	now := time.Now()
	good := flash.ScheduleInput{Listing: r.listing, StartsAt: now.Add(time.Hour), EndsAt: now.Add(2 * time.Hour), AdmitPerMinute: 60, PerBuyer: 1, Mode: flash.FIFO}
	for name, c := range map[string]struct {
		change func(*flash.ScheduleInput)
		want   string
	}{
		"it ends before it starts": {func(in *flash.ScheduleInput) { in.EndsAt = in.StartsAt }, "FLASH_SALE_TIMES"},
		"it is over":               {func(in *flash.ScheduleInput) { in.StartsAt, in.EndsAt = now.Add(-2*time.Hour), now.Add(-time.Hour) }, "FLASH_SALE_TIMES"},
		"eight days":               {func(in *flash.ScheduleInput) { in.EndsAt = in.StartsAt.Add(8 * 24 * time.Hour) }, "FLASH_SALE_TIMES"},
		"nobody is let in":         {func(in *flash.ScheduleInput) { in.AdmitPerMinute = 0 }, "FLASH_SALE_TERMS"},
		"nothing for each":         {func(in *flash.ScheduleInput) { in.PerBuyer = 0 }, "FLASH_SALE_TERMS"},
		"no listing":               {func(in *flash.ScheduleInput) { in.Listing = uuid.New() }, "LISTING_NOT_FOUND"},
	} {
		in := good
		c.change(&in)
		if _, err := r.flash.Schedule(t.Context(), flash.Actor{User: r.seller}, in); domaintest.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := r.flash.Schedule(t.Context(), flash.Actor{User: r.User(identity.Seller)}, good); domaintest.Code(err) != "LISTING_NOT_FOUND" {
		t.Errorf("another seller: %v", err)
	}
	codes := domaintest.Codes(domaintest.AtOnce(6, func(int) error {
		_, err := r.flash.Schedule(t.Context(), flash.Actor{User: r.seller}, good)
		return err
	}))
	if codes[""] != 1 || codes["FLASH_SALE_OVERLAPS"] != 5 {
		t.Errorf("at once: %v", codes)
	}
	sales, err := r.flash.OfListings(t.Context(), []uuid.UUID{r.listing})
	r.Must(err)
	sale := sales[r.listing]
	r.Exec(`UPDATE listing SET status = 'HIDDEN', hidden_from = status WHERE id = $1`, r.listing)
	if _, err := r.flash.Join(t.Context(), r.User(identity.Buyer), sale.ID); domaintest.Code(err) != "FLASH_SALE_NOT_FOUND" {
		t.Errorf("of a hidden listing: %v", err)
	}
}

// The gate asks for an account of some age, and for patience.
func TestAgeGate(t *testing.T) {
	t.Parallel()
	r := setup(t, redistest.URL(t))
	sale, fresh, old := r.sale(flash.FIFO, time.Hour, 60, 1), r.User(identity.Buyer), r.User(identity.Buyer)
	r.Exec(`UPDATE app_user SET created_at = created_at - interval '2 hours' WHERE id = $1`, old)
	strict := r.serve(r.World, flash.NewAgeGate(r.Pool, clock.System{}, time.Hour))
	if _, err := strict.Join(t.Context(), fresh, sale.ID); domaintest.Code(err) != "ACCOUNT_TOO_NEW" {
		t.Errorf("a fresh account: %v", err)
	}
	for i := range 12 {
		_, err := strict.Join(t.Context(), old, sale.ID)
		if want := map[bool]string{true: "WAITING_ROOM_TOO_FAST"}[i >= 10]; domaintest.Code(err) != want {
			t.Errorf("attempt %d: %v", i, err)
		}
	}
}
