package payment

import "github.com/souklive/souk/internal/id"

// NodeID is the id that clients see.
func (t TopUp) NodeID() id.ID { return id.TopUp.ID(t.ID) }
