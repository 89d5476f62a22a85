package graph_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/shipping"
)

const pickupPoints = `query($code: String!) { pickupPoints(carrier: "MONDIAL_RELAY", country: "FR", postalCode: $code) { number name lines city metres kept seenAt } }`

// pointsAt are the numbers that a search gives, and whether they are kept ones.
func pointsAt(t *testing.T, who graphtest.Person, code string) (numbers []string, kept bool) {
	t.Helper()
	var found []struct {
		Number string
		Kept   bool
		SeenAt time.Time
	}
	if err := json.Unmarshal(who.Must(t, pickupPoints, apitest.Vars{"code": code}).At("pickupPoints").Raw(), &found); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		numbers, kept = append(numbers, f.Number), f.Kept
		if f.SeenAt.IsZero() || f.Kept != found[0].Kept {
			t.Errorf("%+v", found)
		}
	}
	return numbers, kept
}

// While a carrier is down, what it told before is shown, with when it told it: around the same postal code, and around others of its area.
func TestPickupPointsAreKept(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Funded(1)
	live, kept := pointsAt(t, buyer, "75001")
	if len(live) != 3 || live[0] != aRelay || kept {
		t.Fatalf("%v, kept %v", live, kept)
	}
	a.Exec(`UPDATE pickup_point SET seen_at = seen_at - interval '3 days'`)
	a.Relay.Plan.Fail(carrierfake.Down, -1)
	for _, code := range []string{"75001", "75015", "75-01"} {
		got, kept := pointsAt(t, buyer, code)
		slices.Sort(got)
		if !slices.Equal(got, slices.Sorted(slices.Values(live))) || !kept {
			t.Errorf("%s: %v, kept %v", code, got, kept)
		}
	}
	seen := buyer.Must(t, pickupPoints, apitest.Vars{"code": "75001"})
	if at, err := time.Parse(time.RFC3339, seen.Str("pickupPoints.0.seenAt")); err != nil || time.Since(at) < 70*time.Hour || seen.Str("pickupPoints.0.number") != aRelay {
		t.Errorf("%v: %s", err, seen.Raw())
	}
	for _, code := range []string{"69002", "%", "__", "7", ""} { // where nobody has asked, and what are patterns of SQL's
		if got := codeOf(t, buyer.Client, pickupPoints, apitest.Vars{"code": code}); got != "CARRIER_UNAVAILABLE" {
			t.Errorf("%q: %s", code, got)
		}
	}
	near, err := a.Resolver.Shipping.Points(t.Context(), "MONDIAL_RELAY", shipping.PointSearch{Country: "FR", At: &shipping.Coordinates{Latitude: 48.8590, Longitude: 2.3560}})
	if err != nil || len(near) != 3 || near[0].ID != "024474" || near[0].Metres == 0 || near[0].Metres > near[1].Metres || len(near[0].Hours[0]) != 2 {
		t.Errorf("near a place: %+v, %v", near, err)
	}
	a.Exec(`UPDATE pickup_point SET seen_at = seen_at - interval '31 days'`)
	if got := codeOf(t, buyer.Client, pickupPoints, apitest.Vars{"code": "75001"}); got != "CARRIER_UNAVAILABLE" {
		t.Errorf("too old to be shown: %s", got)
	}
	if err := a.Resolver.Shipping.Sweep(t.Context()); err != nil || a.Int(`SELECT count(*) FROM pickup_point`) != 0 {
		t.Errorf("and kept on: %v", err)
	}
}

// A point that has closed is not shown any more, whichever way it is learnt of: by a search, by a look at it, or by a parcel that is refused.
func TestAClosedPointIsForgotten(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	known := func() (numbers []string) { return p.Texts(`SELECT number FROM pickup_point ORDER BY number`) }
	if pointsAt(t, p.buyer, "75001"); len(known()) != 3 {
		t.Fatalf("%v", known())
	}
	p.Relay.Close("051122")
	if _, err := p.Resolver.Shipping.OpenPoint(t.Context(), "MONDIAL_RELAY", "FR", "051122"); !errors.Is(err, shipping.ErrPointClosed) || len(known()) != 2 {
		t.Errorf("looked at: %v, %v", err, known())
	}
	p.Relay.Close("024474")
	if made := p.seller.Must(t, shipmentCreate, p.parcel(apitest.Vars{"pickupPointId": "024474"})); made.Str("shipmentCreate.shipment.status") != "FAILED" || len(known()) != 1 {
		t.Errorf("sent to: %v", known())
	}
	p.Relay.Open("024474")
	pointsAt(t, p.buyer, "75001")
	p.Relay.Close(aRelay)
	if got, _ := pointsAt(t, p.buyer, "75001"); len(got) != 1 || strings.Join(known(), " ") != "024474" {
		t.Errorf("searched: %v, %v", got, known())
	}
}

// Whether a point is open is asked for before it is paid; while the carrier is down, what it told of lately is believed.
func TestWhetherAPointIsOpen(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	look := func(country, number string) (shipping.Point, error) {
		return a.Resolver.Shipping.OpenPoint(t.Context(), "MONDIAL_RELAY", country, number)
	}
	if p, err := look("FR", aRelay); err != nil || p.Kept || p.Name != "ARS INFORMATIQUE" || p.SeenAt.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	for _, c := range [][2]string{{"FR", "000001"}, {"FR", "no such"}, {"fr", aRelay}, {"BE", aRelay}, {"FR", ""}} {
		if _, err := look(c[0], c[1]); !errors.Is(err, shipping.ErrPointClosed) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if _, err := a.Resolver.Shipping.OpenPoint(t.Context(), "PIGEON", "FR", aRelay); !errors.Is(err, shipping.ErrCarrier) {
		t.Errorf("a carrier that is none: %v", err)
	}
	a.Relay.Plan.Fail(carrierfake.Down, -1)
	if p, err := look("FR", aRelay); err != nil || !p.Kept || p.Name != "ARS INFORMATIQUE" {
		t.Errorf("while it is down: %+v, %v", p, err)
	}
	if _, err := look("FR", "024474"); !errors.Is(err, shipping.ErrCarrierDown) {
		t.Errorf("one that nobody knows: %v", err)
	}
	a.Exec(`UPDATE pickup_point SET seen_at = seen_at - interval '49 hours'`)
	if _, err := look("FR", aRelay); !errors.Is(err, shipping.ErrCarrierDown) {
		t.Errorf("what was told long ago: %v", err)
	}
}

// Searches at once, one of which finds a point closed: each answers, and nothing waits in a circle.
func TestSearchesAtOnce(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Funded(1)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			if i == 6 {
				a.Relay.Close("051122")
			}
			if _, err := buyer.Do(pickupPoints, apitest.Vars{"code": []string{"75001", "75004", "75010"}[i%3]}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	pointsAt(t, buyer, "75010")
	if got := a.Texts(`SELECT number FROM pickup_point ORDER BY number`); strings.Join(got, " ") != "024474 034439" {
		t.Errorf("%v", got)
	}
}
