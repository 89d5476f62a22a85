package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
)

// AuctionStanding is the resolver for the auctionStanding field.
func (r *subscriptionResolver) AuctionStanding(ctx context.Context, auctionID id.ID, afterVersion *int, epoch *string) (<-chan model.AuctionStanding, error) {
	lot, err := auctionID.As(id.Auction)
	if err != nil {
		return nil, err
	}
	a, err := r.Auctions.Get(ctx, lot)
	if err != nil {
		return nil, err
	}
	return r.standings(ctx, actorID(ctx), a, afterVersion, epoch)
}
