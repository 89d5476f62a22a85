package graph

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/search"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vikstrous/dataloadgen"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/code"
	"github.com/souklive/souk/internal/flash"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/invoice"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/referral"
	"github.com/souklive/souk/internal/review"
	"github.com/souklive/souk/internal/shipping"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/taxonomy"
	"github.com/souklive/souk/internal/want"
)

// gatherTime is short, as each level of a query waits for it: the fields of one level ask within microseconds. A group of viewers
// is served one event after the other, so that each event of a burst would wait; there it is until whoever is ready to ask has
// asked, no more (a process that has nothing else to do sleeps for a millisecond at least), and a query that is made twice is once for all.
const (
	gatherTime       = 2 * time.Millisecond
	gatherTimeShared = time.Nanosecond
)

// loaders gather the ids that the fields of one response ask for into one query each. They live as long as the
// response, so that nothing is stale in the next event of a subscription and nobody reads what was loaded
// for somebody else. The events of a burst to a group share them: all of them were committed before the first asked.
type loaders struct {
	*sources
	gather time.Duration
	run    *audience.Run // whose bursts have their own, in place of these

	mu    sync.Mutex
	known []any       // what is answered: a burst's events, the nodes of lists
	made  map[any]any // by source
}

// loader is a source's. What is known to be asked for is loaded at once; for what else is asked, it waits for others to ask.
type loader[K comparable, T any] struct {
	known map[K]*dataloadgen.Loader[K, T]
	rest  *dataloadgen.Loader[K, T]
	told  int // of what is known in the response
}

type loadersKey struct{}

func load(ctx context.Context) *loaders {
	l := ctx.Value(loadersKey{}).(*loaders)
	if l.run == nil {
		return l
	}
	return l.run.Burst(func(events []any) any {
		return &loaders{sources: l.sources, gather: l.gather, known: events}
	}).(*loaders)
}

// withLoaders gives each response its own loaders.
func (r *Resolver) withLoaders() graphql.ResponseMiddleware {
	all := r.newSources()
	return func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		l := &loaders{sources: all, gather: cmp.Or(r.Gather, gatherTime)}
		if audience.Shared(ctx) {
			l.gather, l.run = cmp.Or(r.Gather, gatherTimeShared), audience.RunOf(ctx)
		}
		return next(context.WithValue(withFailures(ctx), loadersKey{}, l))
	}
}

// source is where the things of one kind are loaded from, by their keys.
type source[K comparable, T any] struct {
	read func(context.Context, []K) (map[K]T, error)
	// wanted, where set, is what an event of a group, or a node of a list, will ask for: the first asks for all that are known, and
	// nobody waits for the others to ask.
	wanted func(known any) []K
}

type byID[T any] = *source[uuid.UUID, T]

func sourceOf[K comparable, T any](read func(context.Context, []K) (map[K]T, error)) *source[K, T] {
	return &source[K, T]{read: read}
}

// own is what belongs to the actor.
func own[T any](read func(context.Context, uuid.UUID, []uuid.UUID) (map[uuid.UUID]T, error)) byID[T] {
	return sourceOf(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]T, error) {
		return read(ctx, actorID(ctx), ids)
	})
}

// Load waits a moment for what else the response asks this source for.
func (s *source[K, T]) Load(ctx context.Context, key K) (T, error) {
	return s.loader(ctx, key).Load(ctx, key)
}

// LoadAll is Load of several, in their order.
func (s *source[K, T]) LoadAll(ctx context.Context, keys []K) ([]T, error) {
	return s.loader(ctx, keys...).LoadAll(ctx, keys)
}

