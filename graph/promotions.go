package graph

import (
	"context"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/promotion"
)

// promoter is who makes promotions, as they see it.
func promoter(ctx context.Context, reason string) promotion.Actor {
	session, _ := actor(ctx)
	return promotion.Actor{User: session.User.ID, Admin: session.User.Role == identity.Admin, Reason: reason}
}

func promotionInput(v model.PromotionCreateInput) (promotion.Input, error) {
	var in inputReader
	return promotion.Input{
		ByPlatform: v.ByPlatform, Code: v.Code, Title: v.Title, Kind: v.Kind, BasisPoints: v.BasisPoints, Amount: in.maybeAmount(v.Amount, "amount"), Most: in.maybeAmount(v.Maximum, "maximum"),
		Currency: in.currency(v.Currency, "currency"), Minimum: in.maybeAmount(v.Minimum, "minimum"), Stackable: v.Stackable,
		Sellers: in.ids(v.SellerIds, id.User, "sellerIds"), Listings: in.ids(v.ListingIds, id.Listing, "listingIds"), Categories: in.ids(v.CategoryIds, id.Category, "categoryIds"),
		StartsAt: v.StartsAt, EndsAt: v.EndsAt, MaxUses: v.MaxUses, MaxUsesPerUser: v.MaxUsesPerUser, Budget: in.maybeAmount(v.Budget, "budget"), IdempotencyKey: v.IdempotencyKey,
	}, in.err
}
