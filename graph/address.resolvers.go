package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// AddressCreate is the resolver for the addressCreate field.
func (r *mutationResolver) AddressCreate(ctx context.Context, input model.AddressCreateInput) (model.AddressCreatePayload, error) {
	made, errs, err := answered(r.Addresses.Create(ctx, actorID(ctx), postal(input), input.Default))
	return model.AddressCreatePayload{Address: made, UserErrors: errs}, err
}

// AddressUpdate is the resolver for the addressUpdate field.
func (r *mutationResolver) AddressUpdate(ctx context.Context, input model.AddressUpdateInput) (model.AddressUpdatePayload, error) {
	var in inputReader
	which := in.id(input.AddressID, id.Address, "addressId")
	changed, errs, err := answered(once(in.err, func() (address.Address, error) {
		return r.Addresses.Update(ctx, actorID(ctx), which, addressChange(input))
	}))
	return model.AddressUpdatePayload{Address: changed, UserErrors: errs}, err
}

// AddressDelete is the resolver for the addressDelete field.
func (r *mutationResolver) AddressDelete(ctx context.Context, input model.AddressDeleteInput) (model.AddressDeletePayload, error) {
	var in inputReader
	which := in.id(input.AddressID, id.Address, "addressId")
	left, errs, err := answered(once(in.err, func() ([]address.Address, error) {
		if err := r.Addresses.Delete(ctx, actorID(ctx), which); err != nil {
			return nil, err
		}
		return r.Addresses.List(ctx, actorID(ctx))
	}))
	if left == nil {
		return model.AddressDeletePayload{UserErrors: errs}, err
	}
	return model.AddressDeletePayload{Addresses: *left}, nil
}

// AddressCountries is the resolver for the addressCountries field.
func (r *queryResolver) AddressCountries(ctx context.Context) ([]address.Country, error) {
	return address.CountriesSorted(), nil
}

// Addresses is the resolver for the addresses field.
func (r *viewerResolver) Addresses(ctx context.Context, obj *identity.Session) ([]address.Address, error) {
	return r.Resolver.Addresses.List(ctx, obj.User.ID)
}
