package graph

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/souklive/souk/internal/media"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// invented resolves with values that a seed decides: whoever asks for the same of the same object is told the same. Some of its
// answers are errors and panics.
type invented struct {
	*Resolver
	seed   uint64
	wrong  int // in a hundred
	events int // of a subscription

	leader func() error // what looking for a leader comes to, where it is set
}

// inventing is the answer to one question.
func inventing[V any](w *invented, field string, of any) (v V, err error) {
	h := fnv.New64a()
	fmt.Fprint(h, field, of)
	rng := rand.New(rand.NewPCG(w.seed, h.Sum64()))
	if rng.IntN(100) < w.wrong {
		switch rng.IntN(3) {
		case 0:
			panic("this is in " + field)
		case 1:
			return v, fault.New(fault.NotFound, "NOT_FOUND", "There is no %s.", field)
		default:
			return v, errors.New("the database is somewhere else")
		}
	}
	fill(rng, reflect.ValueOf(&v).Elem())
	return v, nil
}

var texts = []string{"", "Chloé", "SOLD", `"quoted" \ and "so on"`, "\x00\x01\t\r\n\x1f", "\xff\xfe", "</script>\u2028\u2029", "🛍", "\x7f\u0080"}

// fill makes a value of whatever a field holds, the strange ones as well.
func fill(rng *rand.Rand, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(rng.Int64N(4e9), rng.Int64N(1e9)).In(time.FixedZone("", rng.IntN(3)*3600))
		if rng.IntN(8) == 0 {
			*p = time.Time{}
		}
		return
	case *uuid.UUID:
		*p = uuid.UUID{byte(rng.IntN(256)), 1, 2, byte(rng.IntN(256)), 15: byte(rng.IntN(256))}
		return
	case *id.ID:
		*p = id.Auction.ID(uuid.UUID{byte(rng.IntN(256))})
		return
	case *money.Currency:
		*p = []money.Currency{"EUR", "JPY", "KWD", "USD"}[rng.IntN(4)]
		return
	case *model.AuctionEventKind: // gqlgen's own enums are names, as gqlgen makes them
		*p = model.AllAuctionEventKind[rng.IntN(len(model.AllAuctionEventKind))]
		return
	case *model.ShowEventKind:
		*p = model.AllShowEventKind[rng.IntN(len(model.AllShowEventKind))]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				fill(rng, field)
			}
		}
	case reflect.Pointer:
		if rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(rng, v.Elem())
		}
	case reflect.Slice:
		if n := rng.IntN(4); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
		}
		for i := range v.Len() {
			fill(rng, v.Index(i))
		}
	case reflect.String:
		v.SetString(texts[rng.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(int32(rng.Uint32())))
	case reflect.Int64:
		v.SetInt(int64(rng.Uint64()) >> rng.IntN(60))
	default:
		panic("no idea of a " + v.Type().String())
	}
}

// invent is a subscription's events.
func invent[E any](w *invented) <-chan E {
	events := make(chan E, w.events)
	for i := range cap(events) {
		e, err := inventing[E](&invented{seed: w.seed}, "event", i)
		if err != nil {
			panic(err)
		}
		events <- e
	}
	close(events)
	return events
}

type (
	inventedSubscription struct {
		generated.SubscriptionResolver
		w *invented
	}
	inventedAuction struct {
		generated.AuctionResolver
		w *invented
	}
	inventedBid struct {
		generated.BidResolver
		w *invented
	}
	inventedListing struct {
		generated.ListingResolver
		w *invented
	}
	inventedUser struct {
		generated.UserResolver
		w *invented
	}
	inventedShow struct {
		generated.ShowResolver
		w *invented
	}
	inventedShowChat struct {
		generated.ShowChatResolver
		w *invented
	}
	inventedChatEvent struct{ w *invented }
	inventedMember    struct{ w *invented }
	inventedMessage   struct{ w *invented }
)

func (w *invented) Subscription() generated.SubscriptionResolver { return inventedSubscription{nil, w} }
func (w *invented) Auction() generated.AuctionResolver           { return inventedAuction{nil, w} }
func (w *invented) Bid() generated.BidResolver                   { return inventedBid{nil, w} }
func (w *invented) Listing() generated.ListingResolver           { return inventedListing{nil, w} }
func (w *invented) User() generated.UserResolver                 { return inventedUser{nil, w} }
func (w *invented) Show() generated.ShowResolver                 { return inventedShow{nil, w} }
func (w *invented) ShowChat() generated.ShowChatResolver         { return inventedShowChat{nil, w} }
func (w *invented) ShowChatEvent() generated.ShowChatEventResolver {
	return inventedChatEvent{w}
}
func (w *invented) ShowMember() generated.ShowMemberResolver   { return inventedMember{w} }
func (w *invented) ShowMessage() generated.ShowMessageResolver { return inventedMessage{w} }

