package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/fedex"
)

// told is a body in which FedEx tells of a parcel, as its tracking answers.
func told(number, status string, n int) string {
	return fmt.Sprintf(`{"transactionId":"%d","output":{"completeTrackResults":[{"trackingNumber":%q,"trackResults":[{"trackingNumberInfo":{"trackingNumber":%q},"latestStatusDetail":{"code":%q}}]}]}}`, n, number, number, status)
}

// tell sends what FedEx is to have told, and gives the status that it was answered with.
func (p *postOffice) tell(path, body, signature string) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if signature != "" {
		r.Header.Set(fedex.SignatureHeader, signature)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

const newsOfFedEx = "/webhooks/carriers/FEDEX"

// news are the statuses of the inbox, in the order in which it came in.
func (p *postOffice) news() string {
	p.t.Helper()
	return strings.Join(p.Texts(`SELECT status FROM carrier_news ORDER BY received_at, number`), " ")
}

// heard has everything in the inbox acted on that is there, without any parcel being due to be asked about.
func (p *postOffice) heard() {
	p.t.Helper()
	p.Exec(`UPDATE carrier_news SET received_at = received_at - interval '2 minutes'`)
	if err := p.Resolver.Shipping.Sweep(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// What FedEx tells has the parcel asked about at once, whatever it says: old news after new, and the same twice, change nothing.
func TestTrackingByWebhook(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	number := p.byFedEx().Str("trackingNumber")
	send := func(body string) int {
		return p.tell(newsOfFedEx, body, fedex.Sign(graphtest.FedExToken, []byte(body)))
	}
	p.FedEx.Move(number, "PU", "Picked up", "LYON")
	p.heard()
	if got := p.now(); got.Str("status") != "LABELLED" {
		t.Fatalf("asked about before its time: %s", got.Raw())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := send(told(number, "PU", 1)); got != http.StatusOK {
				t.Errorf("answered %d", got)
			}
		})
	}
	all.Wait()
	p.heard()
	if got := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}); got.Str("order.shipments.0.status") != "IN_TRANSIT" || got.Str("order.fulfilment") != "EN_ROUTE" || p.news() != "DONE" {
		t.Errorf("%s: %s", p.news(), got.Raw())
	}
	p.FedEx.Move(number, "DL", "Delivered", "PARIS")
	if send(told(number, "DL", 3)) != http.StatusOK || send(told(number, "PU", 2)) != http.StatusOK {
		t.Error("refused")
	}
	p.heard()
	if got := p.buyer.Must(t, orderParcels, apitest.Vars{"id": p.order}); got.Str("order.shipments.0.status") != "DELIVERED" || got.Str("order.fulfilment") != "RECEIVED" {
		t.Errorf("old news after new: %s", got.Raw())
	}
	send(told(number, "PU", 1))
	send(told(number, "DL", 4))
	p.Exec(`UPDATE carrier_news SET received_at = received_at - interval '11 minutes' WHERE status = 'RECEIVED'`)
	if p.heard(); p.Int(`SELECT count(*) FROM carrier_news WHERE status = 'IGNORED'`) != 2 || p.Int(`SELECT count(*) FROM carrier_news`) != 4 {
		t.Errorf("after its end: %s", p.news())
	}
}

