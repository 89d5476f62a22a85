package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
)

// moveOffer does something with an offer of the actor's.
func (r *Resolver) moveOffer(ctx context.Context, which id.ID, version int, action offer.Action, price money.Amount) (offer.Offer, error) {
	var in inputReader
	move := offer.MoveInput{Offer: in.id(which, id.Offer, "offerId"), Version: version, Action: action, Price: price}
	if in.err != nil {
		return offer.Offer{}, in.err
	}
	return r.Offers.Move(ctx, actorID(ctx), move)
}

// takeOffers says whether a listing takes offers.
func (r *Resolver) takeOffers(takes bool) func(_ context.Context, seller, listing uuid.UUID) (catalog.Listing, error) {
	return func(ctx context.Context, seller, listing uuid.UUID) (catalog.Listing, error) {
		if err := r.Offers.SetTaken(ctx, seller, listing, takes); err != nil {
			return catalog.Listing{}, err
		}
		return r.Catalog.Get(ctx, listing)
	}
}

// findOffer is for the two who are in it, and for staff.
func (r *Resolver) findOffer(ctx context.Context, which id.ID) (*offer.Offer, error) {
	of, err := which.As(id.Offer)
	if err != nil {
		return nil, err
	}
	return maybe(ctx, load(ctx).offerSeen, of)
}
