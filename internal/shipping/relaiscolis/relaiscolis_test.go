package relaiscolis_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/relaiscolis"
)

const (
	key      = "fCwdKsMGEAkRK0jrNSVXzAzjJt5qqx6v"
	relayKey = "RC-a-key-of-tests"
	point    = "I4041_F2_40411_488641_23470" // in Paris, at the fake
)

// middle is a geocoder that knows one place.
type middle struct{}

func (middle) Locate(_ context.Context, p address.Postal) (shipping.Located, error) {
	if p.PostalCode != "75001" {
		return shipping.Located{}, shipping.ErrPlaceUnknown
	}
	return shipping.Located{At: shipping.Coordinates{Latitude: 48.8641, Longitude: 2.3470}}, nil
}

func setup(t *testing.T, patience time.Duration) (*carrierfake.RelaisColis, *relaiscolis.Carrier) {
	t.Helper()
	fake := carrierfake.NewRelaisColis(key, relayKey)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, relaiscolis.New(relaiscolis.Config{
		ActivationKey: key, RelayKey: relayKey, Enseigne: "5", URL: server.URL, RelayURL: server.URL, Locator: middle{}, Line: shipping.LineConfig{Patience: patience},
	})
}

func request() shipping.Request {
	return shipping.Request{
		Reference: "S0000000000001A", Product: relaiscolis.PickupPoint, Point: point, Parcel: shipping.Parcel{Grams: 1200},
		From: address.Postal{Name: "Boutique Étoile", Line1: "7 bis rue Émile Blanc", City: "Domène", PostalCode: "38420", Country: "FR", Phone: "+33476772308"},
		To: address.Postal{
			Name: "Jean-François de la Rochefoucauld-Montmorency", Line1: "127 boulevard du Maréchal de Lattre de Tassigny", City: "Paris", PostalCode: "75001", Country: "FR", Phone: "+33612345678",
		},
	}
}

func TestAParcelFromItsLabelToItsDelivery(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t, time.Minute)
	made, err := carrier.Create(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	sent := fake.Parcels()
	if len(sent) != 1 || sent[0].Number != made.Number {
		t.Fatalf("%+v, %+v", made, sent)
	}
	for field, want := range map[string]string{
		"customerFullname": "JEAN-FRANCOIS DE LA", "shippingAddress1": "127 BOULEVARD DU MARECHAL DE", "shippingAddress2": "LATTRE DE TASSIGNY", "customerMobile": "0612345678", "customerPhone": "",
		"weight": "1200", "xeett": "I4041", "agencyCode": "F2", "pseudoRvc": "40411", "orderReference": "S0000000000001A",
	} {
		if got := sent[0].Fields[field]; got != want {
			t.Errorf("%s is %q, not %q", field, got, want)
		}
	}
	if losses, err := carrier.Check(request()); err != nil || len(losses) != 1 || losses[0].Lost != "ROCHEFOUCAULD-MONTMORENCY" {
		t.Errorf("what was cut is not told: %+v, %v", losses, err)
	}
	for range 2 { // as often as it is asked for
		if label, err := carrier.Document(t.Context(), made.Document); err != nil || !bytes.Contains(label, []byte(made.Number)) {
			t.Errorf("%.40q, %v", label, err)
		}
	}
	for _, c := range []struct {
		event, why string
		want       shipping.Stage
	}{
		{"", "", shipping.Registered},
		{"RST", "", shipping.InTransit},
		{"ZZZ", "", shipping.Problem},
		{"DEP", "REL", shipping.Ready},
		{"SOL", "", shipping.Delivered},
		{"SOR", "RDF", shipping.Returned},
	} {
		if c.event != "" {
			fake.Move(made.Number, c.event, c.why, "un événement")
		}
		if got, err := carrier.Track(t.Context(), made.Number); err != nil || got.Stage != c.want {
			t.Errorf("%s %s: %+v, %v", c.event, c.why, got, err)
		}
	}
	got, err := carrier.Track(t.Context(), made.Number)
	if err != nil || len(got.Events) != 6 || time.Since(got.Events[5].At).Abs() > time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := carrier.Track(t.Context(), "4H013000000001"); !errors.Is(err, shipping.ErrUnknownParcel) {
		t.Errorf("a parcel that nobody sent: %v", err)
	}
}

