package carrierfake

import (
	"net/http"
	"strings"
	"sync"
)

// Geocoder is both of the services that know where addresses are: France's base of addresses (/geocodage/search) and Google Maps' Geocoding API
// (/maps/api/geocode/json). It knows the streets of Mondial Relay's points, and their towns by their postal codes.
type Geocoder struct {
	Plan Plan

	key string

	mu     sync.Mutex
	asked  int
	status string
}

// NewGeocoder makes the services; key is that of Google's.
func NewGeocoder(key string) *Geocoder { return &Geocoder{key: key} }

// Asked is how often either was asked.
func (g *Geocoder) Asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// Answer has Google's answer a status from now on; empty for what is true.
func (g *Geocoder) Answer(status string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = status
}

// ServeHTTP implements http.Handler.
func (g *Geocoder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.asked++
	g.mu.Unlock()
	g.Plan.serve(w, r, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet && r.URL.Path == "/geocodage/search":
			g.ban(w, r)
		case r.Method == http.MethodGet && r.URL.Path == "/maps/api/geocode/json":
			g.google(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// place is where a question is: a street's, or its town's.
func place(question, country, postal string) (found *relay, exact bool) {
	question = strings.ToUpper(question)
	for _, p := range relays() {
		if p.country != country || postal != "" && p.postal != postal {
			continue
		}
		if strings.Contains(question, p.street) {
			return p, true
		}
		if found == nil && (postal != "" || strings.Contains(question, p.city)) {
			found = p
		}
	}
	return found, false
}

func (g *Geocoder) ban(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if n := len([]rune(q.Get("q"))); n < 3 || n > 200 {
		writeJSON(w, http.StatusBadRequest, map[string]any{"code": 400, "message": "Failed parsing query", "detail": []string{"q: must contain between 3 and 200 chars and start with a number or a letter"}})
		return
	}
	features := []any{}
	if p, exact := place(q.Get("q"), "FR", q.Get("postcode")); p != nil {
		kind, score := "municipality", 0.55
		if exact {
			kind, score = "housenumber", 0.97
		}
		features = append(features, map[string]any{
			"type": "Feature", "geometry": map[string]any{"type": "Point", "coordinates": []float64{p.longitude, p.latitude}},
			"properties": map[string]any{"label": p.street + " " + p.postal + " " + p.city, "score": score, "type": kind, "postcode": p.postal, "city": p.city},
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"type": "FeatureCollection", "features": features, "query": q.Get("q")})
}

func (g *Geocoder) google(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	status := g.status
	g.mu.Unlock()
	q := r.URL.Query()
	filters := map[string]string{}
	for part := range strings.SplitSeq(q.Get("components"), "|") {
		name, value, _ := strings.Cut(part, ":")
		filters[name] = value
	}
	answer := map[string]any{"results": []any{}}
	p, exact := place(q.Get("address"), filters["country"], filters["postal_code"])
	switch {
	case status != "":
		answer["error_message"] = "What is wrong with " + q.Get("key") + "."
	case q.Get("key") != g.key:
		status, answer["error_message"] = "REQUEST_DENIED", "The provided API key is invalid."
	case q.Get("address") == "" && len(filters) == 0:
		status, answer["error_message"] = "INVALID_REQUEST", "Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter."
	case p == nil:
		status = "ZERO_RESULTS"
	default:
		status = "OK"
		kind, types := "APPROXIMATE", []string{"locality", "political"}
		if exact {
			kind, types = "ROOFTOP", []string{"street_address"}
		}
		answer["results"] = []any{map[string]any{
			"formatted_address": p.street + ", " + p.postal + " " + p.city, "types": types, "partial_match": !exact,
			"geometry": map[string]any{"location": map[string]any{"lat": p.latitude, "lng": p.longitude}, "location_type": kind},
		}}
	}
	answer["status"] = status
	writeJSON(w, http.StatusOK, answer)
}
