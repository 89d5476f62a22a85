package graph

import (
	"context"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/page"
)

// TakesOffers is the resolver for the takesOffers field.
func (r *listingResolver) TakesOffers(ctx context.Context, obj *catalog.Listing) (bool, error) {
	takes, err := maybe(ctx, load(ctx).takesOffers, obj.ID)
	return takes != nil && *takes, err
}

// OfferMake is the resolver for the offerMake field.
func (r *mutationResolver) OfferMake(ctx context.Context, input model.OfferMakeInput) (model.OfferMakePayload, error) {
	var in inputReader
	ask := offer.MakeInput{Variant: in.id(input.VariantID, id.Variant, "variantId"), Quantity: input.Quantity, Price: in.amount(input.Price, "price")}
	made, errs, err := answered(once(in.err, func() (offer.Offer, error) { return r.Offers.Make(ctx, actorID(ctx), ask) }))
	return model.OfferMakePayload{Offer: made, UserErrors: errs}, err
}

// OfferCounter is the resolver for the offerCounter field.
func (r *mutationResolver) OfferCounter(ctx context.Context, input model.OfferCounterInput) (model.OfferCounterPayload, error) {
	var in inputReader
	price := in.amount(input.Price, "price")
	moved, errs, err := answered(once(in.err, func() (offer.Offer, error) {
		return r.moveOffer(ctx, input.OfferID, input.Version, offer.Counter, price)
	}))
	return model.OfferCounterPayload{Offer: moved, UserErrors: errs}, err
}

// OfferAccept is the resolver for the offerAccept field.
func (r *mutationResolver) OfferAccept(ctx context.Context, input model.OfferAcceptInput) (model.OfferAcceptPayload, error) {
	moved, errs, err := answered(r.moveOffer(ctx, input.OfferID, input.Version, offer.Accept, money.Amount{}))
	return model.OfferAcceptPayload{Offer: moved, UserErrors: errs}, err
}

// OfferDecline is the resolver for the offerDecline field.
func (r *mutationResolver) OfferDecline(ctx context.Context, input model.OfferDeclineInput) (model.OfferDeclinePayload, error) {
	moved, errs, err := answered(r.moveOffer(ctx, input.OfferID, input.Version, offer.Decline, money.Amount{}))
	return model.OfferDeclinePayload{Offer: moved, UserErrors: errs}, err
}

// OfferWithdraw is the resolver for the offerWithdraw field.
func (r *mutationResolver) OfferWithdraw(ctx context.Context, input model.OfferWithdrawInput) (model.OfferWithdrawPayload, error) {
	moved, errs, err := answered(r.moveOffer(ctx, input.OfferID, input.Version, offer.Withdraw, money.Amount{}))
	return model.OfferWithdrawPayload{Offer: moved, UserErrors: errs}, err
}

// ListingOffersSet is the resolver for the listingOffersSet field.
func (r *mutationResolver) ListingOffersSet(ctx context.Context, input model.ListingOffersSetInput) (model.ListingOffersSetPayload, error) {
	set, errs, err := answered(r.changeListing(ctx, input.ListingID, r.takeOffers(input.TakesOffers)))
	return model.ListingOffersSetPayload{Listing: set, UserErrors: errs}, err
}

// Status is the resolver for the status field.
func (r *offerResolver) Status(ctx context.Context, obj *offer.Offer) (offer.Status, error) {
	return obj.StatusAt(r.Clock.Now()), nil
}

// Buyer is the resolver for the buyer field.
func (r *offerResolver) Buyer(ctx context.Context, obj *offer.Offer) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.BuyerID)
}

// Seller is the resolver for the seller field.
func (r *offerResolver) Seller(ctx context.Context, obj *offer.Offer) (identity.User, error) {
	return load(ctx).user.Load(ctx, obj.SellerID)
}

// Listing is the resolver for the listing field.
func (r *offerResolver) Listing(ctx context.Context, obj *offer.Offer) (*catalog.Listing, error) {
	return maybe(ctx, load(ctx).listingSeen, obj.ListingID)
}

// Variant is the resolver for the variant field.
func (r *offerResolver) Variant(ctx context.Context, obj *offer.Offer) (*catalog.Variant, error) {
	return r.findVariant(ctx, obj.VariantID)
}

// Steps is the resolver for the steps field.
func (r *offerResolver) Steps(ctx context.Context, obj *offer.Offer) ([]offer.Step, error) {
	return some(ctx, load(ctx).offerSteps, obj.ID)
}

// AvailableActions is the resolver for the availableActions field.
func (r *offerResolver) AvailableActions(ctx context.Context, obj *offer.Offer) ([]offer.Action, error) {
	party, _ := obj.PartyOf(actorID(ctx))
	return obj.ActionsAt(party, r.Clock.Now()), nil
}

// Order is the resolver for the order field.
func (r *offerResolver) Order(ctx context.Context, obj *offer.Offer) (*order.Order, error) {
	return maybePtr(ctx, load(ctx).orderOfActor, obj.OrderID)
}

// Offer is the resolver for the offer field.
func (r *queryResolver) Offer(ctx context.Context, id id.ID) (*offer.Offer, error) {
	return r.findOffer(ctx, id)
}

// OfferEvents is the resolver for the offerEvents field.
func (r *subscriptionResolver) OfferEvents(ctx context.Context, offerID id.ID, afterVersion *int, epoch *string) (<-chan model.OfferEvent, error) {
	o, err := offerID.As(id.Offer)
	if err != nil {
		return nil, err
	}
	user := actorID(ctx)
	if _, err := r.Offers.Get(ctx, user, o); err != nil {
		return nil, err
	}
	return streamPrivate(ctx, r.Resolver, from(offer.Topic(o), afterVersion, epoch, r.Offers.Snapshot(user, o)), r.offerEvent)
}

// OffersMade is the resolver for the offersMade field.
func (r *viewerResolver) OffersMade(ctx context.Context, obj *identity.Session, live bool, first *int, after *string) (page.Page[offer.Offer], error) {
	return r.Offers.Made(ctx, obj.User.ID, live, page.Args{First: first, After: after})
}

// OffersReceived is the resolver for the offersReceived field.
func (r *viewerResolver) OffersReceived(ctx context.Context, obj *identity.Session, live bool, first *int, after *string) (page.Page[offer.Offer], error) {
	return r.Offers.Received(ctx, obj.User.ID, live, page.Args{First: first, After: after})
}

// Offer returns generated.OfferResolver implementation.
func (r *Resolver) Offer() generated.OfferResolver { return &offerResolver{r} }

type offerResolver struct{ *Resolver }
