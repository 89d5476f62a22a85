package shipping

import (
	"context"
	"strings"

	"github.com/souklive/souk/internal/fault"
)

// mostPoints is how many pickup points are answered at most.
const mostPoints = 20

// Points are a carrier's pickup points near a place, the nearest first: asked of the carrier each time.
func (s *Service) Points(ctx context.Context, carrier string, p PointSearch) (_ []Point, err error) {
	defer fault.Wrap(&err, "find pickup points")
	c, err := s.carrier(carrier)
	if err != nil {
		return nil, err
	}
	finder, finds := c.(PointFinder)
	if !finds {
		return nil, ErrNoPoints
	}
	p.Country, p.Limit = strings.ToUpper(p.Country), mostPoints
	if !countries.MatchString(p.Country) || len(p.PostalCode) > 12 || len(p.City) > 100 {
		return nil, ErrPointPlace
	}
	points, err := finder.Points(ctx, p)
	s.metrics.called(carrier, "points", err)
	if err != nil && OutcomeOf(err) == Refused {
		return nil, ErrPointPlace.Because(err)
	}
	if err != nil {
		return nil, ErrCarrierDown.Because(err)
	}
	return points, nil
}
