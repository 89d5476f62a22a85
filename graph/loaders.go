package graph

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vikstrous/dataloadgen"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/show"
)

// gatherTime is short, as each level of a query waits for it: the fields of one level ask within microseconds. A group of viewers
// is served one event after the other, so that each event of a burst would wait; there a query that is made twice is once for all.
const (
	gatherTime       = 2 * time.Millisecond
	gatherTimeShared = 100 * time.Microsecond
)

type byID[T any] = *dataloadgen.Loader[uuid.UUID, T]

// loaders gather the ids that the fields of one response ask for into one query each. They live as long as the
// response, so that nothing is stale in the next event of a subscription and nobody reads what was loaded
// for somebody else.
type loaders struct {
	payments    byID[[]payment.OrderPayment] // the actor's, by order
	cardOfActor byID[payment.Card]
	refunds     byID[[]order.Refund] // by order

	user            byID[identity.User]
	listing         byID[catalog.Listing]
	photos          byID[[]catalog.Photo]
	show            byID[show.Show]
	lots            byID[[]auction.Auction]
	auction         byID[auction.Auction]
	auctionOf       byID[auction.Auction]                 // by listing
	orderOfActorFor byID[order.Order]                     // by auction
	refundable      byID[map[money.Currency]money.Amount] // by user
	orderOfActor    byID[order.Order]
	topUp           byID[payment.TopUp] // anybody's: for staff
	topUpOfActor    byID[payment.TopUp]

	// The actor's own, that lines of a statement are for.
	refundOfActor     byID[payment.Refund]
	withdrawalOfActor byID[payment.Withdrawal]
	exchangeOfActor   byID[payment.Exchange]
	chargebackOfActor byID[payment.Chargeback]
	referralOfActor   byID[referral.Referral]

	ledgerAccount  *dataloadgen.Loader[int64, books.Account]
	ledgerBalance  *dataloadgen.Loader[int64, int64] // by account
	ledgerPostings *dataloadgen.Loader[books.PostingsAsked, books.PostingPage]
	ledgerEntry    *dataloadgen.Loader[int64, books.Entry]
	ledgerLegs     *dataloadgen.Loader[int64, []books.Posting] // by entry
}

type loadersKey struct{}

func load(ctx context.Context) *loaders { return ctx.Value(loadersKey{}).(*loaders) }

func (r *Resolver) newLoaders(ctx context.Context) *loaders {
	usual := gatherTime
	if audience.Shared(ctx) {
		usual = gatherTimeShared
	}
	user, gather := actorID(ctx), dataloadgen.WithWait(cmp.Or(r.Gather, usual))
	return &loaders{
		payments:    own(user, r.Payment.OrderPayments, gather),
		cardOfActor: own(user, r.Payment.CardsByID, gather),

		refunds:    dataloadgen.NewMappedLoader(r.Orders.Refunds, gather),
		user:       dataloadgen.NewMappedLoader(r.Identity.UsersByID, gather),
		listing:    dataloadgen.NewMappedLoader(r.Catalog.ByID, gather),
		photos:     dataloadgen.NewMappedLoader(r.Catalog.PhotosByListing, gather),
		show:       dataloadgen.NewMappedLoader(r.Shows.ByID, gather),
		lots:       dataloadgen.NewMappedLoader(r.Auctions.ByShow, gather),
		auction:    dataloadgen.NewMappedLoader(r.Auctions.ByID, gather),
		auctionOf:  dataloadgen.NewMappedLoader(r.Auctions.LatestByListing, gather),
		refundable: dataloadgen.NewMappedLoader(r.Payment.Refundable, gather),
		topUp:      dataloadgen.NewMappedLoader(r.Payment.TopUpsByID, gather),

		orderOfActorFor:   own(user, r.Orders.ByAuction, gather),
		orderOfActor:      own(user, r.Orders.ByID, gather),
		topUpOfActor:      own(user, r.Payment.TopUpsOf, gather),
		refundOfActor:     own(user, r.Payment.RefundsOfUser, gather),
		withdrawalOfActor: own(user, r.Payment.WithdrawalsOf, gather),
		exchangeOfActor:   own(user, r.Payment.ExchangesOf, gather),
		chargebackOfActor: own(user, r.Payment.ChargebacksOf, gather),
		referralOfActor:   own(user, r.Referrals.ByID, gather),

		ledgerAccount:  dataloadgen.NewMappedLoader(r.Books.AccountsByNumber, gather),
		ledgerBalance:  dataloadgen.NewMappedLoader(r.Books.Balances, gather),
		ledgerPostings: dataloadgen.NewMappedLoader(r.Books.Postings, gather),
		ledgerEntry:    dataloadgen.NewMappedLoader(r.Books.Entries, gather),
		ledgerLegs:     dataloadgen.NewMappedLoader(r.Books.PostingsOfEntries, gather),
	}
}

// own loads what belongs to a user.
func own[T any](user uuid.UUID, read func(context.Context, uuid.UUID, []uuid.UUID) (map[uuid.UUID]T, error), gather dataloadgen.Option) byID[T] {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]T, error) {
		return read(ctx, user, ids)
	}, gather)
}

// withLoaders gives each response its own loaders.
func (r *Resolver) withLoaders(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(context.WithValue(withFailures(ctx), loadersKey{}, r.newLoaders(ctx)))
}

// maybe loads what need not exist: nil where it doesn't.
func maybe[K comparable, T any](ctx context.Context, from *dataloadgen.Loader[K, T], key K) (*T, error) {
	v, err := from.Load(ctx, key)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// some loads a list that may be empty.
func some[T any](ctx context.Context, from byID[[]T], key uuid.UUID) ([]T, error) {
	v, err := from.Load(ctx, key)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return []T{}, nil
	}
	return v, err
}
