package stripefake

import "time"

// What only a fake has: the card holder's bank and the passing of time, as endpoints of their own under
// /souk/, for tests and demonstrations that reach the fake by HTTP alone. They take the same key.

// controlDispute disputes a charge: charge, reason (fraudulent), amount (all), inquiry (false).
func controlDispute(c *call) (any, *apiError) {
	charge, ok := lookup[*Charge](c.store, c.form.str("charge"))
	if !ok {
		return nil, notFound("charge", "charge", c.form.str("charge"))
	}
	amount, problem := c.form.integer("amount", charge.Amount-charge.AmountRefunded)
	if problem != nil {
		return nil, problem
	}
	inquiry, problem := c.form.boolean(false, "inquiry")
	if problem != nil {
		return nil, problem
	}
	reason := c.form.str("reason")
	if reason == "" {
		reason = "fraudulent"
	}
	d, problem := c.dispute(charge, amount, reason, inquiry)
	if problem != nil {
		return nil, problem
	}
	return d, nil
}

// controlDecision decides a dispute: outcome.
func controlDecision(c *call) (any, *apiError) {
	d, ok := lookup[*Dispute](c.store, c.path[0])
	if !ok {
		return nil, notFound("dispute", "dispute", c.path[0])
	}
	if problem := c.decide(d, c.form.str("outcome")); problem != nil {
		return nil, problem
	}
	return d, nil
}

// controlClock sets the clock forward: advance, as in 168h.
func controlClock(c *call) (any, *apiError) {
	if text := c.form.str("advance"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return nil, invalid("advance", "", "Not a duration such as 168h: "+text)
		}
		c.ahead += d
		c.catchUp()
	}
	return map[string]any{"object": "souk.clock", "now": c.Server.now().Unix(), "ahead": c.ahead.String()}, nil
}
