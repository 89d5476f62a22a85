package audit

import (
	"context"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
)

// disputed is the provider's disputes by id.
type disputed map[string]payment.Dispute

func (d disputed) Dispute(_ context.Context, id string) (payment.Dispute, error) { return d[id], nil }

// chargebacks is a day on which four payments into one wallet of 1000 are charged back: won, lost, lost with nothing left to take, open.
func (s *story) chargebacks() {
	s.t.Helper()
	s.topUp(s.user("carla"), "topup of carla")
	s.dispute("won", payment.ChargebackWon, 100_00)
	s.dispute("lost", payment.ChargebackLost, 950_00)
	s.dispute("borne", payment.ChargebackLost, 200_00)
	s.dispute("open", payment.ChargebackNeedsResponse, 300_00)
}

// dispute charges carla's top-up back, and lets the card's bank decide.
func (s *story) dispute(name string, state payment.ChargebackStatus, cents int64) {
	s.t.Helper()
	ctx := s.t.Context()
	d := payment.Dispute{
		ID: "dp_" + name, Charge: "ch_" + name, Intent: "pi_top_up:" + s.names["topup of carla"], Amount: money.New(cents, "EUR"), Reason: "fraudulent", State: state,
		Withdrawn: payment.ProviderTxn{ID: "txn_out_" + name, Gross: money.New(-cents, "EUR"), Fee: money.New(20_00, "EUR")},
	}
	if state == payment.ChargebackWon {
		d.Reinstated = payment.ProviderTxn{ID: "txn_back_" + name, Gross: money.New(cents, "EUR")}
	}
	s.disputed[d.ID] = d
	s.exec(`INSERT INTO provider_event (id, provider, kind, object_id, created_at, status)
		VALUES ('evt_' || $1, 'stripe', 'charge.dispute.created', $1, now(), 'RECEIVED')`, d.ID)
	s.must(s.payment.HandleEvent(ctx, "evt_"+d.ID))
	var chargeback string
	s.must(s.Admin.QueryRow(ctx, "SELECT id::text FROM chargeback WHERE dispute_id = $1", d.ID).Scan(&chargeback))
	s.names[name] = chargeback
}
