package graph

import (
	"context"
	"encoding/hex"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/page"
)

// Listing is the resolver for the listing field.
func (r *flashSaleResolver) Listing(ctx context.Context, obj *flash.Sale) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Place is the resolver for the place field.
func (r *flashSaleResolver) Place(ctx context.Context, obj *flash.Sale) (*flash.Place, error) {
	return maybe(ctx, load(ctx).flashPlace, obj.ID)
}

// SeedCommitment is the resolver for the seedCommitment field.
func (r *flashSaleResolver) SeedCommitment(ctx context.Context, obj *flash.Sale) (*string, error) {
	if obj.Mode != flash.Lottery {
		return nil, nil
	}
	return new(hex.EncodeToString(obj.Commitment())), nil
}

// Seed is the resolver for the seed field.
func (r *flashSaleResolver) Seed(ctx context.Context, obj *flash.Sale) (*string, error) {
	return textOrNil(hex.EncodeToString(obj.Seed())), nil
}

// Tickets is the resolver for the tickets field.
func (r *flashSaleResolver) Tickets(ctx context.Context, obj *flash.Sale, first *int, after *string) (page.Page[flash.Ticket], error) {
	return r.Flash.Tickets(ctx, obj.ID, page.Args{First: first, After: after})
}

// Hash is the resolver for the hash field.
func (r *flashTicketResolver) Hash(ctx context.Context, obj *flash.Ticket) (string, error) {
	return hex.EncodeToString(obj.Hash), nil
}

// FlashSale is the resolver for the flashSale field.
func (r *listingResolver) FlashSale(ctx context.Context, obj *catalog.Listing) (*flash.Sale, error) {
	return maybe(ctx, load(ctx).flashSale, obj.ID)
}

// FlashSaleSchedule is the resolver for the flashSaleSchedule field.
func (r *mutationResolver) FlashSaleSchedule(ctx context.Context, input model.FlashSaleScheduleInput) (model.FlashSaleSchedulePayload, error) {
	var in inputReader
	terms := flash.ScheduleInput{
		Listing: in.id(input.ListingID, id.Listing, "listingId"), StartsAt: input.StartsAt, EndsAt: input.EndsAt,
		AdmitPerMinute: input.AdmitPerMinute, PerBuyer: input.PerBuyer, Mode: input.Mode,
	}
	sale, errs, err := answered(once(in.err, func() (flash.Sale, error) { return r.Flash.Schedule(ctx, flashActor(ctx), terms) }))
	return model.FlashSaleSchedulePayload{FlashSale: sale, UserErrors: errs}, err
}

// FlashSaleCancel is the resolver for the flashSaleCancel field.
func (r *mutationResolver) FlashSaleCancel(ctx context.Context, input model.FlashSaleCancelInput) (model.FlashSaleCancelPayload, error) {
	var in inputReader
	asked := in.id(input.FlashSaleID, id.FlashSale, "flashSaleId")
	sale, errs, err := answered(once(in.err, func() (flash.Sale, error) { return r.Flash.Cancel(ctx, flashActor(ctx), asked) }))
	return model.FlashSaleCancelPayload{FlashSale: sale, UserErrors: errs}, err
}

// FlashSaleJoin is the resolver for the flashSaleJoin field.
func (r *mutationResolver) FlashSaleJoin(ctx context.Context, input model.FlashSaleJoinInput) (model.FlashSaleJoinPayload, error) {
	var in inputReader
	asked := in.id(input.FlashSaleID, id.FlashSale, "flashSaleId")
	place, errs, err := answered(once(in.err, func() (flash.Place, error) { return r.Flash.Join(ctx, actorID(ctx), asked) }))
	return model.FlashSaleJoinPayload{Place: place, UserErrors: errs}, err
}

// FlashSalePassCreate is the resolver for the flashSalePassCreate field.
func (r *mutationResolver) FlashSalePassCreate(ctx context.Context, input model.FlashSalePassCreateInput) (model.FlashSalePassCreatePayload, error) {
	var in inputReader
	asked := in.id(input.FlashSaleID, id.FlashSale, "flashSaleId")
	pass, errs, err := answered(once(in.err, func() (flash.Pass, error) { return r.Flash.NewPass(ctx, actorID(ctx), asked) }))
	if pass == nil || err != nil {
		return model.FlashSalePassCreatePayload{UserErrors: errs}, err
	}
	return model.FlashSalePassCreatePayload{Pass: &pass.Token, ExpiresAt: &pass.ExpiresAt}, nil
}

// FlashSale is the resolver for the flashSale field.
func (r *queryResolver) FlashSale(ctx context.Context, id id.ID) (*flash.Sale, error) {
	sale, err := id.As(idFlashSale)
	if err != nil {
		return nil, err
	}
	return visible(r.Flash.Get(ctx, actorID(ctx), sale))
}

// FlashSalePlace is the resolver for the flashSalePlace field.
func (r *subscriptionResolver) FlashSalePlace(ctx context.Context, flashSaleID id.ID) (<-chan flash.Place, error) {
	sale, err := flashSaleID.As(id.FlashSale)
	if err != nil {
		return nil, err
	}
	place, err := r.Flash.PlaceOf(ctx, actorID(ctx), sale)
	if err != nil {
		return nil, err
	}
	return relay(ctx, r.Resolver, flash.Topic(sale), r.Flash.Follow(ctx, place))
}

// FlashSale returns generated.FlashSaleResolver implementation.
func (r *Resolver) FlashSale() generated.FlashSaleResolver { return &flashSaleResolver{r} }

// FlashTicket returns generated.FlashTicketResolver implementation.
func (r *Resolver) FlashTicket() generated.FlashTicketResolver { return &flashTicketResolver{r} }

type (
	flashSaleResolver   struct{ *Resolver }
	flashTicketResolver struct{ *Resolver }
)