func (r inventedSubscription) AuctionEvents(context.Context, id.ID, *int, *string) (<-chan model.AuctionEvent, error) {
	_, err := inventing[bool](r.w, "auctionEvents", nil)
	return invent[model.AuctionEvent](r.w), err
}

func (r inventedSubscription) ShowEvents(context.Context, id.ID, *int, *string) (<-chan model.ShowEvent, error) {
	_, err := inventing[bool](r.w, "showEvents", nil)
	return invent[model.ShowEvent](r.w), err
}

func (r inventedAuction) Listing(_ context.Context, of *auction.Auction) (*catalog.Listing, error) {
	return inventing[*catalog.Listing](r.w, "listing", of.ID)
}

func (r inventedAuction) Seller(_ context.Context, of *auction.Auction) (identity.User, error) {
	return inventing[identity.User](r.w, "seller", of.ID)
}

func (r inventedAuction) Show(_ context.Context, of *auction.Auction) (*show.Show, error) {
	return inventing[*show.Show](r.w, "show", of.ID)
}

func (r inventedAuction) Leader(_ context.Context, of *auction.Auction) (*identity.User, error) {
	if r.w.leader != nil {
		return nil, r.w.leader()
	}
	return inventing[*identity.User](r.w, "leader", of.ID)
}

func (r inventedAuction) RelistedFrom(_ context.Context, of *auction.Auction) (*auction.Auction, error) {
	return inventing[*auction.Auction](r.w, "relistedFrom", of.ID)
}

func (r inventedBid) Bidder(_ context.Context, of *auction.Bid) (identity.User, error) {
	return inventing[identity.User](r.w, "bidder", of.ID)
}

func (r inventedListing) Seller(_ context.Context, of *catalog.Listing) (identity.User, error) {
	if of.By != nil {
		return *of.By, nil
	}
	return inventing[identity.User](r.w, "seller", of.ID)
}

func (r inventedListing) Photos(_ context.Context, of *catalog.Listing) ([]media.Photo, error) {
	return inventing[[]media.Photo](r.w, "photos", of.ID)
}

func (r inventedListing) Variants(_ context.Context, of *catalog.Listing) ([]catalog.Variant, error) {
	return inventing[[]catalog.Variant](r.w, "variants", of.ID)
}

func (inventedListing) Place(context.Context, *catalog.Listing) (*catalog.Place, error) {
	return nil, nil // subscriptions that are executed once for all do not have it
}

func (r inventedListing) Auction(_ context.Context, of *catalog.Listing) (*auction.Auction, error) {
	return inventing[*auction.Auction](r.w, "auction", of.ID)
}

func (r inventedUser) FollowerCount(_ context.Context, of *identity.User) (int, error) {
	return inventing[int](r.w, "followerCount", of.ID)
}

func (r inventedShow) Cover(_ context.Context, of *show.Show) (*media.Photo, error) {
	return inventing[*media.Photo](r.w, "cover", of.ID)
}

func (r inventedShow) Host(_ context.Context, of *show.Show) (identity.User, error) {
	return inventing[identity.User](r.w, "host", of.ID)
}

func (r inventedShow) PinnedLot(_ context.Context, of *show.Show) (*auction.Auction, error) {
	return inventing[*auction.Auction](r.w, "pinnedLot", of.ID)
}

func (r inventedShow) Chat(_ context.Context, of *show.Show) (showchat.Chat, error) {
	return inventing[showchat.Chat](r.w, "chat", of.ID)
}

func (r inventedShowChat) PinnedMessage(_ context.Context, of *showchat.Chat) (*showchat.Message, error) {
	return inventing[*showchat.Message](r.w, "pinnedMessage", of.ShowID)
}

func (r inventedChatEvent) Messages(_ context.Context, of *showchat.Change) ([]showchat.Message, error) {
	return inventing[[]showchat.Message](r.w, "messages", of.ShowID)
}

func (r inventedChatEvent) Message(_ context.Context, of *showchat.Change) (*showchat.Message, error) {
	return inventing[*showchat.Message](r.w, "message", of.ShowID)
}

func (r inventedMember) User(_ context.Context, of *showchat.Member) (identity.User, error) {
	return inventing[identity.User](r.w, "user", of.UserID)
}

func (r inventedMessage) Author(_ context.Context, of *showchat.Message) (identity.User, error) {
	return inventing[identity.User](r.w, "author", of.ID)
}

func (r inventedMessage) ReplyTo(_ context.Context, of *showchat.Message) (*showchat.Message, error) {
	return inventing[*showchat.Message](r.w, "replyTo", of.ID)
}

func (r inventedMessage) Mentions(_ context.Context, of *showchat.Message) ([]identity.User, error) {
	return inventing[[]identity.User](r.w, "mentions", of.ID)
}
