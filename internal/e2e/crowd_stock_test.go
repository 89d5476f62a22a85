package e2e

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

// crowd is how many want what there is little of; make soak-crowd has a thousand.
var crowd = flag.Int("crowd", 150, "how many buyers want ten units, ten codes and one item at once")

// shopper wants a unit, a code and the one item, each in turn; a step whose fate is unknown is where they go on later.
type shopper struct {
	person
	step    int
	unit    string // reservations that they were told of
	code    string
	pot     string
	orders  []string
	refused map[string]int
}

// counter is what shoppers want.
type counter struct{ tee, game, pot string }

type answerData struct {
	Reserve struct {
		Reservation *struct{ ID string }
		UserErrors  []struct{ Code string }
	} `json:"reservationCreate"`
	Pay struct {
		Orders     []struct{ ID string }
		UserErrors []struct{ Code string }
	} `json:"reservationPay"`
}

const (
	setAside = `mutation($input: ReservationCreateInput!) { reservationCreate(input: $input) { reservation { id } userErrors { code } } }`
	payFor   = `mutation($input: ReservationPayInput!) { reservationPay(input: $input) { orders { id } userErrors { code } } }`
)

// shop goes on from the step where the shopper is. An error says that a step's fate is unknown.
func (s *shopper) shop(c counter) error {
	for ; s.step < 4; s.step++ {
		var err error
		switch s.step {
		case 0:
			s.unit, err = s.reserve(c.tee, "unit")
		case 1:
			s.code, err = s.reserve(c.game, "code")
		case 2:
			err = s.pay()
		case 3:
			s.pot, err = s.reserve(c.pot, "pot")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *shopper) reserve(variant, key string) (string, error) {
	var got answerData
	err := ask(s.person, setAside, apitest.Vars{"lines": []any{apitest.Vars{"variantId": variant}}, "idempotencyKey": key}, &got)
	if err != nil {
		return "", err
	}
	for _, e := range got.Reserve.UserErrors {
		s.refused[e.Code]++
	}
	if got.Reserve.Reservation == nil {
		return "", nil
	}
	return got.Reserve.Reservation.ID, nil
}

func (s *shopper) pay() error {
	if s.code == "" {
		return nil
	}
	var got answerData
	if err := ask(s.person, payFor, apitest.Vars{"reservationId": s.code, "total": eur(900), "idempotencyKey": "pay"}, &got); err != nil {
		return err
	}
	for _, e := range got.Pay.UserErrors {
		s.refused["PAY "+e.Code]++
	}
	for _, o := range got.Pay.Orders {
		s.orders = append(s.orders, o.ID)
	}
	return nil
}

// counter has ten units, ten codes, and one item that its seller puts into an auction at the same time.
func (s *site) counter(hana person) counter {
	s.t.Helper()
	product := func(kind string) string {
		var got struct {
			Made struct {
				Listing struct{ Variants []struct{ ID string } }
			} `json:"listingCreate"`
		}
		in := apitest.Vars{"kind": kind, "title": "A " + kind, "condition": "NEW", "photoIds": []string{hana.sendPhoto(s.t)}}
		if kind == "ONE_OFF" {
			in["price"] = eur(900)
		} else {
			in["variants"] = []any{apitest.Vars{"price": eur(900)}}
		}
		if err := ask(hana, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`, in, &got); err != nil {
			s.t.Fatal(err)
		}
		return got.Made.Listing.Variants[0].ID
	}
	c := counter{product("RETAIL"), product("DIGITAL_CODE"), product("ONE_OFF")}
	place := hana.Must(s.t, tour(s.t, "Where stock lies"), apitest.Vars{"input": apitest.Vars{"name": "Home", "region": "FR"}}).Str("locationCreate.location.id")
	hana.Must(s.t, tour(s.t, "Receive stock"), apitest.Vars{"input": apitest.Vars{"variantId": c.tee, "locationId": place, "quantity": 10, "idempotencyKey": "k"}})
	codes := make([]string, 10)
	for i := range codes {
		codes[i] = fmt.Sprintf("CODE-%d", i)
	}
	hana.Must(s.t, tour(s.t, "Upload codes"), apitest.Vars{"input": apitest.Vars{"variantId": c.game, "codes": strings.Join(codes, "\n"), "idempotencyKey": "k"}})
	return c
}

// A crowd wants ten units, ten codes and one item that is put into an auction meanwhile, at two servers of which one is killed. Whoever
// does not know what became of their wish asks again at the other. Ten units are set aside, ten codes have one owner each, and the item is
// somebody's or the auction's.
//
// A quarter of the crowd comes late, to the server that is killed, and finds the stock's rows locked: it is killed while they wait for theirs.
func TestACrowdForWhatThereIsLittleOf(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	site.shareStripe()
	site.settings["SOUK_CODE_KEYS"], site.settings["SOUK_CODE_HASH_KEY"] = "one:"+strings.Repeat("1", 64), strings.Repeat("2", 64)
	site.settings["SOUK_DB_MAX_CONNS"] = "20"
	beside := site.another()
	beside.settings["SOUK_DB_MAX_CONNS"] = "8"
	doomed, other := site.start(), beside.start()
	hana := doomed.signUp("Hana", "SELLER")
	c := site.counter(hana)
	shoppers := make([]*shopper, *crowd)
	for i, b := range site.people(*crowd, 100) {
		shoppers[i] = &shopper{person: b.at([]*server{doomed, other}[i%2]), refused: map[string]int{}}
	}

	var shopping sync.WaitGroup
	var answered atomic.Int32
	halfway, locked := make(chan struct{}), make(chan struct{})
	var late []*shopper
	for i, s := range shoppers {
		if i%4 == 0 { // at the doomed one
			late = append(late, s)
		}
		shopping.Go(func() {
			if i%4 == 0 {
				<-locked
			}
			_ = s.shop(c) // who does not know goes on below
			if answered.Add(1) == int32(*crowd/8) {
				close(halfway)
			}
		})
	}
	var auctioned atomic.Bool
	shopping.Go(func() {
		var got struct {
			Start struct{ Auction *struct{ ID string } } `json:"auctionStart"`
		}
		listing, _ := id.Variant.Decode(c.pot)
		in := apitest.Vars{"listingId": id.Listing.Encode(listing), "startPrice": eur(100), "durationSeconds": 600}
		err := ask(hana.at(other), `mutation($input: AuctionStartInput!) { auctionStart(input: $input) { auction { id } userErrors { code } } }`, in, &got)
		auctioned.Store(err == nil && got.Start.Auction != nil)
	})
	<-halfway
	site.holdStock(func() {
		close(locked)
		site.waitForLocks(9) // more than the other has connections
		doomed.kill()
	})
	shopping.Wait()
	for _, s := range late {
		if s.step != 0 || s.unit != "" {
			t.Errorf("%s came late, and is at step %d with %q", s.name, s.step, s.unit)
		}
	}
	site.claimsEnd()
	again := 0
	for _, s := range shoppers {
		if s.step < 4 {
			again++
		}
		s.person = s.at(other)
		shopping.Go(func() {
			if err := s.shop(c); err != nil {
				t.Errorf("%s, step %d: %v", s.name, s.step, err)
			}
		})
	}
	shopping.Wait()
	t.Logf("%d of %d did not know and asked again; the auction has the item: %t", again, *crowd, auctioned.Load())
	site.checkCounter(c, shoppers, auctioned.Load())
	site.checkLedger()
}

// holdStock does something while nobody gets at what is in stock.
func (s *site) holdStock(do func()) {
	s.t.Helper()
	err := pgx.BeginFunc(s.t.Context(), s.db.Admin, func(tx pgx.Tx) error {
		_, err := tx.Exec(s.t.Context(), `SELECT FROM stock ORDER BY variant_id, location_id FOR UPDATE`)
		if err == nil {
			do()
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// waitForLocks waits until so many connections of servers wait for a row.
func (s *site) waitForLocks(connections int) {
	s.t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var waiting int
		err := s.db.Admin.QueryRow(s.t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'souk' AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil || time.Since(begun) > patience {
			s.t.Fatalf("%d connections wait, %v", waiting, err)
		}
		if waiting >= connections {
			return
		}
	}
}

// checkCounter compares what shoppers were told with what is stored.
func (s *site) checkCounter(c counter, shoppers []*shopper, auctioned bool) {
	s.t.Helper()
	units, codes, orders, pots := map[string]bool{}, map[string]bool{}, map[string]bool{}, 0
	for _, p := range shoppers {
		for told, set := range map[string]map[string]bool{p.unit: units, p.code: codes} {
			if told != "" {
				set[told] = true
			}
		}
		for _, o := range p.orders {
			orders[o] = true
		}
		if p.pot != "" {
			pots++
		}
		for code := range p.refused {
			if code != "OUT_OF_STOCK" {
				s.t.Errorf("%s was refused by %s", p.name, code)
			}
		}
	}
	if len(units) != 10 || len(codes) != 10 || len(orders) != 10 {
		s.t.Errorf("told: %d units, %d codes, %d orders", len(units), len(codes), len(orders))
	}
	if owners := pots + map[bool]int{true: 1}[auctioned]; owners != 1 {
		s.t.Errorf("the item has %d owners, the auction among them: %t", owners, auctioned)
	}
	for what, want := range map[string]int{
		`SELECT reserved FROM stock WHERE variant_id = $1`:                                                            10,
		`SELECT count(*) FROM reservation_line WHERE variant_id = $1`:                                                 10,
		`SELECT on_hand FROM stock WHERE variant_id = $1`:                                                             10,
		`SELECT sum(quantity) FROM stock_movement WHERE variant_id = $1`:                                              10,
		`SELECT count(DISTINCT c.order_id) FROM code c WHERE order_id IS NOT NULL AND $1::uuid IS NOT NULL`:           10,
		`SELECT count(DISTINCT o.buyer_id) FROM orders o JOIN code c ON c.order_id = o.id WHERE $1::uuid IS NOT NULL`: 10,
	} {
		tee, err := id.Variant.Decode(c.tee)
		if err != nil {
			s.t.Fatal(err)
		}
		var n int
		if err := s.db.Pool.QueryRow(s.t.Context(), what, tee).Scan(&n); err != nil || n != want {
			s.t.Errorf("%s: %d, want %d, %v", what, n, want, err)
		}
	}
}
