package relaiscolis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/shipping"
)

const (
	relaysOp = "RelaisProches"
	// How far from a place relays are looked for, in metres, and how many; and how far from where it was one is looked for again.
	radius    = 20_000
	moved     = 300
	maxRelays = 30
)

// point is what our number of a relay says: the carrier's code, what a parcel to it has to name, and where it is, in ten thousandths of a degree.
type point struct {
	xeett, agency, rvc string
	at                 shipping.Coordinates
}

func (p point) String() string {
	return fmt.Sprintf("%s_%s_%s_%d_%d", p.xeett, p.agency, p.rvc, int(math.Round(p.at.Latitude*1e4)), int(math.Round(p.at.Longitude*1e4)))
}

var pointPattern = regexp.MustCompile(`^([0-9A-Z]{2,8})_([0-9A-Z]{1,6})_([0-9A-Z]{1,5})_(-?[0-9]{1,6})_(-?[0-9]{1,7})$`)

func readPoint(id string) (p point, ok bool) {
	m := pointPattern.FindStringSubmatch(id)
	if m == nil {
		return p, false
	}
	latitude, _ := strconv.Atoi(m[4]) // the pattern has digits alone
	longitude, _ := strconv.Atoi(m[5])
	return point{m[1], m[2], m[3], shipping.Coordinates{Latitude: float64(latitude) / 1e4, Longitude: float64(longitude) / 1e4}}, true
}

// number is a JSON number, or a text that has one.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.Replace(strings.Trim(string(raw), `"`), ",", ".", 1), 64)
	*n = number(f)
	return err
}

type relay struct {
	Xeett      string `json:"Xeett"`
	Agency     string `json:"Agencecode"`
	RVC        string `json:"Pseudorvc"`
	Name       string `json:"Nomrelais"`
	Street     string `json:"Geocoadresse"`
	PostalCode string `json:"Postalcode"`
	City       string `json:"Commune"`
	Latitude   number `json:"Lat"`
	Longitude  number `json:"Lon"`
	Distance   number `json:"Distance"`
	Open       string `json:"AffichageLien"` // OK, unless it is closed or on holiday
}

type relayList struct {
	Relays []json.RawMessage `json:"PoisList"`
	Errors []struct {
		Text string `json:"ErrorDescription"`
	} `json:"ErrorsList"`
}

// Points implements shipping.PointFinder. Where a search has no coordinates, they are asked for first.
func (c *Carrier) Points(ctx context.Context, s shipping.PointSearch) ([]shipping.Point, error) {
	if s.Country != "FR" {
		return nil, shipping.ErrCountry.With("country", s.Country)
	}
	at := s.At
	if at == nil {
		if c.config.Locator == nil {
			return nil, &shipping.CarrierError{Carrier: Name, Op: relaysOp, Outcome: shipping.Unavailable, Code: "NO_GEOCODER", Text: "nobody knows where a postal code is"}
		}
		found, err := c.config.Locator.Locate(ctx, address.Postal{Line1: s.Street, PostalCode: s.PostalCode, City: cmp.Or(s.City, s.PostalCode), Country: s.Country})
		if err != nil {
			return nil, err
		}
		at = &found.At
	}
	limit := s.Limit
	if limit <= 0 || limit > maxRelays {
		limit = maxRelays
	}
	return c.near(ctx, *at, radius, limit)
}

// Point implements shipping.PointFinder: it is looked for where it was.
func (c *Carrier) Point(ctx context.Context, country, id string) (shipping.Point, error) {
	p, ok := readPoint(id)
	if !ok || country != "FR" {
		return shipping.Point{}, shipping.ErrPointClosed
	}
	found, err := c.near(ctx, p.at, moved, maxRelays)
	if err != nil {
		return shipping.Point{}, err
	}
	for _, one := range found {
		if now, _ := readPoint(one.ID); now.xeett == p.xeett && now.agency == p.agency && now.rvc == p.rvc {
			one.ID, one.Metres = id, 0
			return one, nil
		}
	}
	return shipping.Point{}, shipping.ErrPointClosed
}

// near are the open relays around a place, the nearest first.
func (c *Carrier) near(ctx context.Context, at shipping.Coordinates, metres, limit int) ([]shipping.Point, error) {
	answer, err := c.post(ctx, c.relays, relaysOp, c.config.RelayURL+"/wslisterelaisproches/RelaisProches/Liste?key="+c.config.RelayKey, map[string]any{
		"Lon": at.Longitude, "Lat": at.Latitude, "EnsCode": c.config.Enseigne, "RelaisMax": "", "RelaisSmart": "", "RelaisActifouTF": "1", "RelaisCodeCountry": "FRA",
		"RayonRecherche": metres, "Delailogistique": 0, "AdresseSaisie": "", "NbRelais": limit, "Activity": "",
	})
	if failed, ok := errors.AsType[*shipping.CarrierError](err); ok && failed.Outcome == shipping.Unknown {
		failed.Outcome = shipping.Unavailable // a search has no effect
	}
	if err != nil {
		return nil, err
	}
	var list relayList
	if err := json.Unmarshal(answer.Body, &list); err != nil {
		return nil, &shipping.CarrierError{Carrier: Name, Op: relaysOp, Outcome: shipping.Unavailable, Err: errors.New("the answer can't be read")}
	}
	if len(list.Errors) > 0 {
		return nil, &shipping.CarrierError{Carrier: Name, Op: relaysOp, Outcome: shipping.Refused, Code: "ERROR", Text: list.Errors[0].Text}
	}
	points := make([]shipping.Point, 0, len(list.Relays))
	for _, raw := range list.Relays {
		var r relay
		if json.Unmarshal(raw, &r) != nil || r.Open != "OK" {
			continue
		}
		id := point{r.Xeett, r.Agency, r.RVC, shipping.Coordinates{Latitude: float64(r.Latitude), Longitude: float64(r.Longitude)}}
		if _, ok := readPoint(id.String()); !ok {
			continue
		}
		points = append(points, shipping.Point{
			Carrier: Name, ID: id.String(), Name: join(r.Name), Lines: []string{join(r.Street)}, PostalCode: join(r.PostalCode), City: join(r.City), Country: "FR", At: id.at,
			Metres: int(r.Distance), Hours: hours(raw),
		})
	}
	return points, nil
}

func join(s string) string { return strings.Join(strings.Fields(s), " ") }

// hours reads fourteen fields, of which each is a span such as 09:00-12:30, or empty.
func hours(raw json.RawMessage) (week [7][]shipping.Opening) {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return week
	}
	for i, day := range []string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"} {
		for _, half := range []string{"matin", "apm"} {
			text, _ := fields["Horaire"+day+half].(string)
			from, to, span := strings.Cut(strings.ReplaceAll(text, " ", ""), "-")
			if span && len(from) == 5 && len(to) == 5 && from != to {
				week[i] = append(week[i], shipping.Opening{From: from, To: to})
			}
		}
	}
	return week
}