// loader is the one to ask for keys. It is made when a field first asks: most responses need few.
func (s *source[K, T]) loader(ctx context.Context, keys ...K) *dataloadgen.Loader[K, T] {
	l := load(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	made, ok := l.made[s].(*loader[K, T])
	if !ok {
		made = &loader[K, T]{known: map[K]*dataloadgen.Loader[K, T]{}, rest: dataloadgen.NewMappedLoader(s.read, dataloadgen.WithWait(l.gather))}
		if l.made == nil {
			l.made = map[any]any{}
		}
		l.made[s] = made
	}
	s.tell(ctx, made, l)
	if len(keys) == 0 {
		return made.rest
	}
	first := made.known[keys[0]]
	for _, key := range keys {
		if of := made.known[key]; of == nil || of != first {
			return made.rest
		}
	}
	return first
}

// tell has a loader load what will be asked for by what became known since it was told last: all of it, without a wait.
func (s *source[K, T]) tell(ctx context.Context, to *loader[K, T], l *loaders) {
	if s.wanted == nil || to.told == len(l.known) {
		return
	}
	var keys []K
	for _, known := range l.known[to.told:] {
		for _, key := range s.wanted(known) {
			if _, ok := to.known[key]; !ok {
				to.known[key] = nil
				keys = append(keys, key)
			}
		}
	}
	to.told = len(l.known)
	loads := dataloadgen.NewMappedLoader(s.read, dataloadgen.WithBatchCapacity(len(keys)), dataloadgen.WithWait(l.gather))
	for _, key := range keys {
		to.known[key] = loads
		loads.LoadThunk(ctx, key)
	}
}

// announce says what a list has, before its fields ask.
func announce[T any](ctx context.Context, nodes []T) {
	l := load(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range nodes {
		l.known = append(l.known, &nodes[i])
	}
}

// listingOf, categoriesOf, brandsOf and attributesOf are what nodes of a list, and counts of a search, will ask for.
func listingOf(known any) []uuid.UUID {
	if l, ok := known.(*catalog.Listing); ok {
		return []uuid.UUID{l.ID}
	}
	return nil
}

func categoriesOf(known any) []uuid.UUID {
	switch k := known.(type) {
	case *catalog.Listing:
		return present(k.CategoryID)
	case *search.CategoryCount:
		return []uuid.UUID{k.Category}
	default:
		return nil
	}
}

func brandsOf(known any) []uuid.UUID {
	switch k := known.(type) {
	case *catalog.Listing:
		return present(k.BrandID)
	case *search.BrandCount:
		return []uuid.UUID{k.Brand}
	default:
		return nil
	}
}

func attributesOf(known any) []uuid.UUID {
	if c, ok := known.(*search.AttributeCount); ok {
		return []uuid.UUID{c.Attribute}
	}
	return nil
}

func present(key *uuid.UUID) []uuid.UUID {
	if key == nil {
		return nil
	}
	return []uuid.UUID{*key}
}

// sources are what loaders load from.
type sources struct {
	payments    byID[[]payment.OrderPayment] // the actor's, by order
	cardOfActor byID[payment.Card]
	refunds     byID[[]order.Refund] // by order
	problems    byID[[]order.Claim]  // by order
	returnable  byID[bool]           // by order
	toCheckOut  byID[bool]           // by order

	user            byID[identity.User]
	listing         byID[catalog.Listing] // what everybody may see
	listingSeen     byID[catalog.Listing] // what the actor may see
	listingOfOrder  byID[catalog.Listing] // anybody's: for the parties of its order
	location        byID[inventory.Location]
	available       byID[int32]             // by variant
	codes           byID[[]code.Code]       // by order
	flashSale       byID[flash.Sale]        // by listing
	flashPlace      byID[flash.Place]       // the actor's, by sale
	levels          byID[[]inventory.Level] // by variant: for its seller
	variants        byID[[]catalog.Variant] // by listing
	variant         byID[catalog.Variant]   // anybody's
	photos          byID[[]media.Photo]
	place           byID[catalog.Place]            // by listing
	attributeValues byID[[]catalog.AttributeValue] // by listing

	category           byID[taxonomy.Category]
	categoryChildren   byID[[]taxonomy.Category]
	categoryPath       byID[[]taxonomy.Category]
	categoryAttributes byID[[]taxonomy.Attribute]
	brand              byID[taxonomy.Brand]
	attribute          byID[taxonomy.Attribute]
	attributeOptions   byID[[]taxonomy.Option]

	photo           byID[media.Photo]
	followers       byID[int32]         // by user
	followed        byID[bool]          // by the actor, by user
	wished          byID[bool]          // by the actor, by listing
	wantSeen        byID[want.Want]     // what the actor may see
	offerSeen       byID[offer.Offer]   // what the actor may see
	offerSteps      byID[[]offer.Step]  // by offer
	takesOffers     byID[bool]          // by listing
	reviewSeen      byID[review.Review] // what the actor may see
	reviewsOfOrder  byID[[]review.Review]
	reviewsMissing  byID[[]uuid.UUID] // by order of the actor's: listings
	ratingOfListing byID[review.Rating]
	ratingOfSeller  byID[review.Rating]
	show            byID[show.Show]
	showChat        byID[showchat.Chat]
	showMessage     byID[showchat.Message]
	lots            byID[[]auction.Auction]
	lotPages        *source[auction.LotsAsked, auction.AuctionPage]
	messagePages    *source[showchat.MessagesAsked, showchat.Page]
	auction         byID[auction.Auction]
	auctionOf       byID[auction.Auction]                 // by listing
	orderOfActorFor byID[order.Order]                     // by auction
	maximumOfActor  byID[money.Amount]                    // by bid
	refundable      byID[map[money.Currency]money.Amount] // by user
	orderOfActor    byID[order.Order]
	orderLines      byID[[]order.Line]
	orderCharges    byID[[]order.Charge]
	shipTo          byID[address.Postal] // by order
	orderExchange   byID[payment.FixedExchange]
	parcels         byID[[]shipping.Plan] // by order
	shipments       byID[[]shipping.Shipment]
	invoices        byID[[]invoice.Invoice] // by order
	orderSteps      byID[[]order.Step]
	chatSteps       byID[[]order.Step]  // by conversation
	chatOffers      byID[[]offer.Offer] // by conversation
	topUp           byID[payment.TopUp] // anybody's: for staff
	topUpOfActor    byID[payment.TopUp]

	// The actor's own, that lines of a statement are for.
	refundOfActor     byID[payment.Refund]
	withdrawalOfActor byID[payment.Withdrawal]
	exchangeOfActor   byID[payment.Exchange]
	chargebackOfActor byID[payment.Chargeback]
	referralOfActor   byID[referral.Referral]

	ledgerAccount  *source[int64, books.Account]
	ledgerBalance  *source[int64, int64] // by account
	ledgerPostings *source[books.PostingsAsked, books.PostingPage]
	ledgerEntry    *source[int64, books.Entry]
	ledgerLegs     *source[int64, []books.Posting] // by entry
}

func (r *Resolver) newSources() *sources {
	return &sources{
		payments:    own(r.Payment.OrderPayments),
		cardOfActor: own(r.Payment.CardsByID),

		orderLines:    sourceOf(r.Orders.Lines),
		orderCharges:  sourceOf(r.Orders.ChargesOf),
		shipTo:        sourceOf(r.Checkout.ShipTo),
		orderExchange: sourceOf(r.Checkout.Exchanges),
		parcels:       sourceOf(r.Shipping.PlansOf),
		shipments:     sourceOf(r.Shipping.OfOrders),
		invoices:      sourceOf(r.Invoices.OfOrders),
		orderSteps:    sourceOf(r.Orders.Steps),
		chatSteps:     sourceOf(r.Orders.StepsOfConversations),
		chatOffers:    sourceOf(r.Offers.OfConversations),

		refunds:    sourceOf(r.Orders.Refunds),
		problems:   sourceOf(r.Orders.Claims),
		returnable: sourceOf(r.Orders.Returnable),
		toCheckOut: sourceOf(r.Orders.ToCheckOut),
		user:       &source[uuid.UUID, identity.User]{r.Identity.UsersByID, peopleOf},
		listing:    sourceOf(r.Catalog.Public),
		location:   sourceOf(r.Inventory.LocationsByID),
		available:  sourceOf(r.Inventory.Available),
		codes:      sourceOf(r.Codes.OfOrders),
		flashSale:  sourceOf(r.Flash.OfListings),
		flashPlace: own(r.Flash.PlacesOf),
		levels:     sourceOf(r.Inventory.Levels),
		variants:   &source[uuid.UUID, []catalog.Variant]{r.Catalog.VariantsByListing, listingOf},
		variant:    sourceOf(r.Catalog.VariantsByID),
		photos:     &source[uuid.UUID, []media.Photo]{r.Catalog.PhotosByListing, listingOf},
		place:      sourceOf(r.Catalog.Places),
		photo:      sourceOf(r.Media.ByID),

		attributeValues:    sourceOf(r.Catalog.AttributesByListing),
		category:           &source[uuid.UUID, taxonomy.Category]{r.Taxonomy.CategoriesByID, categoriesOf},
		categoryChildren:   sourceOf(r.Taxonomy.Children),
		categoryPath:       sourceOf(r.Taxonomy.Paths),
		categoryAttributes: sourceOf(r.Taxonomy.Attributes),
		brand:              &source[uuid.UUID, taxonomy.Brand]{r.Taxonomy.BrandsByID, brandsOf},
		attribute:          &source[uuid.UUID, taxonomy.Attribute]{r.Taxonomy.AttributesByID, attributesOf},
		attributeOptions:   sourceOf(r.Taxonomy.Options),

		followers: sourceOf(r.Follows.Counts),
		followed:  own(r.Follows.Among),
		wished:    own(r.Wishes.Among),

		wantSeen: sourceOf(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]want.Want, error) {
			return r.Wants.SeenBy(ctx, actorID(ctx), isStaff(ctx), ids)
		}),
		offerSeen: sourceOf(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]offer.Offer, error) {
			return r.Offers.SeenBy(ctx, actorID(ctx), isStaff(ctx), ids)
		}),
		offerSteps:  sourceOf(r.Offers.Steps),
		takesOffers: sourceOf(r.Offers.Takes),
		reviewSeen: sourceOf(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]review.Review, error) {
			return r.Reviews.SeenBy(ctx, actorID(ctx), isStaff(ctx), ids)
		}),
		reviewsOfOrder:  own(r.Reviews.OfOrders),
		reviewsMissing:  own(r.Reviews.Missing),
		ratingOfListing: sourceOf(r.Reviews.Ratings(review.OfListing)),
		ratingOfSeller:  sourceOf(r.Reviews.Ratings(review.OfSeller)),

		show:        sourceOf(r.Shows.ByID),
		lots:        sourceOf(r.Auctions.ByShow),
		auction:     sourceOf(r.Auctions.ByID),
		auctionOf:   &source[uuid.UUID, auction.Auction]{r.Auctions.LatestByListing, listingOf},
		refundable:  sourceOf(r.Payment.Refundable),
		topUp:       sourceOf(r.Payment.TopUpsByID),
		showChat:    sourceOf(r.ShowChats.Chats),
		showMessage: sourceOf(r.ShowChats.ByID),

		lotPages:     sourceOf(r.Auctions.LotPages),
		messagePages: sourceOf(r.ShowChats.Pages),

		listingSeen: sourceOf(func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Listing, error) {
			return r.Catalog.SeenBy(ctx, actorID(ctx), isStaff(ctx), ids)
		}),
		listingOfOrder:    sourceOf(r.Catalog.ByID),
		orderOfActorFor:   own(r.Orders.ByAuction),
		maximumOfActor:    own(r.Auctions.Maxima),
		orderOfActor:      own(r.Orders.ByID),
		topUpOfActor:      own(r.Payment.TopUpsOf),
		refundOfActor:     own(r.Payment.RefundsOfUser),
		withdrawalOfActor: own(r.Payment.WithdrawalsOf),
		exchangeOfActor:   own(r.Payment.ExchangesOf),
		chargebackOfActor: own(r.Payment.ChargebacksOf),
		referralOfActor:   own(r.Referrals.ByID),

		ledgerAccount:  sourceOf(r.Books.AccountsByNumber),
		ledgerBalance:  sourceOf(r.Books.Balances),
		ledgerPostings: sourceOf(r.Books.Postings),
		ledgerEntry:    sourceOf(r.Books.Entries),
		ledgerLegs:     sourceOf(r.Books.PostingsOfEntries),
	}
}

