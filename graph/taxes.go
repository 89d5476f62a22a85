package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/tax"
)

// setTaxRegistration registers a seller for tax, or ends that where no number is given.
func (r *Resolver) setTaxRegistration(ctx context.Context, in model.TaxRegistrationSetInput) (*tax.Registration, error) {
	if in.Number == nil {
		return nil, r.Taxes.Deregister(ctx, actorID(ctx))
	}
	return r.Taxes.Register(ctx, actorID(ctx), in.Country, *in.Number)
}