func TestRelays(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t, time.Minute)
	found, err := carrier.Points(t.Context(), shipping.PointSearch{Country: "FR", PostalCode: "75001", Limit: 10})
	if err != nil || len(found) != 3 || found[0].ID != point || found[0].Name != "ARS INFORMATIQUE" || len(found[0].Hours[0]) != 2 || len(found[0].Hours[6]) != 0 || found[1].Metres < found[0].Metres {
		t.Fatalf("%+v, %v", found, err)
	}
	if found, err := carrier.Points(t.Context(), shipping.PointSearch{Country: "FR", At: &shipping.Coordinates{Latitude: 45.7520, Longitude: 4.8440}, Limit: 1}); err != nil || len(found) != 1 || found[0].PostalCode != "69007" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := carrier.Points(t.Context(), shipping.PointSearch{Country: "FR", PostalCode: "00000"}); !errors.Is(err, shipping.ErrPlaceUnknown) {
		t.Errorf("a postal code of nowhere: %v", err)
	}
	if _, err := carrier.Points(t.Context(), shipping.PointSearch{Country: "BE", PostalCode: "1000"}); !errors.Is(err, shipping.ErrCountry) {
		t.Errorf("abroad: %v", err)
	}
	if p, err := carrier.Point(t.Context(), "FR", point); err != nil || p.Name != "ARS INFORMATIQUE" || p.ID != point {
		t.Errorf("%+v, %v", p, err)
	}
	fake.Close("I4041", true)
	for _, id := range []string{point, "I4041_F9_40411_488641_23470", "I9999_F2_40411_488641_23470", "I4041_F2_40411_0_0", "034439", "", "I4041_F2_404110_488641_23470", "_____"} {
		if _, err := carrier.Point(t.Context(), "FR", id); !errors.Is(err, shipping.ErrPointClosed) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := carrier.Create(t.Context(), request()); shipping.OutcomeOf(err) != shipping.Refused || len(fake.Parcels()) != 0 {
		t.Errorf("a parcel to it: %v", err)
	}
	for _, fault := range []carrierfake.Fault{carrierfake.CutAfter, carrierfake.ErrorAfter, carrierfake.Garbage, carrierfake.Down} {
		fake.RelayPlan.Fail(fault, 1)
		if _, err := carrier.Point(t.Context(), "FR", point); shipping.OutcomeOf(err) != shipping.Unavailable || strings.Contains(err.Error(), relayKey) {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*shipping.Request)
		want  error
		code  string // the carrier's, where it is asked
	}{
		"a country that it does not serve": {spoil: func(r *shipping.Request) { r.To.Country = "BE" }, want: shipping.ErrCountry},
		"a parcel too heavy":               {spoil: func(r *shipping.Request) { r.Parcel.Grams = 20_001 }, want: shipping.ErrWeight},
		"no point":                         {spoil: func(r *shipping.Request) { r.Point = "" }, want: shipping.ErrPointNeeded},
		"another carrier's point":          {spoil: func(r *shipping.Request) { r.Point = "034439" }, want: shipping.ErrPointClosed},
		"a product that it has not":        {spoil: func(r *shipping.Request) { r.Product = "ROCKET" }, want: shipping.ErrProduct},
		"a street in Arabic":               {spoil: func(r *shipping.Request) { r.To.Line1 = "شارع الحبيب" }, want: shipping.ErrScript},
		"a point of another agency":        {spoil: func(r *shipping.Request) { r.Point = "I4041_F9_40411_488641_23470" }, code: "INVALID_FIELD_VALUE"},
		"no postal code":                   {spoil: func(r *shipping.Request) { r.To.PostalCode = "" }, code: "MISSING_FIELD_VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, carrier := setup(t, time.Minute)
			r := request()
			c.spoil(&r)
			_, err := carrier.Create(t.Context(), r)
			if err == nil || shipping.OutcomeOf(err) != shipping.Refused || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if failed, asked := errors.AsType[*shipping.CarrierError](err); asked != (c.code != "") || asked && failed.Code != c.code {
				t.Errorf("the carrier's own words: %+v", failed)
			}
			if len(fake.Parcels()) != 0 {
				t.Error("a parcel was registered")
			}
		})
	}
}

// What is known after each thing that can go wrong, and whether a parcel was registered all the same. No error tells a key.
func TestWhatCanGoWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault   carrierfake.Fault
		outcome shipping.Outcome
		parcels int
	}{
		{carrierfake.CutBefore, shipping.Unknown, 0},
		{carrierfake.CutAfter, shipping.Unknown, 1},
		{carrierfake.ErrorBefore, shipping.Unknown, 0},
		{carrierfake.ErrorAfter, shipping.Unknown, 1},
		{carrierfake.Garbage, shipping.Unknown, 1},
		{carrierfake.Slow, shipping.Unknown, 1},
		{carrierfake.Down, shipping.Unavailable, 0},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			patience := time.Minute
			if c.fault == carrierfake.Slow {
				patience = 4 * time.Second
			}
			fake, carrier := setup(t, patience)
			fake.Plan.Delay(time.Minute)
			fake.Plan.Fail(c.fault, 1)
			if _, err := carrier.Create(t.Context(), request()); err == nil || shipping.OutcomeOf(err) != c.outcome || strings.Contains(err.Error(), key) {
				t.Errorf("got %v", err)
			}
			if n := len(fake.Parcels()); n != c.parcels || fake.Plan.Fired(c.fault) != 1 {
				t.Errorf("%d parcels", n)
			}
			if _, err := carrier.Create(t.Context(), request()); err != nil {
				t.Errorf("the next: %v", err)
			}
		})
	}
	fake := carrierfake.NewRelaisColis(key, relayKey)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	other := relaiscolis.New(relaiscolis.Config{ActivationKey: "another", RelayKey: "another", Enseigne: "5", URL: server.URL, RelayURL: server.URL, Locator: middle{}})
	if _, err := other.Create(t.Context(), request()); shipping.OutcomeOf(err) != shipping.Locked {
		t.Errorf("another key: %v", err)
	}
	if _, err := other.Points(t.Context(), shipping.PointSearch{Country: "FR", PostalCode: "75001"}); shipping.OutcomeOf(err) != shipping.Refused {
		t.Errorf("another key of the list: %v", err)
	}
	for _, ref := range []string{"", "../../etc", "4H0130002521 ", "http://evil.test"} {
		if _, err := other.Document(t.Context(), ref); shipping.OutcomeOf(err) != shipping.Refused {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
