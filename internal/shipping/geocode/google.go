package geocode

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/shipping"
)

// Google is Google Maps' Geocoding API. It answers 200 and a status, whatever came of the question.
type Google struct {
	url, key string

	line *shipping.Line
}

// NewGoogle makes the geocoder; an empty address is the real one's.
func NewGoogle(key, address string, c shipping.LineConfig) *Google {
	c.Patience = cmp.Or(c.Patience, patience)
	c.Failed = func(a shipping.Answer) bool {
		var said struct {
			Status string `json:"status"`
		}
		return json.Unmarshal(a.Body, &said) == nil && slices.Contains([]string{"OVER_QUERY_LIMIT", "UNKNOWN_ERROR"}, said.Status)
	}
	return &Google{
		url: strings.TrimSuffix(cmp.Or(address, "https://maps.googleapis.com"), "/") + "/maps/api/geocode/json", key: key, line: shipping.NewLine(GoogleName, c),
	}
}

type googleAnswer struct {
	Status  string `json:"status"`
	Text    string `json:"error_message"`
	Results []struct {
		Types    []string `json:"types"`
		Geometry struct {
			Location struct {
				Latitude  float64 `json:"lat"`
				Longitude float64 `json:"lng"`
			} `json:"location"`
			Type string `json:"location_type"` // ROOFTOP, RANGE_INTERPOLATED, GEOMETRIC_CENTER, APPROXIMATE
		} `json:"geometry"`
	} `json:"results"`
}

// Locate implements shipping.Locator.
func (g *Google) Locate(ctx context.Context, p address.Postal) (shipping.Located, error) {
	components := "country:" + p.Country
	if p.PostalCode != "" {
		components += "|postal_code:" + strings.ReplaceAll(p.PostalCode, "|", " ")
	}
	var answer googleAnswer
	if err := get(ctx, GoogleName, g.line, g.url, url.Values{
		"address": {strings.Join(strings.Fields(p.Line1+" "+p.Line2+" "+p.PostalCode+" "+p.City), " ")}, "components": {components}, "key": {g.key},
	}, &answer); err != nil {
		return shipping.Located{}, err
	}
	failed := &shipping.CarrierError{Carrier: GoogleName, Op: op, Outcome: shipping.Unavailable, Code: answer.Status, Text: strings.ReplaceAll(answer.Text, g.key, "…")}
	switch answer.Status {
	case "OK":
	case "ZERO_RESULTS":
		return shipping.Located{}, shipping.ErrPlaceUnknown
	case "REQUEST_DENIED", "OVER_DAILY_LIMIT": // the key, or what is paid for it
		failed.Outcome = shipping.Locked
		return shipping.Located{}, failed
	case "INVALID_REQUEST":
		failed.Outcome = shipping.Refused
		return shipping.Located{}, failed
	default: // OVER_QUERY_LIMIT, UNKNOWN_ERROR
		return shipping.Located{}, failed
	}
	// Where it knows no more than the components it answers the country.
	if len(answer.Results) == 0 || slices.Contains(answer.Results[0].Types, "country") || slices.Contains(answer.Results[0].Types, "administrative_area_level_1") {
		return shipping.Located{}, shipping.ErrPlaceUnknown
	}
	found := answer.Results[0].Geometry
	at := shipping.Coordinates{Latitude: found.Location.Latitude, Longitude: found.Location.Longitude}
	return shipping.Located{At: at, Exact: found.Type == "ROOFTOP" || found.Type == "RANGE_INTERPOLATED"}, nil
}
