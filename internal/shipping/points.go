package shipping

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/postgres"
)

const (
	// mostPoints is how many pickup points are answered at most.
	mostPoints = 20
	// keptFor is how long points are shown after their carrier told of them last, while it is down.
	keptFor = 30 * 24 * time.Hour
	// trustedFor is how long a point that is kept is believed to be open, while its carrier can't be asked.
	trustedFor = 48 * time.Hour
	// near is how far from a place kept points are looked for, in metres: about as far as carriers look.
	near = 20_000
	// areaLike is how much of a postal code is an area: a department of France, a province of Spain.
	areaLike = 2
	// mostKept is how many points of an area are looked at.
	mostKept = 500
)

// Points are a carrier's pickup points near a place, the nearest first. What the carrier answers is kept; while it is down, what is kept is answered, each
// point with when the carrier told of it (Kept, SeenAt).
func (s *Service) Points(ctx context.Context, carrier string, p PointSearch) (_ []Point, err error) {
	defer fault.Wrap(&err, "find pickup points")
	finder, err := s.finder(carrier)
	if err != nil {
		return nil, err
	}
	p.Country, p.PostalCode, p.Limit = strings.ToUpper(p.Country), strings.ToUpper(strings.TrimSpace(p.PostalCode)), mostPoints
	if !countries.MatchString(p.Country) || len(p.PostalCode) > 12 || len(p.City) > 100 || len(p.Street) > 200 || p.At != nil && !p.At.valid() {
		return nil, ErrPointPlace
	}
	s.locate(ctx, &p)
	asked := time.Now()
	points, err := finder.Points(ctx, p)
	s.metrics.called(carrier, "points", err)
	switch {
	case err == nil:
		for i := range points {
			points[i].SeenAt = asked
		}
		s.keep(ctx, carrier, points)
		s.gone(ctx, carrier, p, points, asked)
		return points, nil
	case OutcomeOf(err) == Refused:
		return nil, ErrPointPlace.Because(err)
	}
	kept, keptErr := s.kept(ctx, carrier, p)
	if keptErr != nil || len(kept) == 0 {
		return nil, ErrCarrierDown.Because(errors.Join(err, keptErr))
	}
	s.log.WarnContext(ctx, "a carrier does not say where its pickup points are: those that are kept are shown", "carrier", carrier, "error", err)
	return kept, nil
}

// OpenPoint is one pickup point as it is now, for who is about to pay for a parcel to it: ErrPointClosed where it takes none. While the carrier is down a
// point is answered that it told of lately (Kept), else ErrCarrierDown.
func (s *Service) OpenPoint(ctx context.Context, carrier, country, number string) (_ Point, err error) {
	defer fault.Wrap(&err, "look at a pickup point")
	finder, err := s.finder(carrier)
	if err != nil {
		return Point{}, err
	}
	if !countries.MatchString(country) || !points.MatchString(number) {
		return Point{}, ErrPointClosed
	}
	point, err := finder.Point(ctx, country, number)
	s.metrics.called(carrier, "point", err)
	switch {
	case err == nil:
		point.SeenAt = time.Now()
		s.keep(ctx, carrier, []Point{point})
		return point, nil
	case errors.Is(err, ErrPointClosed):
		s.closed(ctx, carrier, country, number)
		return Point{}, ErrPointClosed.Because(err)
	case OutcomeOf(err) == Refused:
		return Point{}, ErrPointPlace.Because(err)
	}
	row, keptErr := s.q.PickupPointGet(ctx, s.pool, carrier, country, number)
	if keptErr == nil && time.Since(row.SeenAt) < trustedFor {
		return pointOf(row)
	}
	if postgres.NoRows(keptErr) {
		keptErr = nil
	}
	return Point{}, ErrCarrierDown.Because(errors.Join(err, keptErr))
}

// locate finds where the street of a search is. Where nobody knows, or who knows is down, its postal code has to do.
func (s *Service) locate(ctx context.Context, p *PointSearch) {
	if s.locator == nil || p.At != nil || strings.TrimSpace(p.Street) == "" {
		return
	}
	found, err := s.locator.Locate(ctx, address.Postal{Line1: p.Street, PostalCode: p.PostalCode, City: p.City, Country: p.Country})
	s.metrics.called("GEOCODER", "locate", err)
	switch {
	case err == nil && found.At.valid():
		p.At = &found.At
	case !errors.Is(err, ErrPlaceUnknown):
		s.log.WarnContext(ctx, "nobody says where a street is: points are looked for by its postal code", "error", err)
	}
}

func (s *Service) finder(carrier string) (PointFinder, error) {
	c, err := s.carrier(carrier)
	if err != nil {
		return nil, err
	}
	finder, finds := c.(PointFinder)
	if !finds {
		return nil, ErrNoPoints
	}
	return finder, nil
}

// keep writes down what a carrier told of its points. That it can't be written is no reason not to show them.
func (s *Service) keep(ctx context.Context, carrier string, told []Point) {
	told = slices.DeleteFunc(slices.Clone(told), func(p Point) bool {
		return !points.MatchString(p.ID) || !countries.MatchString(p.Country) || !p.At.valid()
	})
	if len(told) == 0 {
		return
	}
	raw, err := json.Marshal(told) //nolint:musttag // the query reads the names of the fields
	if err == nil {
		err = s.q.PickupPointsKeep(ctx, s.pool, carrier, raw)
	}
	if err != nil {
		s.log.ErrorContext(ctx, "pickup points could not be kept", "carrier", carrier, "error", err)
	}
}

