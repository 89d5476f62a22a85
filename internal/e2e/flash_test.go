package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/redistest"
)

// A crowd waits at two servers for a flash sale, and their Redis is killed and comes back empty when a third is admitted: nobody loses their
// place, nobody is admitted before their turn or reserves twice, and who watches sees their position go down to nothing.
func TestAFlashSaleAtTwoServers(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	site := newSite(t)
	site.settings["REDIS_URL"], site.settings["SOUK_SIGNING_KEY"] = redis.URL, strings.Repeat("3", 64)
	site.settings["SOUK_CODE_KEYS"], site.settings["SOUK_CODE_HASH_KEY"] = "one:"+strings.Repeat("1", 64), strings.Repeat("2", 64)
	site.shareStripe()
	servers := []*server{site.start(), site.another().start()}
	hana := servers[0].signUp("Hana", "SELLER")
	tee := site.counter(hana).tee
	variant, err := id.Variant.Decode(tee)
	if err != nil {
		t.Fatal(err)
	}
	listing := variant
	if err := site.db.Admin.QueryRow(t.Context(), `SELECT listing_id FROM variant WHERE id = $1`, variant).Scan(&listing); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Schedule struct {
			Sale struct{ ID string } `json:"flashSale"`
		} `json:"flashSaleSchedule"`
	}
	const n, perMinute = 30, 300
	starts := time.Now().Add(2 * time.Second)
	in := apitest.Vars{"listingId": id.Listing.Encode(listing), "startsAt": starts, "endsAt": starts.Add(time.Hour), "admitPerMinute": perMinute}
	if err := ask(hana, `mutation($input: FlashSaleScheduleInput!) { flashSaleSchedule(input: $input) { flashSale { id } userErrors { code } } }`, in, &made); err != nil || made.Schedule.Sale.ID == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	sale := made.Schedule.Sale.ID

	crowd := make([]person, n)
	numbers := make([]int, n)
	var joining sync.WaitGroup
	for i, b := range site.people(n, 100) {
		crowd[i] = b.at(servers[i%2])
		joining.Go(func() {
			var got struct {
				Join struct{ Place struct{ Number int } } `json:"flashSaleJoin"`
			}
			err := ask(crowd[i], `mutation($input: FlashSaleJoinInput!) { flashSaleJoin(input: $input) { place { number } userErrors { code } } }`, apitest.Vars{"flashSaleId": sale}, &got)
			if numbers[i] = got.Join.Place.Number; err != nil || numbers[i] == 0 {
				t.Errorf("%s joins: %+v, %v", crowd[i].name, got, err)
			}
		})
	}
	joining.Wait()
	last := slices.Index(numbers, n)
	if sorted := slices.Sorted(slices.Values(numbers)); last < 0 || len(slices.Compact(sorted)) != n {
		t.Fatalf("numbers %v", numbers)
	}
	stream := crowd[last].Subscribe(t, `subscription($id: ID!) { flashSalePlace(flashSaleId: $id) { position } }`, apitest.Vars{"id": sale})
	var watching sync.WaitGroup
	var positions []int
	watching.Go(func() {
		for len(positions) == 0 || positions[len(positions)-1] > 0 {
			raw, err := stream.Receive()
			if err != nil {
				t.Errorf("after %v: %v", positions, err)
				return
			}
			var got struct {
				Place struct{ Position int } `json:"flashSalePlace"`
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Error(err)
				return
			}
			positions = append(positions, got.Place.Position)
		}
	})

	killed := false
	eventually(t, "everybody is admitted", func() bool {
		var admitted int
		var passed float64
		if err := site.db.Admin.QueryRow(t.Context(), `SELECT admitted, extract(epoch FROM clock_timestamp() - starts_at) FROM flash_sale`).Scan(&admitted, &passed); err != nil {
			t.Fatal(err)
		}
		if allowed := max(passed, 0) * perMinute / 60; float64(admitted) > allowed+1 {
			t.Errorf("%d are admitted after %.2f s", admitted, passed)
		}
		if !killed && admitted > n/3 {
			killed = true
			if err := redis.Kill(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if err := redis.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return admitted == n
	})
	watching.Wait()
	stream.Cut()
	if !killed || !slices.IsSortedFunc(positions, func(a, b int) int { return b - a }) {
		t.Errorf("positions %v", positions)
	}
	site.reserveTwice(sale, tee, crowd, servers)
}

// reserveTwice has each of a crowd ask for a pass, and reserve with it at both servers at once: each gets one unit at most, and the ten that there
// are get reserved.
func (s *site) reserveTwice(sale, tee string, crowd []person, servers []*server) {
	s.t.Helper()
	var mu sync.Mutex
	reserved, refused := map[string]int{}, map[string]int{}
	var asking sync.WaitGroup
	for i, p := range crowd {
		pass := p.at(servers[(i+1)%2]).Must(s.t, `mutation($input: FlashSalePassCreateInput!) { flashSalePassCreate(input: $input) { pass userErrors { code } } }`,
			apitest.Vars{"input": apitest.Vars{"flashSaleId": sale}}).Str("flashSalePassCreate.pass")
		for at, server := range servers {
			asking.Go(func() {
				var got answerData
				in := apitest.Vars{"lines": []any{apitest.Vars{"variantId": tee}}, "admissionPass": pass, "idempotencyKey": string(rune('a' + at))}
				err := ask(p.at(server), setAside, in, &got)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					s.t.Errorf("%s: %v", p.name, err)
				case got.Reserve.Reservation != nil:
					reserved[p.name]++
				default:
					refused[got.Reserve.UserErrors[0].Code]++
				}
			})
		}
	}
	asking.Wait()
	for name, n := range reserved {
		if n > 1 {
			s.t.Errorf("%s has %d", name, n)
		}
	}
	if len(reserved) != 10 || refused["ADMISSION_USED"]+refused["OUT_OF_STOCK"] != 2*len(crowd)-10 {
		s.t.Errorf("%d have one, refused are %v", len(reserved), refused)
	}
}
