package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/show"
)

// Listing is the resolver for the listing field.
func (r *auctionResolver) Listing(ctx context.Context, obj *auction.Auction) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listing, obj.ListingID)
}

// Seller is the resolver for the seller field.
func (r *auctionResolver) Seller(ctx context.Context, obj *auction.Auction) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Show is the resolver for the show field.
func (r *auctionResolver) Show(ctx context.Context, obj *auction.Auction) (*show.Show, error) {
	if obj.ShowID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).show, *obj.ShowID)
}

// Reserve is the resolver for the reserve field.
func (r *auctionResolver) Reserve(ctx context.Context, obj *auction.Auction) (*money.Amount, error) {
	if _, signedIn := actor(ctx); !signedIn || actorID(ctx) != obj.SellerID || obj.ReserveMet == nil {
		return nil, nil
	}
	a, err := load(ctx).auction.Load(ctx, obj.ID) // an event does not tell it
	return a.Reserve, err
}

// Leader is the resolver for the leader field.
func (r *auctionResolver) Leader(ctx context.Context, obj *auction.Auction) (*identity.User, error) {
	if obj.LeaderID == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).user, *obj.LeaderID)
}

// RelistedFrom is the resolver for the relistedFrom field.
func (r *auctionResolver) RelistedFrom(ctx context.Context, obj *auction.Auction) (*auction.Auction, error) {
	if obj.RelistedFrom == nil {
		return nil, nil
	}
	return maybe(ctx, load(ctx).auction, *obj.RelistedFrom)
}

// Bids is the resolver for the bids field.
func (r *auctionResolver) Bids(ctx context.Context, obj *auction.Auction, first *int, after *string) (page.Page[auction.Bid], error) {
	return r.Auctions.Bids(ctx, *obj, page.Args{First: first, After: after})
}

// Order is the resolver for the order field.
func (r *auctionResolver) Order(ctx context.Context, obj *auction.Auction) (*order.Order, error) {
	if _, signedIn := actor(ctx); !signedIn || obj.Status != auction.Sold {
		return nil, nil
	}
	return maybe(ctx, load(ctx).orderOfActorFor, obj.ID)
}

// Bidder is the resolver for the bidder field.
func (r *bidResolver) Bidder(ctx context.Context, obj *auction.Bid) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.BidderID)
}

// Maximum is the resolver for the maximum field.
func (r *bidResolver) Maximum(ctx context.Context, obj *auction.Bid) (*money.Amount, error) {
	if _, signedIn := actor(ctx); !signedIn || actorID(ctx) != obj.BidderID {
		return nil, nil
	}
	return maybe(ctx, load(ctx).maximumOfActor, obj.ID)
}

// AuctionStart is the resolver for the auctionStart field.
func (r *mutationResolver) AuctionStart(ctx context.Context, input model.AuctionStartInput) (model.AuctionStartPayload, error) {
	in, err := startInput(input)
	var started auction.Auction
	if err == nil {
		started, err = r.Auctions.Start(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.AuctionStartPayload{UserErrors: errs}, err
	}
	return model.AuctionStartPayload{Auction: &started}, nil
}

// BidPlace is the resolver for the bidPlace field.
func (r *mutationResolver) BidPlace(ctx context.Context, input model.BidPlaceInput) (model.BidPlacePayload, error) {
	in, err := bidInput(input)
	var placed auction.Placed
	if err == nil {
		placed, err = r.Auctions.Place(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.BidPlacePayload{UserErrors: errs}, err
	}
	return model.BidPlacePayload{
		Bid: &placed.Bid, Auction: &placed.Auction, Leading: &placed.Leading, Price: &placed.Price, NextMinimum: &placed.NextMinimum,
	}, nil
}

// AuctionBuyNow is the resolver for the auctionBuyNow field.
func (r *mutationResolver) AuctionBuyNow(ctx context.Context, input model.AuctionBuyNowInput) (model.AuctionBuyNowPayload, error) {
	in, err := buyInput(input)
	var bought auction.Placed
	if err == nil {
		bought, err = r.Auctions.BuyNow(ctx, actorID(ctx), in)
	}
	if err != nil {
		errs, err := refused(err)
		return model.AuctionBuyNowPayload{UserErrors: errs}, err
	}
	return model.AuctionBuyNowPayload{Bid: &bought.Bid, Auction: &bought.Auction}, nil
}

// BidCancel is the resolver for the bidCancel field.
func (r *mutationResolver) BidCancel(ctx context.Context, input model.BidCancelInput) (model.BidCancelPayload, error) {
	var in inputReader
	bid := in.id(input.BidID, id.Bid, "bidId")
	err := in.err
	var done auction.Cancelled
	if err == nil {
		done, err = r.Auctions.Cancel(ctx, actorID(ctx), bid, input.Reason)
	}
	if err != nil {
		errs, err := refused(err)
		return model.BidCancelPayload{UserErrors: errs}, err
	}
	return model.BidCancelPayload{Bid: &done.Bid, Auction: &done.Auction}, nil
}

// Auction is the resolver for the auction field.
func (r *queryResolver) Auction(ctx context.Context, id id.ID) (*auction.Auction, error) {
	return find(ctx, id, idAuction, load(ctx).auction)
}

// Auctions is the resolver for the auctions field.
func (r *queryResolver) Auctions(ctx context.Context, status *auction.Status, first *int, after *string) (page.Page[auction.Auction], error) {
	return r.Resolver.Auctions.List(ctx, status, page.Args{First: first, After: after})
}

// AuctionEvents is the resolver for the auctionEvents field.
func (r *subscriptionResolver) AuctionEvents(ctx context.Context, auctionID id.ID, afterVersion *int, epoch *string) (<-chan model.AuctionEvent, error) {
	lot, err := auctionID.As(id.Auction)
	if err != nil {
		return nil, err
	}
	if _, err := r.Auctions.Get(ctx, lot); err != nil {
		return nil, err
	}
	return stream(ctx, r.Resolver, from(auction.Topic(lot), afterVersion, epoch, r.Auctions.Snapshot(lot)), r.auctionEvent)
}

// Auction returns generated.AuctionResolver implementation.
func (r *Resolver) Auction() generated.AuctionResolver { return &auctionResolver{r} }

// Bid returns generated.BidResolver implementation.
func (r *Resolver) Bid() generated.BidResolver { return &bidResolver{r} }

type (
	auctionResolver struct{ *Resolver }
	bidResolver     struct{ *Resolver }
)
