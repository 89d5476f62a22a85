package payment

import "github.com/souklive/souk/internal/id"

// NodeID is the id that clients see.
func (t TopUp) NodeID() id.ID { return id.TopUp.ID(t.ID) }

// NodeID is the id that clients see.
func (r Refund) NodeID() id.ID { return id.Refund.ID(r.ID) }

// NodeID is the id that clients see.
func (f Freeze) NodeID() id.ID { return id.Freeze.ID(f.ID) }

// NodeID is the id that clients see.
func (w Withdrawal) NodeID() id.ID { return id.Withdrawal.ID(w.ID) }

// NodeID is the id that clients see.
func (c Chargeback) NodeID() id.ID { return id.Chargeback.ID(c.ID) }

// NodeID is the id that clients see.
func (c Card) NodeID() id.ID { return id.Card.ID(c.ID) }

// NodeID is the id that clients see.
func (c CardSetup) NodeID() id.ID { return id.CardSetup.ID(c.ID) }

// NodeID is the id that clients see.
func (e Exchange) NodeID() id.ID { return id.Exchange.ID(e.ID) }

// NodeID is the id that clients see.
func (p OrderPayment) NodeID() id.ID { return id.OrderPayment.ID(p.ID) }
