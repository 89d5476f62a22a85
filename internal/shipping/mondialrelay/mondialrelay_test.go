package mondialrelay_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/mondialrelay"
)

const (
	enseigne = "BDTEST13"
	key      = "PrivateK"
	paris    = "034439" // a point there
)

func setup(t *testing.T) (*carrierfake.MondialRelay, *mondialrelay.Carrier) {
	t.Helper()
	return patient(t, time.Minute)
}

func patient(t *testing.T, patience time.Duration) (*carrierfake.MondialRelay, *mondialrelay.Carrier) {
	t.Helper()
	fake := carrierfake.NewMondialRelay(enseigne, key)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return fake, mondialrelay.New(mondialrelay.Config{
		Enseigne: enseigne, Key: key, URL: server.URL, LabelURL: server.URL, Line: shipping.LineConfig{Patience: patience},
	})
}

func request() shipping.Request {
	return shipping.Request{
		Reference: "S0001", Product: mondialrelay.PickupPoint, Point: paris, Language: "fr", Parcel: shipping.Parcel{Grams: 1200},
		From: address.Postal{Name: "Boutique Étoile", Line1: "7 bis rue Émile Blanc", City: "Domène", PostalCode: "38420", Country: "FR", Phone: "+33476772308"},
		To: address.Postal{
			Name: "Jean-François de la Rochefoucauld-Montmorency", Line1: "127 boulevard du Maréchal de Lattre de Tassigny", Line2: "Bâtiment C, 3e étage, interphone 4711, deuxième porte à gauche",
			City: "Paris", PostalCode: "75001", Country: "FR", Phone: "+33612345678",
		},
	}
}

// The account BDTEST13 and its key are the carrier's own for tests; the sum is that of md5sum.
func TestSign(t *testing.T) {
	t.Parallel()
	if got := mondialrelay.Sign(key, enseigne, "FR"); got != "93B2294302C9E5509A57B4FBE820BE63" {
		t.Error(got)
	}
	if mondialrelay.Sign(key, "A", "BC") != mondialrelay.Sign(key, "AB", "C") || mondialrelay.Sign(key, "A") == mondialrelay.Sign("other", "A") {
		t.Error("the signature is not over the values one after the other, with the key")
	}
}

