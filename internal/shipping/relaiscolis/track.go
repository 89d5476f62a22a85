package relaiscolis

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	_ "time/tzdata" // the carrier's times are those of Paris, wherever this runs

	"github.com/souklive/souk/internal/shipping"
)

type event struct {
	Number string `json:"parcelNumber"`
	Text   string `json:"Libelle"`
	Date   string `json:"Date"` // 2025-02-17T18:00:00
	Step   int    `json:"Etape"`
	Code   string `json:"CodeEVT"`
	Why    string `json:"CodeJUS"`
}

// stage is what an event says, as the carrier's own modules read it; others say nothing of where the parcel is.
func (e event) stage() shipping.Stage {
	switch {
	case e.Code == "APF" && e.Why == "RDF", e.Code == "SOR" && e.Why == "RDF":
		return shipping.Returned
	case e.Code == "APF":
		return shipping.Registered
	case e.Code == "RST" && e.Why == "REC", e.Code == "DEP" && e.Why == "REL":
		return shipping.Ready
	case e.Code == "RST":
		return shipping.InTransit
	case e.Code == "SOL", e.Code == "REN" && e.Why == "LIV", e.Code == "SOR" && e.Why == "LIV":
		return shipping.Delivered
	}
	return shipping.Problem
}

// Track implements shipping.Carrier.
func (c *Carrier) Track(ctx context.Context, number string) (shipping.Tracking, error) {
	const op = "getPackagesStatus"
	answer, err := c.post(ctx, c.line, op, c.config.URL+"/api/package/getPackagesStatus", map[string]any{"activationKey": c.config.ActivationKey, "parcelNumbers": []string{number}})
	if err != nil {
		return shipping.Tracking{}, err
	}
	var events []event
	if err := json.Unmarshal(answer.Body, &events); err != nil {
		return shipping.Tracking{}, unreadable(op, "it is no list of events")
	}
	events = slices.DeleteFunc(events, func(e event) bool { return e.Number != number })
	if len(events) == 0 {
		return shipping.Tracking{}, shipping.ErrUnknownParcel
	}
	slices.SortStableFunc(events, func(a, b event) int { return when(a.Date).Compare(when(b.Date)) })
	t := shipping.Tracking{Stage: events[len(events)-1].stage()}
	for _, e := range events {
		t.Events = append(t.Events, shipping.Step{At: when(e.Date), Text: join(e.Text)})
	}
	return t, nil
}

// when reads a time of Paris; the zero time where it is none.
func when(date string) time.Time {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.Time{}
	}
	at, _ := time.ParseInLocation("2006-01-02T15:04:05", date, paris) // the zero time where it is none
	return at
}
