package fedex

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souklive/souk/internal/shipping"
)

// How far back the carrier looks for a reference, which is the most that it allows, and how long it may take to know a parcel that was registered.
const (
	lookBack   = 29 * 24 * time.Hour
	knowsAfter = 24 * time.Hour
	day        = "2006-01-02"
)

type tracked struct {
	Complete []struct {
		Results []trackResult `json:"trackResults"`
	} `json:"completeTrackResults"`
}

type trackResult struct {
	Info struct {
		Number string `json:"trackingNumber"`
	} `json:"trackingNumberInfo"`
	Latest struct {
		Code    string `json:"code"`
		Derived string `json:"derivedCode"`
	} `json:"latestStatusDetail"`
	Scans []struct {
		At    string `json:"date"`
		Text  string `json:"eventDescription"`
		Why   string `json:"exceptionDescription"`
		Place struct {
			City    string `json:"city"`
			Country string `json:"countryCode"`
		} `json:"scanLocation"`
	} `json:"scanEvents"`
	Error *problem `json:"error"`
}

// status is the code of where a parcel is.
func (r trackResult) status() string { return cmp.Or(r.Latest.Derived, r.Latest.Code) }

// results are what is told of each parcel; none where there is none.
func (c *Carrier) results(ctx context.Context, p call) ([]trackResult, error) {
	var answer tracked
	if err := c.do(ctx, p, &answer); err != nil {
		if failed, ok := errors.AsType[*shipping.CarrierError](err); ok && notFound(failed.Code) {
			return nil, nil
		}
		return nil, err
	}
	var all []trackResult
	for _, complete := range answer.Complete {
		for _, r := range complete.Results {
			switch {
			case r.Error == nil:
				all = append(all, r)
			case !notFound(r.Error.Code): // of one parcel, in an answer that succeeded
				return nil, &shipping.CarrierError{Carrier: Name, Op: p.op, Outcome: shipping.Unavailable, Code: r.Error.Code, Text: r.Error.Message}
			}
		}
	}
	return all, nil
}

func notFound(code string) bool {
	return code == "TRACKING.TRACKINGNUMBER.NOTFOUND" || code == "TRACKING.REFERENCENUMBER.NOTFOUND"
}

// Track implements shipping.Carrier.
func (c *Carrier) Track(ctx context.Context, number string) (shipping.Tracking, error) {
	all, err := c.results(ctx, call{op: "track", method: http.MethodPost, path: "/track/v1/trackingnumbers", reads: true, body: map[string]any{
		"includeDetailedScans": true, "trackingInfo": []any{map[string]any{"trackingNumberInfo": map[string]string{"trackingNumber": number}}},
	}})
	if err != nil {
		return shipping.Tracking{}, err
	}
	i := slices.IndexFunc(all, func(r trackResult) bool { return r.Info.Number == number })
	if i < 0 {
		return shipping.Tracking{}, shipping.ErrUnknownParcel
	}
	t := shipping.Tracking{Stage: stage(all[i].status())}
	for _, s := range all[i].Scans {
		at, _ := time.Parse(time.RFC3339, s.At) // the zero time where it is none
		if text := strings.Trim(s.Text+": "+s.Why, ": "); text != "" {
			t.Events = append(t.Events, shipping.Step{At: at, Text: text, Place: strings.Trim(s.Place.City+", "+s.Place.Country, ", ")})
		}
	}
	slices.Reverse(t.Events) // they come the newest first
	slices.SortStableFunc(t.Events, func(a, b shipping.Step) int { return a.At.Compare(b.At) })
	return t, nil
}

// cancelled is the status of a parcel that was taken back.
const cancelled = "CA"

// stage is what a status says. The carrier adds to them: one that is not known says nothing of where the parcel is.
func stage(status string) shipping.Stage {
	switch status {
	case "OC", "IN":
		return shipping.Registered
	case "PU", "IT", "AR", "DP", "OD", "AF", "FD", "DR", "CC", "DS", "OF", "SF", "TR", "LO", "IX":
		return shipping.InTransit
	case "HL", "HP":
		return shipping.Ready
	case "DL":
		return shipping.Delivered
	case "RS":
		return shipping.Returned
	}
	return shipping.Problem
}

// KnowsAfter implements shipping.LateFinder.
func (*Carrier) KnowsAfter() time.Duration { return knowsAfter }

// Find implements shipping.Finder. It never gives a parcel: a label is given once, with the answer that was lost. What is found is taken back, so that it
// may be registered anew.
func (c *Carrier) Find(ctx context.Context, ref string) (shipping.Created, error) {
	const op = "find"
	now := c.now().UTC()
	all, err := c.results(ctx, call{op: op, method: http.MethodPost, path: "/track/v1/referencenumbers", reads: true, body: map[string]any{
		"includeDetailedScans": false, "referencesInformation": map[string]any{
			"type": "CUSTOMER_REFERENCE", "value": ref, "accountNumber": c.account, "shipDateBegin": now.Add(-lookBack).Format(day), "shipDateEnd": now.Format(day),
		},
	}})
	if err != nil {
		return shipping.Created{}, err
	}
	outcome := shipping.ErrUnknownParcel
	for _, r := range all {
		if r.status() == cancelled {
			continue
		}
		if stage(r.status()) != shipping.Registered {
			return shipping.Created{}, &shipping.CarrierError{
				Carrier: Name, Op: op, Outcome: shipping.Unknown, Code: "UNDER_WAY", Text: "parcel " + r.Info.Number + " was registered, is no longer to be cancelled, and its label is lost",
			}
		}
		if err := c.Cancel(ctx, r.Info.Number); err != nil {
			if failed, ok := errors.AsType[*shipping.CarrierError](err); ok && failed.Outcome == shipping.Refused {
				failed.Outcome = shipping.Unknown // it is registered, and stays so
			}
			return shipping.Created{}, err
		}
		outcome = shipping.ErrTakenBack
	}
	return shipping.Created{}, outcome
}
