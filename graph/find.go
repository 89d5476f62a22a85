package graph

import (
	"context"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/adminlog"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
)

// The kinds that resolvers ask for where their own argument is called id.
const (
	idListing = id.Listing
	idShow    = id.Show
	idAuction = id.Auction

	idFlashSale = id.FlashSale
)

// find loads one thing that everyone may see: nil where there is none. An id of another kind is refused.
func find[T any](ctx context.Context, v id.ID, kind id.Kind, from byID[T]) (*T, error) {
	u, err := v.As(kind)
	if err != nil {
		return nil, err
	}
	return maybe(ctx, from, u)
}

// visible turns "not found", which is also the answer for what belongs to others, into nil.
func visible[T any](v T, err error) (*T, error) {
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (r *Resolver) findOrder(ctx context.Context, v id.ID) (*order.Order, error) {
	u, err := v.As(id.Order)
	if err != nil {
		return nil, err
	}
	if who := orderActor(ctx); who.Admin || who.Support {
		return visible(r.Orders.ForStaff(ctx, u))
	}
	return visible(r.Orders.Get(ctx, actorID(ctx), u))
}

func (r *Resolver) findConversation(ctx context.Context, v id.ID) (*chat.Conversation, error) {
	u, err := v.As(id.Conversation)
	if err != nil {
		return nil, err
	}
	return visible(r.Chat.Get(ctx, actorID(ctx), u))
}

// changeFollow has the actor follow somebody or not, and gives who that is.
func (r *Resolver) changeFollow(ctx context.Context, v id.ID, change func(_ context.Context, follower, followed uuid.UUID) error) (*identity.User, error) {
	var in inputReader
	followed := in.id(v, id.User, "userId")
	if in.err != nil {
		return nil, in.err
	}
	user, err := maybe(ctx, load(ctx).user, followed)
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return nil, identity.ErrUserNotFound
	}
	return user, change(ctx, actorID(ctx), followed)
}

// findVariant is for who may see its listing.
func (r *Resolver) findVariant(ctx context.Context, variant uuid.UUID) (*catalog.Variant, error) {
	v, err := maybe(ctx, load(ctx).variant, variant)
	if v == nil || err != nil {
		return nil, err
	}
	if l, err := maybe(ctx, load(ctx).listingSeen, v.ListingID); l == nil || err != nil {
		return nil, err
	}
	return v, nil
}

// changeListing does something with a listing of the actor's own.
func (r *Resolver) changeListing(
	ctx context.Context, v id.ID, change func(_ context.Context, seller, listing uuid.UUID) (catalog.Listing, error),
) (catalog.Listing, error) {
	var in inputReader
	listing := in.id(v, id.Listing, "listingId")
	if in.err != nil {
		return catalog.Listing{}, in.err
	}
	return change(ctx, actorID(ctx), listing)
}

// moderateListing does something with anybody's listing, for a reason.
func (r *Resolver) moderateListing(
	ctx context.Context, v id.ID, reason string, change func(_ context.Context, by, listing uuid.UUID, reason string) (catalog.Listing, error),
) (catalog.Listing, error) {
	return r.changeListing(ctx, v, func(ctx context.Context, by, listing uuid.UUID) (catalog.Listing, error) {
		return change(ctx, by, listing, reason)
	})
}

// isStaff says whether the actor may see what support sees.
func isStaff(ctx context.Context) bool {
	session, ok := actor(ctx)
	return ok && session.User.Role.May([]identity.Role{identity.Support})
}

// findFreeze is for staff, who alone learn why somebody is frozen.
func (r *Resolver) findFreeze(ctx context.Context, freeze uuid.UUID) (*payment.Freeze, error) {
	if !isStaff(ctx) {
		return nil, nil
	}
	return visible(r.Payment.WalletFreeze(ctx, freeze))
}

// findChargeback is for staff and for who paid.
func (r *Resolver) findChargeback(ctx context.Context, chargeback uuid.UUID) (*payment.Chargeback, error) {
	if isStaff(ctx) {
		return visible(r.Payment.ChargebackByID(ctx, chargeback))
	}
	return visible(r.Payment.ChargebackOf(ctx, actorID(ctx), chargeback))
}

// findAdminAction is for admins, as the list of actions is.
func (r *Resolver) findAdminAction(ctx context.Context, action uuid.UUID) (*adminlog.Action, error) {
	if session, ok := actor(ctx); !ok || session.User.Role != identity.Admin {
		return nil, nil
	}
	return r.AdminLog.Get(ctx, action)
}

// flashActor is the actor as flash sales see them.
func flashActor(ctx context.Context) flash.Actor {
	session, _ := actor(ctx)
	return flash.Actor{User: session.User.ID, Staff: session.User.Role == identity.Admin}
}

