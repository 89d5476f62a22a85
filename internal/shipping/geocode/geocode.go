// Package geocode knows where addresses are: by Google Maps' Geocoding API, or by France's national base of addresses (BAN), which is free. Either is a
// shipping.Locator behind a time-out and a breaker (shipping.Line), and tells its failures as carriers do; no error holds a key.
package geocode

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/shipping"
)

// The names of the geocoders.
const (
	BANName    = "BAN"
	GoogleName = "GOOGLE_MAPS"
)

// patience is how long somebody who looks for a pickup point waits for where their street is.
const patience = 3 * time.Second

const op = "geocode"

// get asks a geocoder and reads its answer, of whatever status.
func get(ctx context.Context, name string, line *shipping.Line, address string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return &shipping.CarrierError{Carrier: name, Op: op, Outcome: shipping.Refused, Err: errors.New("the address of the geocoder is none")}
	}
	answer, err := line.Do(ctx, op, request)
	if err != nil {
		if failed, ok := errors.AsType[*shipping.CarrierError](err); ok {
			failed.Outcome = shipping.Unavailable // a question has no effect
		}
		return err
	}
	failed := &shipping.CarrierError{Carrier: name, Op: op, Outcome: shipping.Unavailable, Code: strconv.Itoa(answer.Status)}
	switch {
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		failed.Outcome = shipping.Locked
	case answer.Status == http.StatusTooManyRequests || answer.Status >= http.StatusInternalServerError:
	case answer.Status >= http.StatusBadRequest:
		failed.Outcome = shipping.Refused
	case answer.Status == http.StatusOK:
		if json.Unmarshal(answer.Body, into) == nil {
			return nil
		}
		failed.Code, failed.Err = "", errors.New("the answer can't be read")
	}
	return failed
}

// BAN is France's base of addresses, at data.geopf.fr/geocodage, which answers GeoJSON. It knows France alone, and needs no key.
type BAN struct {
	url  string
	line *shipping.Line
}

// NewBAN makes the geocoder; an empty address is the real one's.
func NewBAN(address string, c shipping.LineConfig) *BAN {
	c.Patience = cmp.Or(c.Patience, patience)
	return &BAN{url: strings.TrimSuffix(cmp.Or(address, "https://data.geopf.fr"), "/") + "/geocodage/search", line: shipping.NewLine(BANName, c)}
}

// What of its answers is believed: those that are about as much like the question as this, of 1.
const minScore = 0.4

// The longest question that it takes.
const maxQuestion = 200

// Locate implements shipping.Locator.
func (b *BAN) Locate(ctx context.Context, p address.Postal) (shipping.Located, error) {
	if p.Country != "FR" {
		return shipping.Located{}, shipping.ErrPlaceUnknown
	}
	question := []rune(strings.Join(strings.Fields(p.Line1+" "+p.Line2+" "+p.City), " "))
	var answer struct {
		Features []struct {
			Geometry struct {
				At []float64 `json:"coordinates"` // longitude comes first
			} `json:"geometry"`
			Properties struct {
				Type  string  `json:"type"` // housenumber, street, locality, municipality
				Score float64 `json:"score"`
			} `json:"properties"`
		} `json:"features"`
	}
	query := url.Values{"q": {string(question[:min(len(question), maxQuestion)])}, "limit": {"1"}, "autocomplete": {"0"}}
	if p.PostalCode != "" {
		query.Set("postcode", p.PostalCode)
	}
	if err := get(ctx, BANName, b.line, b.url, query, &answer); err != nil {
		return shipping.Located{}, err
	}
	if len(answer.Features) == 0 || len(answer.Features[0].Geometry.At) < 2 || answer.Features[0].Properties.Score < minScore {
		return shipping.Located{}, shipping.ErrPlaceUnknown
	}
	found := answer.Features[0]
	at := shipping.Coordinates{Latitude: found.Geometry.At[1], Longitude: found.Geometry.At[0]}
	return shipping.Located{At: at, Exact: found.Properties.Type == "housenumber" || found.Properties.Type == "street"}, nil
}
