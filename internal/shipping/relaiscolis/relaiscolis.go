// Package relaiscolis speaks the Web services of Relais Colis, as its own modules for WooCommerce and PrestaShop (by Calliweb, the only public description there is) call
// them:
//
//   - ws-modules.relaiscolis.com, JSON in and XML or a PDF out, with the account's activation key in each request: api/package/placeAdvertisement registers a
//     parcel, etiquette/generate gives its label, api/package/getPackagesStatus says where parcels are. What is refused comes with 200 as an entry that
//     begins with "error:", or as JSON with title, status and detail;
//   - service.relaiscolis.com/wslisterelaisproches/RelaisProches/Liste, JSON, with a key of its own: the relays near a place, by coordinates alone. It has no search by
//     postal code, for which the modules ask a geocoder first, and no look-up of one relay: so that our number of a relay has all that is needed to find
//     it, and to send to it (point).
//
// It has no idempotency, and finds no parcel by our reference (orderReference). The account pays by invoice for what is handed over: a parcel that was
// registered and never handed over costs nothing, so that one whose answer was lost is registered again.
package relaiscolis

import (
	"cmp"
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// Name is the carrier's name.
const Name = "RELAIS_COLIS"

// PickupPoint is the product that brings a parcel to a relay.
const PickupPoint = "RELAIS"

const (
	maxGrams = 20_000
	minGrams = 1
)

// Config is an account at the carrier.
type Config struct {
	ActivationKey string // of the account, in each request to its modules' service
	RelayKey      string // of the list of relays
	Enseigne      string // the account's code in the list of relays: ens_id_light of its configuration
	URL           string // https://ws-modules.relaiscolis.com
	RelayURL      string // https://service.relaiscolis.com
	Locator       shipping.Locator
	Line          shipping.LineConfig
}

// Carrier is Relais Colis.
type Carrier struct {
	config Config
	line   *shipping.Line // to the modules' service
	relays *shipping.Line // to the list of relays: another machine, which may be down alone
}

// New makes the carrier.
func New(c Config) *Carrier {
	c.URL = strings.TrimSuffix(cmp.Or(c.URL, "https://ws-modules.relaiscolis.com"), "/")
	c.RelayURL = strings.TrimSuffix(cmp.Or(c.RelayURL, "https://service.relaiscolis.com"), "/")
	return &Carrier{config: c, line: shipping.NewLine(Name, c.Line), relays: shipping.NewLine(Name, c.Line)}
}

// Name implements shipping.Carrier.
func (*Carrier) Name() string { return Name }

// Down says that the carrier is being left alone.
func (c *Carrier) Down() bool { return c.line.Down() }

// Products implements shipping.Carrier.
func (*Carrier) Products() []shipping.Product {
	return []shipping.Product{{
		Code: PickupPoint, Name: "Relais Colis", PickupPoint: true, MaxGrams: maxGrams, Unused: true, Days: [2]int{3, 5}, Countries: []string{"FR"},
	}}
}

// limits are those that the modules cut to: 32 of a name, and of each line of a street.
func limits() shipping.Limits {
	return shipping.Limits{Name: 32, NameLines: 1, Line: 32, Lines: 2, City: 32, Signs: "-'.,/", CitySigns: "-'", Upper: true}
}

// Check implements shipping.Carrier.
func (c *Carrier) Check(r shipping.Request) ([]shipping.Loss, error) {
	_, losses, err := c.fit(r)
	return losses, err
}

func (c *Carrier) fit(r shipping.Request) (to shipping.Fitted, losses []shipping.Loss, err error) {
	if err := shipping.CheckProduct(c, r); err != nil {
		return to, nil, err
	}
	return limits().Fit(r.To)
}

// parcel is what the carrier is asked to register: values that never change are those of the carrier's own modules.
type parcel struct {
	ActivationKey  string `json:"activationKey"`
	Activity       string `json:"activityCode"` // 05: to a relay
	Agency         string `json:"agencyCode"`
	CustomerID     string `json:"customerId"`
	Name           string `json:"customerFullname"`
	Email          string `json:"customerEmail"`
	Phone          string `json:"customerPhone"`
	Mobile         string `json:"customerMobile"`
	PaymentMethod  string `json:"deliveryPaymentMethod"`
	DeliveryType   string `json:"deliveryType"`
	Language       string `json:"language"`
	OrderType      string `json:"orderType"`
	OrderTypeSub   string `json:"orderTypeSub"`
	Picking        string `json:"pickingSite"`
	Family         string `json:"productFamily"`
	PseudoRVC      string `json:"pseudoRvc"`
	Reference      string `json:"orderReference"`
	Sensitive      string `json:"sensitiveProduct"`
	Address1       string `json:"shippingAddress1"`
	Address2       string `json:"shippingAddress2"`
	PostalCode     string `json:"shippingPostcode"`
	City           string `json:"shippingCity"`
	Country        string `json:"shippingCountryCode"`
	ShipmentWeight string `json:"shippmentWeight"` // so the carrier writes it
	Weight         string `json:"weight"`
	Xeett          string `json:"xeett"`
}

const createOp = "placeAdvertisement"

var numbers = regexp.MustCompile(`^[0-9A-Z]{10,20}$`)

// Create implements shipping.Carrier.
func (c *Carrier) Create(ctx context.Context, r shipping.Request) (shipping.Created, error) {
	to, _, err := c.fit(r)
	if err != nil {
		return shipping.Created{}, err
	}
	at, ok := readPoint(r.Point)
	if !ok {
		return shipping.Created{}, shipping.ErrPointClosed.At("pickupPointId")
	}
	grams := strconv.Itoa(max(r.Parcel.Grams, minGrams))
	p := parcel{
		ActivationKey: c.config.ActivationKey, Activity: "05", Agency: at.agency, CustomerID: r.Reference, Name: strings.Join(to.Name, " "), PaymentMethod: "3", DeliveryType: "00",
		Language: "FR", OrderType: "1", OrderTypeSub: "1", Picking: "0", Family: "08", PseudoRVC: at.rvc, Reference: r.Reference, Sensitive: "0", Address1: to.Lines[0], PostalCode: to.PostalCode,
		City: to.City, Country: to.Country, ShipmentWeight: grams, Weight: grams, Xeett: at.xeett,
	}
	if len(to.Lines) > 1 {
		p.Address2 = to.Lines[1]
	}
	if phone := national(to.Phone); strings.HasPrefix(phone, "06") || strings.HasPrefix(phone, "07") {
		p.Mobile = phone
	} else {
		p.Phone = phone
	}
	number, err := c.entry(ctx, createOp, "/api/package/placeAdvertisement", []parcel{p})
	if err != nil {
		return shipping.Created{}, err
	}
	if !numbers.MatchString(number) {
		return shipping.Created{}, unreadable(createOp, "a parcel without a number")
	}
	return shipping.Created{Number: number, Document: number, Type: "application/pdf"}, nil
}

// national writes a number as it is dialled in France.
func national(phone string) string {
	if rest, french := strings.CutPrefix(phone, "+33"); french {
		return "0" + rest
	}
	return phone
}

// Document implements shipping.Carrier. The carrier gives a label as often as it is asked for it.
func (c *Carrier) Document(ctx context.Context, ref string) ([]byte, error) {
	const op = "label"
	if !numbers.MatchString(ref) {
		return nil, &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Refused, Text: "this is no number of a label"}
	}
	answer, err := c.post(ctx, c.line, op, c.config.URL+"/etiquette/generate", map[string]string{"activationKey": c.config.ActivationKey, "format": "A5", "etiquette1": ref})
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(string(answer.Body), "%PDF-") {
		return nil, unreadable(op, "this is no PDF")
	}
	return answer.Body, nil
}