// Who can't be verified is refused, and leaves nothing behind.
func TestWhoIsNotFedEx(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	number := p.byFedEx().Str("trackingNumber")
	body := told(number, "DL", 1)
	signed := fedex.Sign(graphtest.FedExToken, []byte(body))
	for name, c := range map[string]struct {
		path, body, signature string
		want                  int
	}{
		"nobody":              {newsOfFedEx, body, "", http.StatusBadRequest},
		"another token":       {newsOfFedEx, body, fedex.Sign("another", []byte(body)), http.StatusBadRequest},
		"another body":        {newsOfFedEx, body + " ", signed, http.StatusBadRequest},
		"half a signature":    {newsOfFedEx, body, signed[:20], http.StatusBadRequest},
		"no token":            {newsOfFedEx, body, fedex.Sign("", []byte(body)), http.StatusBadRequest},
		"a carrier that does": {"/webhooks/carriers/MONDIAL_RELAY", body, signed, http.StatusNotFound},
		"no carrier":          {"/webhooks/carriers/PIGEON", body, signed, http.StatusNotFound},
		"all of them":         {"/webhooks/carriers/", body, signed, http.StatusNotFound},
	} {
		if got := p.tell(c.path, c.body, c.signature); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
	for _, body := range []string{"", "no json", `{}`, `[1,2,{"trackingNumber":7}]`, `{"trackingNumber":"'; DROP TABLE shipment"}`} { // FedEx's own, and of no parcel
		if got := p.tell(newsOfFedEx, body, fedex.Sign(graphtest.FedExToken, []byte(body))); got != http.StatusOK {
			t.Errorf("%q: %d", body, got)
		}
	}
	huge := strings.Repeat(" ", 2<<20)
	if got := p.tell(newsOfFedEx, huge, fedex.Sign(graphtest.FedExToken, []byte(huge))); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge one: %d", got)
	}
	get, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+newsOfFedEx, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(get)
	if err != nil || answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != http.MethodPost {
		t.Errorf("GET: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	if p.news() != "" {
		t.Errorf("kept: %s", p.news())
	}
}

// News of a parcel that nobody knows waits for it, but not for ever; news that comes while the carrier is down leaves the poll to go on.
func TestNewsOfUnknownParcels(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	body := told("794600000001", "OC", 1) // the number that the fake gives next
	if got := p.tell(newsOfFedEx, body, fedex.Sign(graphtest.FedExToken, []byte(body))); got != http.StatusOK {
		t.Fatal(got)
	}
	if p.heard(); p.news() != "RECEIVED" {
		t.Errorf("before its parcel: %s", p.news())
	}
	if number := p.byFedEx().Str("trackingNumber"); number != "794600000001" {
		t.Fatal(number)
	}
	p.FedEx.Plan.Fail(carrierfake.Down, 1)
	if p.heard(); p.news() != "DONE" {
		t.Errorf("after it: %s", p.news())
	}
	if p.FedEx.Move("794600000001", "PU", "Picked up", "LYON"); p.Int(`SELECT extract(epoch FROM track_at - clock_timestamp())::bigint FROM shipment`) > 300 {
		t.Error("it is not asked about again soon")
	}
	if p.due(); p.now().Str("status") != "IN_TRANSIT" {
		t.Errorf("%s", p.now().Raw())
	}
	other := told("794699999999", "DL", 1)
	p.tell(newsOfFedEx, other, fedex.Sign(graphtest.FedExToken, []byte(other)))
	p.Exec(`UPDATE carrier_news SET received_at = received_at - interval '11 minutes'`)
	if p.heard(); p.news() != "DONE IGNORED" {
		t.Errorf("nobody's: %s", p.news())
	}
	p.Exec(`UPDATE carrier_news SET received_at = received_at - interval '91 days'`)
	if p.heard(); p.news() != "" {
		t.Errorf("kept for ever: %s", p.news())
	}
}

// Both sides hear of a label at once, and of where a parcel is although the order stays as it is.
func TestParcelsAreLive(t *testing.T) {
	t.Parallel()
	p := newPostOffice(t)
	defer everything(t, p.API)
	watch := `subscription($id: ID!) { orderEvents(orderId: $id) { kind order { fulfilment shipments { status trackingNumber } } } }`
	buyer, seller := p.buyer.Subscribe(t, watch, apitest.Vars{"id": p.order}), p.seller.Subscribe(t, watch, apitest.Vars{"id": p.order})
	for _, side := range []*apitest.Stream{buyer, seller} {
		if got := side.Next().Str("orderEvents.kind"); got != "SNAPSHOT" {
			t.Fatal(got)
		}
	}
	number := p.byFedEx().Str("trackingNumber")
	for _, side := range []*apitest.Stream{buyer, seller} {
		if got := side.Next(); got.Str("orderEvents.kind") != "PARCEL_CHANGED" || got.Str("orderEvents.order.shipments.0.trackingNumber") != number {
			t.Errorf("%s", got.Raw())
		}
	}
	p.FedEx.Move(number, "PU", "Picked up", "LYON")
	p.due()
	p.FedEx.Move(number, "HL", "Ready for pickup", "PARIS")
	p.due()
	p.due() // nothing new
	p.FedEx.Move(number, "DL", "Delivered", "PARIS")
	p.due()
	for _, want := range []string{"SENT", "EN_ROUTE", "PARCEL_CHANGED", "DELIVERED"} {
		if got := buyer.Next().Str("orderEvents.kind"); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

// Points near a street, where somebody knows where that is; where nobody does, near its postal code.
func TestPickupPointsNearAStreet(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	buyer := a.Funded(1)
	first := func(street string) string {
		t.Helper()
		return buyer.Must(t, `query($street: String!) { pickupPoints(carrier: "MONDIAL_RELAY", country: "FR", postalCode: "75010", street: $street) { number metres } }`,
			apitest.Vars{"street": street}).Str("pickupPoints.0.number")
	}
	if got := first(""); got != "051122" || a.Geocoder.Asked() != 0 {
		t.Errorf("without a street: %s", got)
	}
	if got := first("5 quai de Valmy"); got != "051122" || a.Geocoder.Asked() != 1 {
		t.Errorf("%s", got)
	}
	near, err := a.Resolver.Shipping.Points(t.Context(), "MONDIAL_RELAY", pointsNear("12 rue des Archives"))
	if err != nil || near[0].ID != "024474" || near[0].Metres > 100 {
		t.Errorf("%+v, %v", near, err)
	}
	a.Geocoder.Plan.Fail(carrierfake.Down, -1)
	if got := first("5 quai de Valmy"); got != "051122" {
		t.Errorf("while it is down: %s", got)
	}
	if got := codeOf(t, buyer.Client, `query($street: String!) { pickupPoints(carrier: "MONDIAL_RELAY", country: "FR", postalCode: "75010", street: $street) { number } }`,
		apitest.Vars{"street": strings.Repeat("x", 201)}); got != "PICKUP_POINT_PLACE" {
		t.Errorf("a long street: %s", got)
	}
}

func pointsNear(street string) shipping.PointSearch {
	return shipping.PointSearch{Country: "FR", PostalCode: "75004", City: "Paris", Street: street}
}
