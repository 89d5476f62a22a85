package mondialrelay

import (
	"context"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// maxPoints is how many points the service gives at most.
const maxPoints = 30

// searchRadius is how far from a place points are looked for, in kilometres.
const searchRadius = "20"

type searchResult struct {
	Stat   string `xml:"STAT"`
	Points []struct {
		Num       string `xml:"Num"`
		Name      string `xml:"LgAdr1"`
		Name2     string `xml:"LgAdr2"`
		Street    string `xml:"LgAdr3"`
		Street2   string `xml:"LgAdr4"`
		CP        string `xml:"CP"`
		City      string `xml:"Ville"`
		Country   string `xml:"Pays"`
		Latitude  string `xml:"Latitude"`
		Longitude string `xml:"Longitude"`
		Distance  string `xml:"Distance"`
		Monday    hours  `xml:"Horaires_Lundi"`
		Tuesday   hours  `xml:"Horaires_Mardi"`
		Wednesday hours  `xml:"Horaires_Mercredi"`
		Thursday  hours  `xml:"Horaires_Jeudi"`
		Friday    hours  `xml:"Horaires_Vendredi"`
		Saturday  hours  `xml:"Horaires_Samedi"`
		Sunday    hours  `xml:"Horaires_Dimanche"`
	} `xml:"PointsRelais>PointRelais_Details"`
}

// hours are two spans of a day as four times, 0000 where there is none.
type hours struct {
	Times []string `xml:"string"`
}

func (h hours) open() (spans []shipping.Opening) {
	for i := 0; i+1 < len(h.Times); i += 2 {
		from, to := strings.TrimSpace(h.Times[i]), strings.TrimSpace(h.Times[i+1])
		if len(from) == 4 && len(to) == 4 && from != to {
			spans = append(spans, shipping.Opening{From: from[:2] + ":" + from[2:], To: to[:2] + ":" + to[2:]})
		}
	}
	return spans
}

// Points implements shipping.PointFinder.
func (c *Carrier) Points(ctx context.Context, s shipping.PointSearch) ([]shipping.Point, error) {
	latitude, longitude, city := "", "", ""
	if s.At != nil {
		latitude, longitude = strconv.FormatFloat(s.At.Latitude, 'f', 7, 64), strconv.FormatFloat(s.At.Longitude, 'f', 7, 64)
	}
	if fitted, _, err := limits().Fit(place(s)); err == nil { // else the postal code has to do
		city = fitted.City
	}
	limit := s.Limit
	if limit <= 0 || limit > maxPoints {
		limit = maxPoints
	}
	weight := ""
	if s.Grams > 0 {
		weight = strconv.Itoa(s.Grams)
	}
	return c.search(ctx, s.Country, "", city, s.PostalCode, latitude, longitude, weight, limit)
}

// Point implements shipping.PointFinder.
func (c *Carrier) Point(ctx context.Context, country, id string) (shipping.Point, error) {
	points, err := c.search(ctx, country, id, "", "", "", "", "", 1)
	if err != nil {
		return shipping.Point{}, err
	}
	if len(points) != 1 || points[0].ID != id {
		return shipping.Point{}, shipping.ErrPointClosed
	}
	return points[0], nil
}

func (c *Carrier) search(ctx context.Context, country, id, city, postal, latitude, longitude, weight string, limit int) ([]shipping.Point, error) {
	radius := searchRadius
	if id != "" {
		radius = ""
	}
	var result searchResult
	err := c.call(ctx, "WSI4_PointRelais_Recherche", []field{
		{"Enseigne", c.enseigne}, {"Pays", country}, {"NumPointRelais", id}, {"Ville", city}, {"CP", postal}, {"Latitude", latitude}, {"Longitude", longitude},
		{"Taille", ""}, {"Poids", weight}, {"Action", PickupPoint}, {"DelaiEnvoi", "0"}, {"RayonRecherche", radius}, {"TypeActivite", ""}, {"NACE", ""},
		{"NombreResultats", strconv.Itoa(limit)},
	}, &result)
	if err == nil {
		err = refusal("WSI4_PointRelais_Recherche", result.Stat)
	}
	if err != nil {
		return nil, err
	}
	points := make([]shipping.Point, 0, len(result.Points))
	for _, p := range result.Points {
		at := shipping.Coordinates{Latitude: decimal(p.Latitude), Longitude: decimal(p.Longitude)}
		metres, _ := strconv.Atoi(strings.TrimSpace(p.Distance)) // it says none where it was not asked from a place
		point := shipping.Point{
			Carrier: Name, ID: strings.TrimSpace(p.Num), Name: join(p.Name, p.Name2), PostalCode: strings.TrimSpace(p.CP), City: strings.TrimSpace(p.City),
			Country: strings.TrimSpace(p.Country), At: at, Metres: metres,
			Hours: [7][]shipping.Opening{p.Monday.open(), p.Tuesday.open(), p.Wednesday.open(), p.Thursday.open(), p.Friday.open(), p.Saturday.open(), p.Sunday.open()},
		}
		for _, line := range []string{p.Street, p.Street2} {
			if line = strings.TrimSpace(line); line != "" {
				point.Lines = append(point.Lines, line)
			}
		}
		if point.ID != "" {
			points = append(points, point)
		}
	}
	return points, nil
}

// join puts texts that are filled up with spaces together.
func join(texts ...string) string { return strings.Join(strings.Fields(strings.Join(texts, " ")), " ") }

// decimal reads a number with a comma; 0 where it is none.
func decimal(s string) float64 {
	f, _ := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
	return f
}