// gone forgets the points of a postal code that were kept and are not named any more. Only where the carrier named all that it has there: where it named
// as many as were asked for, others may be open, and with a weight those that take less are left out.
func (s *Service) gone(ctx context.Context, carrier string, p PointSearch, told []Point, asked time.Time) {
	if p.PostalCode == "" || p.At != nil || p.Grams > 0 || len(told) == 0 || len(told) >= p.Limit {
		return
	}
	numbers := make([]string, len(told))
	for i, t := range told {
		numbers[i] = t.ID
	}
	err := s.q.PickupPointsGone(ctx, s.pool, db.PickupPointsGoneParams{Carrier: carrier, Country: p.Country, PostalCode: p.PostalCode, Numbers: numbers, AskedAt: asked})
	if err != nil {
		s.log.ErrorContext(ctx, "closed pickup points could not be forgotten", "carrier", carrier, "error", err)
	}
}

// closed forgets one point.
func (s *Service) closed(ctx context.Context, carrier, country, number string) {
	if err := s.q.PickupPointGone(ctx, s.pool, carrier, country, number); err != nil {
		s.log.ErrorContext(ctx, "a closed pickup point could not be forgotten", "carrier", carrier, "number", number, "error", err)
	}
}

// kept are the points near a place as they were told of before: near its coordinates, else those of its postal code and then of its area, around the middle
// of the former.
func (s *Service) kept(ctx context.Context, carrier string, p PointSearch) (found []Point, err error) {
	var rows []db.PickupPoint
	if p.At != nil {
		const degree = 111_000 // metres of one from north to south
		dy := near / float64(degree)
		dx := dy / math.Max(math.Cos(p.At.Latitude*math.Pi/180), 0.01)
		rows, err = s.q.PickupPointsOfPlace(ctx, s.pool, db.PickupPointsOfPlaceParams{
			Carrier: carrier, Country: p.Country, South: p.At.Latitude - dy, North: p.At.Latitude + dy, West: p.At.Longitude - dx, East: p.At.Longitude + dx,
			AgeSeconds: keptFor.Seconds(), PageSize: mostKept,
		})
	} else if len(p.PostalCode) > areaLike && plain.MatchString(p.PostalCode) {
		rows, err = s.q.PickupPointsOfArea(ctx, s.pool, db.PickupPointsOfAreaParams{
			Carrier: carrier, Country: p.Country, Area: p.PostalCode[:areaLike], PostalCode: p.PostalCode, AgeSeconds: keptFor.Seconds(), PageSize: mostKept,
		})
	}
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	from := middle(rows, p)
	for _, row := range rows {
		one, err := pointOf(row)
		if err != nil {
			return nil, err
		}
		if one.Metres = from.metres(one.At); one.Metres <= near {
			found = append(found, one)
		}
	}
	slices.SortFunc(found, func(a, b Point) int { return cmp.Or(a.Metres-b.Metres, strings.Compare(a.ID, b.ID)) })
	found = found[:min(len(found), p.Limit)]
	if p.At == nil { // from where is a guess
		for i := range found {
			found[i].Metres = 0
		}
	}
	return found, nil
}

// middle is the place that is looked from: that which was asked for, or the middle of the points whose postal codes are the likest.
func middle(rows []db.PickupPoint, p PointSearch) (at Coordinates) {
	if p.At != nil {
		return *p.At
	}
	best, n := 0, 0.0
	for _, row := range rows {
		like := alike(row.PostalCode, p.PostalCode)
		if like > best {
			best, n, at = like, 0, Coordinates{}
		}
		if like == best {
			at.Latitude, at.Longitude, n = at.Latitude+row.Latitude, at.Longitude+row.Longitude, n+1
		}
	}
	return Coordinates{at.Latitude / n, at.Longitude / n}
}

// alike is how many letters two texts begin with alike.
func alike(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func pointOf(row db.PickupPoint) (Point, error) {
	p := Point{
		Carrier: row.Carrier, ID: row.Number, Name: row.Name, Lines: row.Lines, PostalCode: row.PostalCode, City: row.City, Country: row.Country,
		At: Coordinates{row.Latitude, row.Longitude}, SeenAt: row.SeenAt, Kept: true,
	}
	return p, json.Unmarshal(row.Hours, &p.Hours) //nolint:musttag // as they were written
}

// valid says whether there is such a place.
func (c Coordinates) valid() bool {
	return math.Abs(c.Latitude) <= 90 && math.Abs(c.Longitude) <= 180 // and neither is NaN
}

// metres is how far it is to another place, on a round earth.
func (c Coordinates) metres(to Coordinates) int {
	rad := func(d float64) float64 { return d * math.Pi / 180 }
	dy, dx := rad(to.Latitude-c.Latitude), rad(to.Longitude-c.Longitude)
	a := math.Pow(math.Sin(dy/2), 2) + math.Cos(rad(c.Latitude))*math.Cos(rad(to.Latitude))*math.Pow(math.Sin(dx/2), 2)
	return int(2 * 6_371_000 * math.Asin(math.Min(1, math.Sqrt(a))))
}
