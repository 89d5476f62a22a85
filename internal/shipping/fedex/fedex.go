// Package fedex speaks FedEx's REST APIs at apis.fedex.com: OAuth 2 by client credentials, then Rate (/rate/v1/rates/quotes), Ship (/ship/v1/shipments, and
// /cancel of it) and Track (/track/v1/trackingnumbers and /track/v1/referencenumbers), JSON all of them, as developer.fedex.com describes them.
//
// What its documents say of failures, and what follows here:
//   - it has no idempotency (x-customer-transaction-id only names a call), so that one whose answer was lost is never simply made again;
//   - a parcel is found by our reference, but up to a day may pass after it was registered (KnowsAfter): until then that it is not found says nothing;
//   - a label is given once, with the registration. What is found later has none, so that it is cancelled, which costs nothing before it is handed
//     over, and registered anew;
//   - decisions are made by errors[].code, never by its text. The gateway before it answers a bad token by {"error_description"} alone.
//
// Parcels that need customs papers are refused: what is in them is not known well enough here.
package fedex

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/souklive/souk/internal/shipping"
)

// Name is the carrier's name.
const Name = "FEDEX"

// The products.
const (
	Ground          = "FEDEX_GROUND"
	TwoDay          = "FEDEX_2_DAY"
	RegionalEconomy = "FEDEX_REGIONAL_ECONOMY"
	Priority        = "FEDEX_INTERNATIONAL_PRIORITY"
)

// maxGrams is 150 pounds.
const maxGrams = 68_000

// Config is an account at the carrier.
type Config struct {
	ClientID     string // the project's API key
	ClientSecret string
	Account      string // 9 digits
	Webhook      string // the token that its webhooks are signed with; empty where there are none
	URL          string // https://apis.fedex.com
	Line         shipping.LineConfig
	Now          func() time.Time // nil for the clock
}

// Carrier is FedEx.
type Carrier struct {
	account, url, webhook string

	line  *shipping.Line
	token tokens
	now   func() time.Time
}

// New makes the carrier.
func New(c Config) *Carrier {
	if c.Now == nil {
		c.Now = time.Now
	}
	carrier := &Carrier{
		account: c.Account, webhook: c.Webhook, url: strings.TrimSuffix(cmp.Or(c.URL, "https://apis.fedex.com"), "/"), line: shipping.NewLine(Name, c.Line), now: c.Now,
	}
	carrier.token = tokens{id: c.ClientID, secret: c.ClientSecret, url: carrier.url, line: carrier.line, now: c.Now, turn: make(chan struct{}, 1)}
	return carrier
}

// Name implements shipping.Carrier.
func (*Carrier) Name() string { return Name }

// Down says that the carrier is being left alone.
func (c *Carrier) Down() bool { return c.line.Down() }

// Products implements shipping.Carrier.
func (*Carrier) Products() []shipping.Product {
	return []shipping.Product{
		{Code: Ground, Name: "FedEx Ground", MaxGrams: maxGrams, Days: [2]int{1, 7}, Countries: []string{"US", "CA"}},
		{Code: TwoDay, Name: "FedEx 2Day", MaxGrams: maxGrams, Days: [2]int{2, 2}, Countries: []string{"US"}},
		{Code: RegionalEconomy, Name: "FedEx Regional Economy", MaxGrams: maxGrams, Days: [2]int{2, 5}, Countries: union()},
		{Code: Priority, Name: "FedEx International Priority", MaxGrams: maxGrams, Days: [2]int{1, 3}, Countries: union()},
	}
}

// union is the European Union, within which nothing passes a customs house.
func union() []string {
	return []string{
		"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
	}
}

// free says whether a parcel between two countries needs no customs papers.
func free(from, to string) bool {
	return from == to || slices.Contains(union(), from) && slices.Contains(union(), to)
}

// limits are those of the Ship API: a name of 35 that a label prints, three lines of 35, a city of 35.
func limits() shipping.Limits {
	return shipping.Limits{Name: 35, NameLines: 1, Line: 35, Lines: 3, City: 35, Signs: "_-'.,/&#()+:", CitySigns: "_-'."}
}

// Check implements shipping.Carrier.
func (c *Carrier) Check(r shipping.Request) ([]shipping.Loss, error) {
	_, _, losses, err := c.fit(r)
	return losses, err
}

func (c *Carrier) fit(r shipping.Request) (from, to shipping.Fitted, losses []shipping.Loss, err error) {
	if err := shipping.CheckProduct(c, r); err != nil {
		return from, to, nil, err
	}
	switch {
	case !free(r.From.Country, r.To.Country):
		return from, to, nil, shipping.ErrCustoms.With("from", r.From.Country).With("to", r.To.Country)
	case r.From.Phone == "":
		return from, to, nil, shipping.ErrPhone.At("fromAddressId")
	case r.To.Phone == "":
		return from, to, nil, shipping.ErrPhone.At("orderId")
	}
	if from, _, err = limits().Fit(r.From); err != nil {
		return from, to, nil, err
	}
	to, losses, err = limits().Fit(r.To)
	return from, to, losses, err
}
