package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// SecondChanceAccept is the resolver for the secondChanceAccept field.
func (r *mutationResolver) SecondChanceAccept(ctx context.Context, input model.SecondChanceAcceptInput) (model.SecondChanceAcceptPayload, error) {
	in, err := acceptInput(input)
	var (
		accepted auction.Chance
		made     order.Order
	)
	if err == nil {
		accepted, made, err = r.Auctions.Accept(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.SecondChanceAcceptPayload{UserErrors: errs}, err
	}
	return model.SecondChanceAcceptPayload{SecondChance: &accepted, Order: &made}, nil
}

// SecondChanceDecline is the resolver for the secondChanceDecline field.
func (r *mutationResolver) SecondChanceDecline(ctx context.Context, input model.SecondChanceDeclineInput) (model.SecondChanceDeclinePayload, error) {
	var in inputReader
	chance := in.id(input.SecondChanceID, id.SecondChance, "secondChanceId")
	var declined auction.Chance
	err := in.err
	if err == nil {
		declined, err = r.Auctions.Decline(ctx, actorID(ctx), chance)
	}
	if err != nil {
		errs, err := refused(err)
		return model.SecondChanceDeclinePayload{UserErrors: errs}, err
	}
	return model.SecondChanceDeclinePayload{SecondChance: &declined}, nil
}

// AuctionRelist is the resolver for the auctionRelist field.
func (r *mutationResolver) AuctionRelist(ctx context.Context, input model.AuctionRelistInput) (model.AuctionRelistPayload, error) {
	var in inputReader
	lot := in.id(input.AuctionID, id.Auction, "auctionId")
	var relisted auction.Auction
	err := in.err
	if err == nil {
		relisted, err = r.Auctions.Relist(ctx, actorID(ctx), lot)
	}
	if err != nil {
		errs, err := refused(err)
		return model.AuctionRelistPayload{UserErrors: errs}, err
	}
	return model.AuctionRelistPayload{Auction: &relisted}, nil
}

// Auction is the resolver for the auction field.
func (r *secondChanceResolver) Auction(ctx context.Context, obj *auction.Chance) (auction.Auction, error) {
	return load(ctx).auction.Load(ctx, obj.AuctionID)
}

// Order is the resolver for the order field.
func (r *secondChanceResolver) Order(ctx context.Context, obj *auction.Chance) (*order.Order, error) {
	if obj.OrderID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).orderOfActor, *obj.OrderID)
}

// SecondChances is the resolver for the secondChances field.
func (r *viewerResolver) SecondChances(ctx context.Context, obj *identity.Session, first *int, after *string) (page.Page[auction.Chance], error) {
	return r.Auctions.Chances(ctx, obj.User.ID, page.Args{First: first, After: after})
}

// SecondChance returns generated.SecondChanceResolver implementation.
func (r *Resolver) SecondChance() generated.SecondChanceResolver { return &secondChanceResolver{r} }

type secondChanceResolver struct{ *Resolver }
