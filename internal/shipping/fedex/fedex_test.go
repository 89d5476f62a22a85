package fedex_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/carrierfake"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/shipping/fedex"
)

const (
	client  = "l7-a-client"
	secret  = "a-secret-of-tests"
	account = "740561073"
)

func setup(t *testing.T) (*carrierfake.FedEx, *fedex.Carrier) {
	t.Helper()
	return patient(t, fedex.Config{Line: shipping.LineConfig{Patience: time.Minute}})
}

func patient(t *testing.T, c fedex.Config) (*carrierfake.FedEx, *fedex.Carrier) {
	t.Helper()
	fake := carrierfake.NewFedEx(client, secret, account)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	c.ClientID, c.ClientSecret, c.Account, c.URL = client, secret, account, server.URL
	return fake, fedex.New(c)
}

func request() shipping.Request {
	return shipping.Request{
		Reference: "S0000000000001A", Product: fedex.RegionalEconomy, Parcel: shipping.Parcel{Grams: 1200},
		From: address.Postal{Name: "Boutique Étoile", Line1: "7 bis rue Émile Blanc", City: "Domène", PostalCode: "38420", Country: "FR", Phone: "+33476772308"},
		To: address.Postal{
			Name: "Jürgen Größe", Line1: "Straße der Einheit 127", Line2: "Hinterhaus, dritter Stock, Klingel 4711 — bitte zweimal läuten, der Hund beißt nicht; Durchgang nach links",
			City: "München", PostalCode: "80331", Country: "DE", Phone: "+4915112345678",
		},
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
	if len(sent) != 1 || sent[0].Number != made.Number || sent[0].Reference != request().Reference || sent[0].Recipient.Contact.Name != "Jurgen Grosse" ||
		sent[0].Recipient.Address.City != "Munchen" || sent[0].Recipient.Contact.Phone != "4915112345678" {
		t.Errorf("%+v", sent)
	}
	if !bytes.HasPrefix(made.Label, []byte("%PDF-")) || made.Cost != money.New(1380, "EUR") || made.Type != "application/pdf" {
		t.Errorf("%s, %v, %.20q", made.Type, made.Cost, made.Label)
	}
	losses, err := carrier.Check(request())
	if err != nil || len(losses) == 0 || !strings.Contains(losses[len(losses)-1].Lost, "links") {
		t.Errorf("what was cut is not told: %+v, %v", losses, err)
	}
	for _, c := range []struct {
		status, text string
		want         shipping.Stage
	}{
		{"", "", shipping.Registered},
		{"PU", "Picked up", shipping.InTransit},
		{"DE", "Delivery exception", shipping.Problem},
		{"ZZ", "A code of tomorrow", shipping.Problem},
		{"HL", "Ready for pickup", shipping.Ready},
		{"DL", "Delivered", shipping.Delivered},
		{"RS", "Returned to shipper", shipping.Returned},
	} {
		if c.status != "" {
			fake.Move(made.Number, c.status, c.text, "LYON")
		}
		got, err := carrier.Track(t.Context(), made.Number)
		if err != nil || got.Stage != c.want {
			t.Errorf("%s: %+v, %v", c.status, got, err)
		}
	}
	got, err := carrier.Track(t.Context(), made.Number)
	if err != nil || len(got.Events) != 7 || got.Events[1].Text != "Picked up" || got.Events[1].Place != "LYON, FR" || time.Since(got.Events[6].At).Abs() > time.Minute {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := carrier.Track(t.Context(), "999999999999"); !errors.Is(err, shipping.ErrUnknownParcel) {
		t.Errorf("a parcel that nobody sent: %v", err)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	ask := func(from, to string, grams int) ([]shipping.Rate, error) {
		r := request()
		r.From.Country, r.To.Country = from, to
		return carrier.Rates(t.Context(), shipping.RateRequest{From: r.From, To: r.To, Parcel: shipping.Parcel{Grams: grams}})
	}
	rates, err := ask("FR", "DE", 900)
	if err != nil || len(rates) != 2 || rates[0] != (shipping.Rate{Product: fedex.RegionalEconomy, Price: money.New(1150, "EUR"), Days: [2]int{2, 2}}) || rates[1].Price.Minor != 2390 {
		t.Errorf("%+v, %v", rates, err)
	}
	if rates, err := ask("US", "US", 3000); err != nil || len(rates) != 2 || rates[0].Price != money.New(1330, "USD") {
		t.Errorf("%+v, %v", rates, err)
	}
	if _, err := ask("FR", "US", 900); !errors.Is(err, shipping.ErrCustoms) {
		t.Errorf("through the customs: %v", err)
	}
	for _, grams := range []int{0, -1, 68_001} {
		if _, err := ask("FR", "DE", grams); !errors.Is(err, shipping.ErrWeight) {
			t.Errorf("%d grams: %v", grams, err)
		}
	}
	// Nothing has happened, whatever went wrong.
	for _, fault := range []carrierfake.Fault{carrierfake.CutAfter, carrierfake.ErrorAfter, carrierfake.Garbage, carrierfake.Down} {
		fake.Plan.Fail(fault, 1)
		if _, err := ask("FR", "DE", 900); shipping.OutcomeOf(err) != shipping.Unavailable {
			t.Errorf("%s: %v", fault, err)
		}
	}
	if _, err := ask("FR", "DE", 900); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*shipping.Request)
		want  error
		code  string // the carrier's, where it is asked
	}{
		"a country that the product does not serve": {spoil: func(r *shipping.Request) { r.To.Country = "JP" }, want: shipping.ErrCountry},
		"through the customs":                       {spoil: func(r *shipping.Request) { r.From.Country = "MA" }, want: shipping.ErrCustoms},
		"a parcel too heavy":                        {spoil: func(r *shipping.Request) { r.Parcel.Grams = 68_001 }, want: shipping.ErrWeight},
		"a parcel of nothing":                       {spoil: func(r *shipping.Request) { r.Parcel.Grams = 0 }, want: shipping.ErrWeight},
		"a product that it has not":                 {spoil: func(r *shipping.Request) { r.Product = "ROCKET" }, want: shipping.ErrProduct},
		"a sender without telephone":                {spoil: func(r *shipping.Request) { r.From.Phone = "" }, want: shipping.ErrPhone},
		"a recipient without telephone":             {spoil: func(r *shipping.Request) { r.To.Phone = "" }, want: shipping.ErrPhone},
		"a street in Arabic":                        {spoil: func(r *shipping.Request) { r.To.Line1 = "شارع الحبيب" }, want: shipping.ErrScript},
		"a postal code of nowhere":                  {spoil: func(r *shipping.Request) { r.To.PostalCode = "?" }, code: "COUNTRY.POSTALCODEORZIP.INVALID"},
		"a route without the product":               {spoil: func(r *shipping.Request) { r.Product, r.From.Country, r.To.Country = fedex.TwoDay, "CA", "US" }, want: shipping.ErrCustoms},
		"a telephone of letters":                    {spoil: func(r *shipping.Request) { r.To.Phone = "ring" }, code: "CONTACT.INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, carrier := setup(t)
			r := request()
			c.spoil(&r)
			_, err := carrier.Create(t.Context(), r)
			if err == nil || shipping.OutcomeOf(err) != shipping.Refused || c.want != nil && !errors.Is(err, c.want) {
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
			fake, carrier := patient(t, fedex.Config{Line: shipping.LineConfig{Patience: patience}})
			fake.Plan.Delay(time.Minute)
			fake.Plan.Fail(c.fault, 1)
			if _, err := carrier.Create(t.Context(), request()); err == nil || shipping.OutcomeOf(err) != c.outcome {
				t.Errorf("got %v", err)
			}
			if n := len(fake.Parcels()); n != c.parcels || fake.Plan.Fired(c.fault) != 1 {
				t.Errorf("%d parcels", n)
			}
			// What was registered is found by our reference, and taken back.
			want := shipping.ErrUnknownParcel
			if c.parcels == 1 {
				want = shipping.ErrTakenBack
			}
			if _, err := carrier.Find(t.Context(), request().Reference); !errors.Is(err, want) {
				t.Errorf("looked for: %v", err)
			}
			if _, err := carrier.Find(t.Context(), request().Reference); !errors.Is(err, shipping.ErrUnknownParcel) {
				t.Errorf("looked for again: %v", err)
			}
		})
	}
}

// A parcel that somebody has handed over is not taken back, and is not registered twice either.
func TestWhatIsFoundUnderWay(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	made, err := carrier.Create(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	fake.Plan.Fail("", 1) // the search passes
	fake.Plan.Fail(carrierfake.CutAfter, 1)
	if _, err := carrier.Find(t.Context(), request().Reference); shipping.OutcomeOf(err) != shipping.Unknown || !fake.Parcels()[0].Cancelled {
		t.Errorf("the answer to its cancellation was lost: %v", err)
	}
	if err := carrier.Cancel(t.Context(), made.Number); err != nil {
		t.Errorf("cancelled twice: %v", err)
	}
	second, err := carrier.Create(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	fake.Move(second.Number, "PU", "Picked up", "LYON")
	if _, err := carrier.Find(t.Context(), request().Reference); shipping.OutcomeOf(err) != shipping.Unknown || errors.Is(err, shipping.ErrUnknownParcel) {
		t.Errorf("under way: %v", err)
	}
	if err := carrier.Cancel(t.Context(), second.Number); shipping.OutcomeOf(err) != shipping.Refused {
		t.Errorf("cancelled under way: %v", err)
	}
}

// One token for all calls, until shortly before its end; one that is refused is renewed once.
func TestTokens(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ahead := time.Duration(0)
	fake, carrier := patient(t, fedex.Config{Line: shipping.LineConfig{Patience: time.Minute}, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(ahead)
	}})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := carrier.Track(t.Context(), "999999999999"); !errors.Is(err, shipping.ErrUnknownParcel) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := fake.Tokens(); n != 1 {
		t.Errorf("%d tokens for 20 calls at once", n)
	}
	mu.Lock()
	ahead = 59*time.Minute + time.Second
	mu.Unlock()
	if _, err := carrier.Rates(t.Context(), shipping.RateRequest{From: request().From, To: request().To, Parcel: request().Parcel}); err != nil || fake.Tokens() != 2 {
		t.Errorf("shortly before its end: %v, %d", err, fake.Tokens())
	}
	fake.Forget()
	if _, err := carrier.Create(t.Context(), request()); err != nil || fake.Tokens() != 3 || len(fake.Parcels()) != 1 {
		t.Errorf("one that is refused: %v, %d", err, fake.Tokens())
	}
	fake.Lasts(-time.Minute) // no token holds
	fake.Forget()
	_, err := carrier.Create(t.Context(), request())
	if shipping.OutcomeOf(err) != shipping.Locked || fake.Tokens() != 4 || len(fake.Parcels()) != 1 {
		t.Errorf("renewed without end: %v, %d", err, fake.Tokens())
	}
}

// What goes wrong with a token has no effect on a parcel, whatever it is.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for _, fault := range []carrierfake.Fault{carrierfake.CutAfter, carrierfake.ErrorAfter, carrierfake.Garbage, carrierfake.Down} {
		fake, carrier := setup(t)
		fake.TokenPlan.Fail(fault, 1)
		if _, err := carrier.Create(t.Context(), request()); shipping.OutcomeOf(err) != shipping.Unavailable || len(fake.Parcels()) != 0 {
			t.Errorf("%s: %v", fault, err)
		}
		if _, err := carrier.Create(t.Context(), request()); err != nil {
			t.Errorf("after %s: %v", fault, err)
		}
	}
	fake := carrierfake.NewFedEx(client, secret, account)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	for name, c := range map[string]fedex.Config{
		"another secret":  {ClientID: client, ClientSecret: "guessed-by-nobody", Account: account, URL: server.URL},
		"another account": {ClientID: client, ClientSecret: secret, Account: "111111111", URL: server.URL},
	} {
		_, err := fedex.New(c).Create(t.Context(), request())
		if failed, ok := errors.AsType[*shipping.CarrierError](err); !ok || failed.Outcome != shipping.Locked || failed.Code == "" || strings.Contains(err.Error(), c.ClientSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Labels that are given by their address are fetched there, and nowhere else.
func TestLabelsByAddress(t *testing.T) {
	t.Parallel()
	fake, carrier := setup(t)
	fake.Links()
	made, err := carrier.Create(t.Context(), request())
	if err != nil || made.Label != nil || made.Document == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if label, err := carrier.Document(t.Context(), made.Document); err != nil || !bytes.Contains(label, []byte(made.Number)) {
		t.Errorf("%.40q, %v", label, err)
	}
	for _, ref := range []string{"http://169.254.169.254/latest", "//evil.test/x", "https://fedex.com.evil.test/x", "https://evilfedex.com/x", "https://a@www.fedex.com/x", "https://www.fedex.com:8443/x", "", "file:///etc/passwd", "%", "/document/v2/1"} {
		if _, err := carrier.Document(t.Context(), ref); shipping.OutcomeOf(err) != shipping.Refused {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := carrier.Document(t.Context(), strings.Replace(made.Document, made.Number, "1", 1)); shipping.OutcomeOf(err) != shipping.Unavailable {
		t.Errorf("a label of nobody: %v", err)
	}
}

// A webhook is FedEx's where it is signed with the token; where there is none, nobody's is.
func TestToldBySignature(t *testing.T) {
	t.Parallel()
	body := []byte(`{"output":{"completeTrackResults":[{"trackingNumber":"794600000001"},{"trackingNumber":"794600000002"},{"trackingNumber":"794600000001"}]}}`)
	header := http.Header{}
	header.Set(fedex.SignatureHeader, fedex.Sign("a token", body))
	_, deaf := setup(t)
	if _, err := deaf.Told(header, body); err == nil {
		t.Error("believed without a token")
	}
	header.Set(fedex.SignatureHeader, fedex.Sign("", body))
	if _, err := deaf.Told(header, body); err == nil {
		t.Error("believed with an empty one")
	}
	// The sum is that of openssl dgst -sha256 -hmac "a token" -binary | base64 over {}.
	if got := fedex.Sign("a token", []byte("{}")); got != "hZrCEVT0hGF3BEjzD7TZxRLyrl/6dliluYVPMTVp/k8=" {
		t.Error(got)
	}
	_, carrier := patient(t, fedex.Config{Webhook: "a token"})
	header.Set(fedex.SignatureHeader, fedex.Sign("a token", body))
	news, err := carrier.Told(header, body)
	if err != nil || len(news) != 2 || news[0].ID != news[1].ID || len(news[0].ID) != 64 {
		t.Errorf("%+v, %v", news, err)
	}
}
