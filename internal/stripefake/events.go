package stripefake

import (
	"encoding/json"
	"slices"
)

// Event tells that a resource changed, with the resource as it was then.
type Event struct {
	base
	Livemode        bool         `json:"livemode"`
	APIVersion      string       `json:"api_version"`
	Account         *string      `json:"account,omitempty"` // the connected account that it happened to
	Type            string       `json:"type"`
	Data            eventData    `json:"data"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
}

type eventData struct {
	Object json.RawMessage `json:"object"`
}

type eventRequest struct {
	ID             *string `json:"id"` // none where it happened by itself
	IdempotencyKey *string `json:"idempotency_key"`
}

// emit records an event in the same commit as the change that it tells of.
func (c *call) emit(kind string, r resource) {
	e := &Event{
		base:       base{ID: c.ids.make("evt"), Object: "event", Created: c.now},
		APIVersion: APIVersion,
		Account:    optional(c.account),
		Type:       kind,
		Data:       eventData{Object: mustMarshal(r)},
		Request:    eventRequest{ID: optional(c.reqID), IdempotencyKey: optional(c.idem)},

		PendingWebhooks: len(c.hooks),
	}
	c.save(e)
	c.told = append(c.told, e)
}

func listEvents(c *call) (any, *apiError) {
	kinds := c.form.list("types")
	if one := c.form.str("type"); one != "" {
		kinds = append(kinds, one)
	}
	delivered, problem := c.form.boolean(false, "delivery_success")
	if problem != nil {
		return nil, problem
	}
	anyDelivery := !c.form.has("delivery_success")
	return list(c, "event", "/v1/events", func(e *Event) bool {
		return (len(kinds) == 0 || slices.Contains(kinds, e.Type)) && (anyDelivery || delivered == (e.PendingWebhooks == 0))
	})
}