// peopleOf are those whom an event is about, and who sells a listing.
func peopleOf(known any) []uuid.UUID {
	switch e := known.(type) {
	case *catalog.Listing:
		return []uuid.UUID{e.SellerID}
	case model.AuctionEvent:
		return peopleIn(&e.Auction, e.Bids)
	case model.ShowEvent:
		return peopleIn(e.Lot, e.Bids)
	default:
		return nil
	}
}

func peopleIn(lot *auction.Auction, bids []auction.Bid) (people []uuid.UUID) {
	if lot != nil && lot.LeaderID != nil {
		people = append(people, *lot.LeaderID)
	}
	for _, bid := range bids {
		people = append(people, bid.BidderID)
	}
	return people
}

// maybe loads what need not exist: nil where it doesn't.
func maybe[K comparable, T any](ctx context.Context, from *source[K, T], key K) (*T, error) {
	v, err := from.Load(ctx, key)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// maybePtr loads what need not be named either.
func maybePtr[T any](ctx context.Context, from byID[T], key *uuid.UUID) (*T, error) {
	if key == nil {
		return nil, nil
	}
	return maybe(ctx, from, *key)
}

// some loads a list that may be empty.
func some[T any](ctx context.Context, from byID[[]T], key uuid.UUID) ([]T, error) {
	v, err := from.Load(ctx, key)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return []T{}, nil
	}
	return v, err
}
