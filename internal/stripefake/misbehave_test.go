package stripefake

import (
	"testing"
)

func TestMisbehave(t *testing.T) {
	t.Parallel()
	b, r := hooked(t)
	for _, bad := range []string{"gremlins=0.1", "drop", "drop=2", "drop=-1", "drop=x", "wait=soon", "wait=-1s", "cut_after=0.6,cut_before=0.6"} {
		if b.server.Misbehave(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	mustPay(t, b, payment("pm_card_visa")) // what was refused changed nothing
	r.next(3)
	if err := b.server.Misbehave("rate_limit=1, drop=1, wait=1ms,"); err != nil {
		t.Fatal(err)
	}
	_, err := b.api.PaymentIntents.New(payment("pm_card_visa"))
	_ = stripeErr(t, err, 429)
	if err := b.server.Misbehave("drop=1"); err != nil {
		t.Fatal(err)
	}
	mustPay(t, b, payment("pm_card_visa"))
	b.undelivered(t, 0)
	if n := b.server.Deliveries().Fired()[Drop]; n != 3 || len(r.events) != 0 {
		t.Errorf("%d dropped, %d came", n, len(r.events))
	}
	if err := b.server.Misbehave(""); err != nil {
		t.Fatal(err)
	}
	mustPay(t, b, payment("pm_card_visa"))
	r.next(3)
}
