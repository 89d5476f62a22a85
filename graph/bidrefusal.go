package graph

import (
	"time"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// bidRefusal gives a refusal of a bid the type that carries what the bidder needs next; nil where it has none of its own.
func bidRefusal(f *fault.Error) model.UserError {
	switch f.Code {
	case auction.ErrBidTooLow.Code:
		minimum, ok := f.Data["minimum"].(money.Amount)
		price, _ := f.Data["price"].(money.Amount)
		if ok {
			return model.BidTooLow{Code: f.Code, Message: f.Message, Field: f.Field, Minimum: minimum, Price: price}
		}
	case auction.ErrAlreadyLeading.Code:
		if maximum, ok := f.Data["maximum"].(money.Amount); ok {
			return model.AlreadyLeading{Code: f.Code, Message: f.Message, Field: f.Field, Maximum: maximum}
		}
	case auction.ErrNotOpen.Code:
		opensAt, _ := f.Data["opensAt"].(*time.Time)
		return model.AuctionNotOpen{Code: f.Code, Message: f.Message, Field: f.Field, OpensAt: opensAt}
	case auction.ErrClosed.Code:
		if endsAt, ok := f.Data["endsAt"].(time.Time); ok && !endsAt.IsZero() {
			return model.AuctionClosed{Code: f.Code, Message: f.Message, Field: f.Field, EndsAt: endsAt}
		}
	case auction.ErrNotEligible.Code:
		refusal := model.BidderNotEligible{Code: f.Code, Message: f.Message, Field: f.Field}
		if age, ok := f.Data["minimumAge"].(int); ok {
			refusal.MinimumAge = &age
		}
		if tier, ok := f.Data["minimumTier"].(auction.Tier); ok {
			refusal.MinimumTier = &tier
		}
		return refusal
	}
	return nil
}
