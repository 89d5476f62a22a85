package fedex

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/shipping"
)

type value struct {
	Value string `json:"value"`
}

type party struct {
	Contact *contact `json:"contact,omitempty"`
	Address place    `json:"address"`
}

type contact struct {
	Name  string `json:"personName"`
	Phone string `json:"phoneNumber"`
}

type place struct {
	Lines      []string `json:"streetLines,omitempty"`
	City       string   `json:"city,omitempty"`
	State      string   `json:"stateOrProvinceCode,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
	Country    string   `json:"countryCode"`
}

type piece struct {
	Weight     weight      `json:"weight"`
	References []reference `json:"customerReferences,omitempty"`
}

type weight struct {
	Units string      `json:"units"`
	Value json.Number `json:"value"`
}

type reference struct {
	Type  string `json:"customerReferenceType"`
	Value string `json:"value"`
}

type shipment struct {
	Shipper    party   `json:"shipper"`
	Recipients []party `json:"recipients"`
	Date       string  `json:"shipDatestamp"`
	Service    string  `json:"serviceType"`
	Packaging  string  `json:"packagingType"`
	Pickup     string  `json:"pickupType"`
	Payment    payment `json:"shippingChargesPayment"`
	Label      label   `json:"labelSpecification"`
	Pieces     []piece `json:"requestedPackageLineItems"`
}

type payment struct {
	Type string `json:"paymentType"`
}

type label struct {
	Image string `json:"imageType"`
	Stock string `json:"labelStockType"`
}

type created struct {
	Shipments []struct {
		Number string `json:"masterTrackingNumber"`
		Pieces []struct {
			Number    string      `json:"trackingNumber"`
			Net       json.Number `json:"netChargeAmount"`
			Currency  string      `json:"currency"`
			Documents []struct {
				Label string `json:"encodedLabel"`
				URL   string `json:"url"`
			} `json:"packageDocuments"`
		} `json:"pieceResponses"`
	} `json:"transactionShipments"`
}

const (
	createOp = "ship"
	labelOp  = "label"
	// Every parcel is in a box of who sends it, who brings it to the carrier.
	packaging = "YOUR_PACKAGING"
	pickup    = "DROPOFF_AT_FEDEX_LOCATION"
	minGrams  = 10
)

var numbers = regexp.MustCompile(`^[0-9A-Z]{8,34}$`)

func partyOf(f shipping.Fitted) party {
	p := party{
		Contact: &contact{strings.Join(f.Name, " "), strings.TrimPrefix(f.Phone, "+")}, Address: place{Lines: f.Lines, City: f.City, PostalCode: f.PostalCode, Country: f.Country},
	}
	if len(f.Region) == 2 {
		p.Address.State = f.Region
	}
	return p
}

func pieceOf(grams int) piece {
	return piece{Weight: weight{"KG", json.Number(strconv.FormatFloat(float64(max(grams, minGrams))/1000, 'f', -1, 64))}}
}

// Create implements shipping.Carrier.
func (c *Carrier) Create(ctx context.Context, r shipping.Request) (shipping.Created, error) {
	from, to, _, err := c.fit(r)
	if err != nil {
		return shipping.Created{}, err
	}
	parcel := pieceOf(r.Parcel.Grams)
	parcel.References = []reference{{"CUSTOMER_REFERENCE", r.Reference}}
	asked := shipment{
		Shipper: partyOf(from), Recipients: []party{partyOf(to)}, Date: c.now().UTC().Format("2006-01-02"), Service: r.Product, Packaging: packaging, Pickup: pickup,
		Payment: payment{"SENDER"}, Label: label{"PDF", "PAPER_4X6"}, Pieces: []piece{parcel},
	}
	var made created
	if err := c.do(ctx, call{op: createOp, method: http.MethodPost, path: "/ship/v1/shipments", reference: r.Reference, body: map[string]any{
		"accountNumber": value{c.account}, "labelResponseOptions": "LABEL", "requestedShipment": asked,
	}}, &made); err != nil {
		return shipping.Created{}, err
	}
	result, why := c.read(made)
	if why != "" { // it may be registered all the same
		return shipping.Created{}, &shipping.CarrierError{Carrier: Name, Op: createOp, Outcome: shipping.Unknown, Err: errors.New("the answer can't be read: " + why)}
	}
	return result, nil
}

// read reads a parcel that was registered, or says why it can't.
func (c *Carrier) read(made created) (result shipping.Created, why string) {
	if len(made.Shipments) != 1 || len(made.Shipments[0].Pieces) != 1 || len(made.Shipments[0].Pieces[0].Documents) == 0 {
		return result, "it is no parcel with a label"
	}
	parcel := made.Shipments[0].Pieces[0]
	result.Number, result.Type = cmp.Or(made.Shipments[0].Number, parcel.Number), "application/pdf"
	if !numbers.MatchString(result.Number) {
		return result, "a parcel without a number"
	}
	if currency, err := money.ParseCurrency(parcel.Currency); err == nil {
		if cost, err := money.Parse(parcel.Net.String(), currency); err == nil && cost.Minor > 0 {
			result.Cost = cost
		}
	}
	doc := parcel.Documents[0]
	if doc.Label == "" {
		if result.Document = doc.URL; c.labelAt(doc.URL) == "" {
			return result, "its label is nowhere"
		}
		return result, ""
	}
	var err error
	if result.Label, err = base64.StdEncoding.DecodeString(doc.Label); err != nil || !isPDF(result.Label) {
		return result, "its label is no PDF"
	}
	return result, ""
}

func isPDF(body []byte) bool { return bytes.HasPrefix(body, []byte("%PDF-")) }

// labelAt is the address of a label: at the carrier, else empty.
func (c *Carrier) labelAt(ref string) string {
	at, err := url.Parse(ref)
	home, homeErr := url.Parse(c.url)
	if err != nil || homeErr != nil || at.User != nil {
		return ""
	}
	if at.Scheme == home.Scheme && at.Host == home.Host || at.Scheme == "https" && at.Port() == "" && strings.HasSuffix(at.Host, ".fedex.com") {
		return at.String()
	}
	return ""
}

// Document implements shipping.Carrier, for labels that are given by their address.
func (c *Carrier) Document(ctx context.Context, ref string) ([]byte, error) {
	at := c.labelAt(ref)
	if at == "" {
		return nil, &shipping.CarrierError{Carrier: Name, Op: labelOp, Outcome: shipping.Refused, Text: "this is no address of a label"}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := c.line.Do(ctx, labelOp, request)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK || !isPDF(answer.Body) {
		return nil, &shipping.CarrierError{Carrier: Name, Op: labelOp, Outcome: shipping.Unavailable, Code: strconv.Itoa(answer.Status)}
	}
	return answer.Body, nil
}

// Cancel takes a parcel back that was not handed over. One that was cancelled before is as good.
func (c *Carrier) Cancel(ctx context.Context, number string) error {
	const op = "cancel"
	var done struct {
		Cancelled bool `json:"cancelledShipment"`
	}
	err := c.do(ctx, call{op: op, method: http.MethodPut, path: "/ship/v1/shipments/cancel", body: map[string]any{
		"accountNumber": value{c.account}, "deletionControl": "DELETE_ALL_PACKAGES", "trackingNumber": number,
	}}, &done)
	if failed, ok := errors.AsType[*shipping.CarrierError](err); ok && failed.Code == "CANCELSHIPMENT.TRACKINGNUMBER.DELETED" {
		return nil
	}
	if err == nil && !done.Cancelled {
		return &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Unknown, Text: "it does not say that it is cancelled"}
	}
	return err
}
