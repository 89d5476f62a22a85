// Package mondialrelay speaks the Web service of Mondial Relay: SOAP 1.1 over HTTP at api.mondialrelay.com/Web_Services.asmx.
//
// It follows the carrier's manual "Web Service", version 5.7 of October 2020 (the WSDL is at the address above with ?WSDL): the methods
// WSI4_PointRelais_Recherche, WSI2_CreationEtiquette and WSI2_TracingColisDetaille. Each request ends with Security: the MD5, in capital hexadecimal
// digits, of all values before it in the order of the WSDL, and the account's private key. MD5 is the carrier's choice. Every answer has a STAT: 0 is
// success, 80 to 83 say where a parcel is, all others are refusals (stat.go). Texts are capital Latin letters.
//
// The service has no idempotency and does not find a parcel by our reference (NDossier). To an account that pays by invoice, a parcel that was registered
// and is never handed over costs nothing: one whose answer was lost is registered again. An account with credit (Config.Prepaid) pays when it registers.
package mondialrelay

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// Name is the carrier's name.
const Name = "MONDIAL_RELAY"

// PickupPoint is the product that brings a parcel to a Point Relais.
const PickupPoint = "24R"

const (
	maxGrams = 30_000
	minGrams = 15
)

// Config is an account at the carrier.
type Config struct {
	Enseigne string // the account: 8 letters and digits
	Key      string // private, for Security
	URL      string // https://api.mondialrelay.com
	LabelURL string // https://www.mondialrelay.com, where labels are
	Prepaid  bool   // the account has credit, of which each registration takes
	Line     shipping.LineConfig
}

// Carrier is Mondial Relay.
type Carrier struct {
	enseigne, key, url, labelURL string

	prepaid bool
	line    *shipping.Line
}

// New makes the carrier.
func New(c Config) *Carrier {
	return &Carrier{
		enseigne: c.Enseigne, key: c.Key, prepaid: c.Prepaid, line: shipping.NewLine(Name, c.Line),
		url:      strings.TrimSuffix(cmp.Or(c.URL, "https://api.mondialrelay.com"), "/"),
		labelURL: strings.TrimSuffix(cmp.Or(c.LabelURL, "https://www.mondialrelay.com"), "/"),
	}
}

// Name implements shipping.Carrier.
func (*Carrier) Name() string { return Name }

// Down says that the carrier is being left alone.
func (c *Carrier) Down() bool { return c.line.Down() }

// Products implements shipping.Carrier.
func (c *Carrier) Products() []shipping.Product {
	return []shipping.Product{{
		Code: PickupPoint, Name: "Mondial Relay, Point Relais", PickupPoint: true, MaxGrams: maxGrams, Unused: !c.prepaid, Days: [2]int{3, 5},
		Countries: []string{"FR", "BE", "LU", "NL", "ES", "PT"},
	}}
}

// limits are those of the manual: two lines of 32 for a name, two for a street, 26 for a city.
func limits() shipping.Limits {
	return shipping.Limits{Name: 32, NameLines: 2, Line: 32, Lines: 2, City: 26, Signs: "_-'.,/", CitySigns: "_-'", Upper: true}
}

type creationResult struct {
	Stat   string `xml:"STAT"`
	Number string `xml:"ExpeditionNum"`
	URL    string `xml:"URL_Etiquette"`
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
	if r.From.Phone == "" {
		return from, to, nil, shipping.ErrPhone.At("fromAddressId")
	}
	if from, _, err = limits().Fit(r.From); err != nil {
		return from, to, nil, err
	}
	to, losses, err = limits().Fit(r.To)
	return from, to, losses, err
}

// Create implements shipping.Carrier.
func (c *Carrier) Create(ctx context.Context, r shipping.Request) (shipping.Created, error) {
	from, to, _, err := c.fit(r)
	if err != nil {
		return shipping.Created{}, err
	}
	lang := language(r.Language)
	fields := []field{
		{"Enseigne", c.enseigne}, {"ModeCol", "CCC"}, {"ModeLiv", r.Product}, {"NDossier", r.Reference}, {"NClient", ""},
		{"Expe_Langage", lang}, {"Expe_Ad1", at(from.Name, 0)}, {"Expe_Ad2", at(from.Name, 1)}, {"Expe_Ad3", at(from.Lines, 0)}, {"Expe_Ad4", at(from.Lines, 1)},
		{"Expe_Ville", from.City}, {"Expe_CP", from.PostalCode}, {"Expe_Pays", from.Country}, {"Expe_Tel1", from.Phone}, {"Expe_Tel2", ""}, {"Expe_Mail", ""},
		{"Dest_Langage", lang}, {"Dest_Ad1", at(to.Name, 0)}, {"Dest_Ad2", at(to.Name, 1)}, {"Dest_Ad3", at(to.Lines, 0)}, {"Dest_Ad4", at(to.Lines, 1)},
		{"Dest_Ville", to.City}, {"Dest_CP", to.PostalCode}, {"Dest_Pays", to.Country}, {"Dest_Tel1", to.Phone}, {"Dest_Tel2", ""}, {"Dest_Mail", ""},
		{"Poids", strconv.Itoa(max(r.Parcel.Grams, minGrams))}, {"Longueur", ""}, {"Taille", ""}, {"NbColis", "1"}, {"CRT_Valeur", "0"}, {"CRT_Devise", ""},
		{"Exp_Valeur", ""}, {"Exp_Devise", ""}, {"COL_Rel_Pays", ""}, {"COL_Rel", ""}, {"LIV_Rel_Pays", to.Country}, {"LIV_Rel", r.Point},
		{"TAvisage", ""}, {"TReprise", ""}, {"Montage", ""}, {"TRDV", ""}, {"Assurance", ""}, {"Instructions", ""},
	}
	var result creationResult
	if err := c.call(ctx, "WSI2_CreationEtiquette", fields, &result); err != nil {
		return shipping.Created{}, err
	}
	if err := refusal("WSI2_CreationEtiquette", result.Stat); err != nil {
		return shipping.Created{}, err
	}
	if !numbers.MatchString(result.Number) {
		return shipping.Created{}, unreadable("WSI2_CreationEtiquette", "a parcel without a number")
	}
	return shipping.Created{Number: result.Number, Document: result.URL, Type: "application/pdf"}, nil
}

var numbers = regexp.MustCompile(`^[0-9]{8,14}$`)

// language is one in which labels are printed.
func language(s string) string {
	switch s = strings.ToUpper(s); s {
	case "FR", "ES", "NL":
		return s
	}
	return "FR"
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// Document implements shipping.Carrier. A label's address is below the carrier's own, or it is none.
func (c *Carrier) Document(ctx context.Context, ref string) ([]byte, error) {
	const op = "label"
	path, err := url.Parse(ref)
	if err != nil || path.IsAbs() || path.Host != "" || !strings.HasPrefix(path.Path, "/") {
		return nil, &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Refused, Text: "this is no address of a label"}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.labelURL+path.RequestURI(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.line.Do(ctx, op, request)
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK:
		return nil, &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Unavailable, Code: strconv.Itoa(answer.Status)}
	case !strings.HasPrefix(string(answer.Body), "%PDF-"):
		return nil, unreadable(op, "this is no PDF")
	}
	return answer.Body, nil
}