func TestAParcelFromItsLabelToItsDelivery(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	made, err := carrier.Create(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	sent := fake.Parcels()
	if len(sent) != 1 || sent[0].Number != made.Number {
		t.Fatalf("%+v, %+v", made, sent)
	}
	for field, want := range map[string]string{
		"Dest_Ad1": "JEAN-FRANCOIS DE LA", "Dest_Ad2": "ROCHEFOUCAULD-MONTMORENCY", "Dest_Ad3": "127 BD DU MAL DE LATTRE DE",
		"Expe_Ad1": "BOUTIQUE ETOILE", "Expe_Ville": "DOMENE", "Poids": "1200", "LIV_Rel": paris, "NDossier": "S0001", "Dest_Langage": "FR",
	} {
		if got := sent[0].Fields[field]; got != want {
			t.Errorf("%s is %q, not %q", field, got, want)
		}
	}
	if losses, err := carrier.Check(request()); err != nil || len(losses) != 1 || losses[0].Field != "line1" || !strings.Contains(losses[0].Lost, "PORTE A GAUCHE") {
		t.Errorf("what was cut is not told: %+v, %v", losses, err)
	}
	label, err := carrier.Document(t.Context(), made.Document)
	if err != nil || !bytes.HasPrefix(label, []byte("%PDF-")) || !bytes.Contains(label, []byte(made.Number)) {
		t.Errorf("%.40q, %v", label, err)
	}
	for _, c := range []struct {
		stat, text string
		want       shipping.Stage
	}{
		{"80", "", shipping.Registered},
		{"81", "PRISE EN CHARGE EN AGENCE", shipping.InTransit},
		{"83", "ANOMALIE", shipping.Problem},
		{"81", "COLIS DISPONIBLE AU POINT RELAIS", shipping.Ready},
		{"82", "COLIS LIVRÉ", shipping.Delivered},
	} {
		if c.text != "" {
			fake.Move(made.Number, c.stat, c.text, "PARIS")
		}
		got, err := carrier.Track(t.Context(), made.Number)
		if err != nil || got.Stage != c.want {
			t.Errorf("%s %s: %+v, %v", c.stat, c.text, got, err)
		}
	}
	got, err := carrier.Track(t.Context(), made.Number)
	if err != nil || len(got.Events) != 5 || got.Events[4].Text != "COLIS LIVRÉ" || got.Events[4].Place != "PARIS" || time.Since(got.Events[4].At).Abs() > 2*time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := carrier.Track(t.Context(), "99999999"); !errors.Is(err, shipping.ErrUnknownParcel) {
		t.Errorf("a parcel that nobody sent: %v", err)
	}
}

func TestAParcelThatGoesBack(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	made, err := carrier.Create(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	fake.Move(made.Number, "82", "RETOUR LIVRÉ À L'EXPÉDITEUR", "GRENOBLE")
	if got, err := carrier.Track(t.Context(), made.Number); err != nil || got.Stage != shipping.Returned {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(*shipping.Request)
		want    error
		code    string // the carrier's, where it is asked
		outcome shipping.Outcome
	}{
		"a country that it does not serve": {spoil: func(r *shipping.Request) { r.To.Country = "JP" }, want: shipping.ErrCountry, outcome: shipping.Refused},
		"a parcel too heavy":               {spoil: func(r *shipping.Request) { r.Parcel.Grams = 30_001 }, want: shipping.ErrWeight, outcome: shipping.Refused},
		"a parcel of nothing":              {spoil: func(r *shipping.Request) { r.Parcel.Grams = 0 }, want: shipping.ErrWeight, outcome: shipping.Refused},
		"no point":                         {spoil: func(r *shipping.Request) { r.Point = "" }, want: shipping.ErrPointNeeded, outcome: shipping.Refused},
		"a product that it has not":        {spoil: func(r *shipping.Request) { r.Product = "ROCKET" }, want: shipping.ErrProduct, outcome: shipping.Refused},
		"a sender without telephone":       {spoil: func(r *shipping.Request) { r.From.Phone = "" }, want: shipping.ErrPhone, outcome: shipping.Refused},
		"a street in Arabic":               {spoil: func(r *shipping.Request) { r.To.Line1 = "شارع الحبيب" }, want: shipping.ErrScript, outcome: shipping.Refused},
		"a point that is none":             {spoil: func(r *shipping.Request) { r.Point = "000000" }, want: shipping.ErrPointClosed, code: "93", outcome: shipping.Refused},
		"a point of letters":               {spoil: func(r *shipping.Request) { r.Point = "ABCDEF" }, want: shipping.ErrPointClosed, code: "14", outcome: shipping.Refused},
		"a point of another country":       {spoil: func(r *shipping.Request) { r.Point = "006412" }, want: shipping.ErrPointClosed, code: "93", outcome: shipping.Refused},
		"a postal code of nowhere":         {spoil: func(r *shipping.Request) { r.To.PostalCode = "?" }, code: "56", outcome: shipping.Refused},
		"a reference too long":             {spoil: func(r *shipping.Request) { r.Reference = "0123456789ABCDEF" }, code: "5", outcome: shipping.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, carrier := setup(t)
			r := request()
			c.spoil(&r)
			_, err := carrier.Create(t.Context(), r)
			if err == nil || shipping.OutcomeOf(err) != c.outcome || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			failed, asked := errors.AsType[*shipping.CarrierError](err)
			if asked != (c.code != "") || asked && (failed.Code != c.code || failed.Text == "") {
				t.Errorf("the carrier's own words: %+v", failed)
			}
			if len(fake.Parcels()) != 0 {
				t.Error("a parcel was registered")
			}
		})
	}
}

func TestOurAccount(t *testing.T) {
	t.Parallel()
	fake := carrierfake.NewMondialRelay(enseigne, key)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	for name, c := range map[string]struct{ enseigne, key, code string }{
		"another key":     {enseigne, "another", "97"},
		"another account": {"BDTEST99", key, "1"},
	} {
		carrier := mondialrelay.New(mondialrelay.Config{Enseigne: c.enseigne, Key: c.key, URL: server.URL, LabelURL: server.URL})
		_, err := carrier.Create(t.Context(), request())
		if failed, ok := errors.AsType[*shipping.CarrierError](err); !ok || failed.Outcome != shipping.Locked || failed.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is known after each thing that can go wrong, and whether a parcel was registered all the same.
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
			fake, carrier := patient(t, patience)
			fake.Plan.Delay(time.Minute)
			fake.Plan.Fail(c.fault, 1)
			if _, err := carrier.Create(t.Context(), request()); err == nil || shipping.OutcomeOf(err) != c.outcome {
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
}

func TestPoints(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	ids := func(s shipping.PointSearch) (all []string) {
		points, err := carrier.Points(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range points {
			all = append(all, p.ID)
			if i > 0 && p.Metres < points[i-1].Metres || p.Country != s.Country {
				t.Errorf("%+v", points)
			}
		}
		return all
	}
	near := ids(shipping.PointSearch{Country: "FR", PostalCode: "75001", City: "Pârïs", Grams: 500, Limit: 10})
	if len(near) != 3 || near[0] != paris {
		t.Errorf("near 75001: %v", near)
	}
	if got := ids(shipping.PointSearch{Country: "FR", At: &shipping.Coordinates{Latitude: 45.7520, Longitude: 4.8440}, Limit: 1}); len(got) != 1 || got[0] != "012346" {
		t.Errorf("near a place: %v", got)
	}
	if got := ids(shipping.PointSearch{Country: "FR", PostalCode: "29200", City: "Brest"}); len(got) != 0 {
		t.Errorf("where there are none: %v", got)
	}
	if got := ids(shipping.PointSearch{Country: "FR", PostalCode: "75001", City: "باريس"}); len(got) != 3 {
		t.Errorf("a city that can't be written: %v", got)
	}
	p, err := carrier.Point(t.Context(), "FR", paris)
	if err != nil || p.Name != "ARS INFORMATIQUE" || len(p.Lines) != 1 || p.At.Latitude != 48.8641433 || len(p.Hours[0]) != 2 || p.Hours[0][1].To != "19:00" || len(p.Hours[5]) != 1 || len(p.Hours[6]) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	fake.Close(paris)
	if got := ids(shipping.PointSearch{Country: "FR", PostalCode: "75001"}); len(got) != 2 {
		t.Errorf("one has closed: %v", got)
	}
	if _, err := carrier.Point(t.Context(), "FR", paris); !errors.Is(err, shipping.ErrPointClosed) {
		t.Errorf("a point that has closed: %v", err)
	}
	if _, err := carrier.Point(t.Context(), "FR", "nonsense"); !errors.Is(err, shipping.ErrPointClosed) {
		t.Errorf("a point that is none: %v", err)
	}
	r := request()
	if _, err := carrier.Create(t.Context(), r); !errors.Is(err, shipping.ErrPointClosed) {
		t.Errorf("a parcel to it: %v", err)
	}
}

// A label's address comes from outside: it leads nowhere but to the carrier.
func TestLabelsAreTheCarriersOwn(t *testing.T) {
	t.Parallel()
	_, carrier := setup(t)
	for _, ref := range []string{"http://169.254.169.254/latest", "//evil.test/label.pdf", "@evil.test/x", ":80/x", "", "file:///etc/passwd", "%"} {
		if _, err := carrier.Document(t.Context(), ref); shipping.OutcomeOf(err) != shipping.Refused {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := carrier.Document(t.Context(), "/ww2/PDF/StickerMaker2.aspx?expedition=1&crc=2"); shipping.OutcomeOf(err) != shipping.Unavailable {
		t.Errorf("a label of nobody: %v", err)
	}
}
