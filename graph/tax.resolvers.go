package graph

import (
	"context"
	"slices"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/tax"
)

// TaxRegistrationSet is the resolver for the taxRegistrationSet field.
func (r *mutationResolver) TaxRegistrationSet(ctx context.Context, input model.TaxRegistrationSetInput) (model.TaxRegistrationSetPayload, error) {
	set, err := r.setTaxRegistration(ctx, input)
	errs, err := refused(err)
	return model.TaxRegistrationSetPayload{TaxRegistration: set, UserErrors: errs}, err
}

// TaxEstimated is the resolver for the taxEstimated field.
func (r *orderResolver) TaxEstimated(ctx context.Context, obj *order.Order) (bool, error) {
	charges, err := some(ctx, load(ctx).orderCharges, obj.ID)
	return slices.ContainsFunc(charges, order.Charge.TaxEstimated), err
}

// TaxRegistration is the resolver for the taxRegistration field.
func (r *viewerResolver) TaxRegistration(ctx context.Context, obj *identity.Session) (*tax.Registration, error) {
	return r.Taxes.Registration(ctx, obj.User.ID)
}
