package mondialrelay

import (
	"context"
	"strings"
	"time"

	_ "time/tzdata" // the carrier's times are those of Paris, wherever this runs

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/shipping"
)

type trackingResult struct {
	Stat  string `xml:"STAT"`
	Steps []struct {
		Text  string `xml:"Libelle"`
		Date  string `xml:"Date"`
		Time  string `xml:"Heure"`
		Place string `xml:"Emplacement"`
	} `xml:"Tracing>ret_WSI2_sub_TracingColisDetaille"`
}

// Track implements shipping.Carrier. STAT says how far the parcel is, the steps' texts what it does not: that it waits at its point, or goes back.
func (c *Carrier) Track(ctx context.Context, number string) (shipping.Tracking, error) {
	const op = "WSI2_TracingColisDetaille"
	var result trackingResult
	if err := c.call(ctx, op, []field{{"Enseigne", c.enseigne}, {"Expedition", number}, {"Langue", "FR"}}, &result); err != nil {
		return shipping.Tracking{}, err
	}
	var t shipping.Tracking
	switch result.Stat {
	case "80":
		t.Stage = shipping.Registered
	case "81":
		t.Stage = shipping.InTransit
	case "82":
		t.Stage = shipping.Delivered
	case "83":
		t.Stage = shipping.Problem
	case "24", "94":
		return shipping.Tracking{}, shipping.ErrUnknownParcel
	default:
		if err := refusal(op, result.Stat); err != nil {
			return shipping.Tracking{}, err
		}
		return shipping.Tracking{}, unreadable(op, "it does not say where the parcel is")
	}
	for _, s := range result.Steps {
		text := join(s.Text)
		if text == "" {
			continue
		}
		t.Events = append(t.Events, shipping.Step{At: when(s.Date, s.Time), Text: text, Place: join(s.Place)})
		switch upper := strings.ToUpper(text); {
		case t.Stage == shipping.InTransit && strings.Contains(upper, "DISPONIBLE AU POINT RELAIS"):
			t.Stage = shipping.Ready
		case t.Stage == shipping.Delivered && strings.Contains(upper, "RETOUR") && strings.Contains(upper, "EXP"):
			t.Stage = shipping.Returned // delivered to who sent it (RETOURNÉ À L'EXPÉDITEUR)
		}
	}
	return t, nil
}

// when reads 22/11/26 or 22/11/2026 and 10:15; the zero time where it is none.
func when(date, clock string) time.Time {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.Time{}
	}
	for _, layout := range []string{"02/01/2006 15:04", "02/01/06 15:04"} {
		if at, err := time.ParseInLocation(layout, strings.TrimSpace(date)+" "+strings.TrimSpace(clock), paris); err == nil {
			return at
		}
	}
	return time.Time{}
}

// place is a search as an address, so that its city is written as any other.
func place(s shipping.PointSearch) address.Postal {
	return address.Postal{Name: "X", Line1: "X", City: s.City, PostalCode: s.PostalCode, Country: s.Country}
}