// findNode loads what the id names, under the rule of its kind: orders, conversations, messages, and what money did
// are for their own people only, chargebacks for staff as well, freezes for staff alone, what staff did for admins.
func (r *Resolver) findNode(ctx context.Context, v id.ID) (id.Node, error) {
	l := load(ctx)
	switch v.Kind {
	case id.User:
		return node(maybe(ctx, l.user, v.UUID))
	case id.Listing:
		return node(maybe(ctx, l.listingSeen, v.UUID))
	case id.Category:
		return node(maybe(ctx, l.category, v.UUID))
	case id.Brand:
		return node(maybe(ctx, l.brand, v.UUID))
	case id.Attribute:
		return node(maybe(ctx, l.attribute, v.UUID))
	case id.Location:
		return node(visible(r.Inventory.LocationOf(ctx, actorID(ctx), v.UUID)))
	case id.Reservation:
		return node(visible(r.Inventory.Get(ctx, actorID(ctx), v.UUID)))
	case id.FlashSale:
		return node(visible(r.Flash.Get(ctx, actorID(ctx), v.UUID)))
	case id.Variant:
		return node(r.findVariant(ctx, v.UUID))
	case id.Show:
		return node(maybe(ctx, l.show, v.UUID))
	case id.Auction:
		return node(maybe(ctx, l.auction, v.UUID))
	case id.ShowMessage:
		return node(maybe(ctx, l.showMessage, v.UUID))
	case id.Order:
		return node(r.findOrder(ctx, v))
	case id.Conversation:
		return node(r.findConversation(ctx, v))
	case id.Bid:
		return node(visible(r.Auctions.BidByID(ctx, actorID(ctx), v.UUID)))
	case id.Photo:
		return node(visible(r.Media.SeenBy(ctx, actorID(ctx), isStaff(ctx), v.UUID)))
	case id.Message:
		return node(visible(r.Chat.Message(ctx, actorID(ctx), v.UUID)))
	case id.SecondChance:
		return node(visible(r.Auctions.Chance(ctx, actorID(ctx), v.UUID)))
	case id.AdminAction:
		return node(r.findAdminAction(ctx, v.UUID))
	case id.TopUp:
		return node(visible(r.Payment.TopUpOf(ctx, actorID(ctx), v.UUID)))
	case id.Chargeback:
		return node(r.findChargeback(ctx, v.UUID))
	case id.Freeze:
		return node(r.findFreeze(ctx, v.UUID))
	case id.OrderPayment:
		return node(visible(r.Payment.OrderPaymentOf(ctx, actorID(ctx), v.UUID)))
	case id.Card:
		return node(visible(r.Payment.CardOf(ctx, actorID(ctx), v.UUID)))
	case id.Exchange:
		return node(visible(r.Payment.ExchangeOf(ctx, actorID(ctx), v.UUID)))
	case id.Referral:
		return node(visible(r.Referrals.Get(ctx, actorID(ctx), v.UUID)))
	case id.CardSetup:
		return node(visible(r.Payment.CardSetupOf(ctx, actorID(ctx), v.UUID)))
	case id.Refund:
		return node(visible(r.Payment.RefundOf(ctx, actorID(ctx), v.UUID)))
	case id.Import:
		return node(visible(r.Files.Get(ctx, actorID(ctx), v.UUID)))
	case id.Review:
		return node(maybe(ctx, l.reviewSeen, v.UUID))
	case id.Want:
		if _, ok := actor(ctx); !ok { // for who is signed in
			return nil, nil
		}
		return node(maybe(ctx, l.wantSeen, v.UUID))
	case id.Offer:
		if _, ok := actor(ctx); !ok { // for who is signed in
			return nil, nil
		}
		return node(maybe(ctx, l.offerSeen, v.UUID))
	case id.Quote:
		return node(visible(r.Checkout.GetQuote(ctx, actorID(ctx), v.UUID)))
	case id.Promotion:
		return node(visible(r.Promotions.Get(ctx, promoter(ctx, ""), v.UUID)))
	case id.Shipment:
		return node(visible(r.Shipping.Get(ctx, actorID(ctx), v.UUID)))
	case id.Invoice:
		return node(visible(r.Invoices.Get(ctx, invoiceReader(ctx), v.UUID)))
	case id.Address:
		return node(visible(r.Addresses.Get(ctx, actorID(ctx), v.UUID)))
	case id.SavedSearch:
		return node(visible(r.Saved.Get(ctx, actorID(ctx), v.UUID)))
	case id.Notification:
		return node(visible(r.Notices.Get(ctx, actorID(ctx), v.UUID)))
	case id.Withdrawal:
		return node(visible(r.Payment.WithdrawalOf(ctx, actorID(ctx), v.UUID)))
	default:
		return nil, id.ErrKind.With("got", string(v.Kind))
	}
}

// findSubject is findNode for a list: what its rows are about is loaded together.
func (r *Resolver) findSubject(ctx context.Context, v id.ID) (id.Node, error) {
	if v.Kind == id.Order {
		return node(maybe(ctx, load(ctx).orderOfActor, v.UUID))
	}
	return r.findNode(ctx, v)
}

// node keeps a nil pointer from becoming an interface that is not nil.
func node[T id.Node](v *T, err error) (id.Node, error) {
	if v == nil || err != nil {
		return nil, err
	}
	return *v, nil
}

// keepsOrder says whether the actor is a show's host or one of their moderators.
func (r *Resolver) keepsOrder(ctx context.Context, show uuid.UUID) (bool, error) {
	session, ok := actor(ctx)
	if !ok {
		return false, nil
	}
	return r.ShowChats.Keeps(ctx, session.User.ID, show)
}
