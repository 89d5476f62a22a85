package graph

import (
	"context"
	"errors"
	"time"

	"github.com/souklive/souk/internal/media"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souklive/souk/graph/answer"
	"github.com/souklive/souk/graph/generated"
	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/audience"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
)

// straight has the events of a group written by the tables below; what is not in them is left to gqlgen.
func straight(schema graphql.ExecutableSchema, resolvers generated.ResolverRoot) graphql.OperationMiddleware {
	types := newSharedTypes(resolvers)
	return func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		if audience.Shared(ctx) {
			_ = types.straight(schema, graphql.GetOperationContext(ctx))
		}
		return next(ctx)
	}
}

// straight says why an operation can't be written by the tables, where it can't.
func (t *sharedTypes) straight(schema graphql.ExecutableSchema, op *graphql.OperationContext) error {
	switch graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})[0].Name {
	case "auctionEvents":
		return answer.Straight(schema, op, &t.auctionEvent)
	case "showEvents":
		return answer.Straight(schema, op, &t.showEvent)
	default:
		return errNoTable
	}
}

var errNoTable = errors.New("the subscription's events are in no table")

// sharedTypes are the types that have @shared fields, with those alone.
type sharedTypes struct {
	auctionEvent  answer.Type[model.AuctionEvent]
	showEvent     answer.Type[model.ShowEvent]
	auction       answer.Type[auction.Auction]
	bid           answer.Type[auction.Bid]
	listing       answer.Type[catalog.Listing]
	variant       answer.Type[catalog.Variant]
	photo         answer.Type[media.Photo]
	money         answer.Type[money.Amount]
	user          answer.Type[identity.User]
	show          answer.Type[show.Show]
	showChat      answer.Type[showchat.Chat]
	showChatEvent answer.Type[showchat.Change]
	showAudience  answer.Type[model.ShowAudience]
	showReaction  answer.Type[model.ShowReactionCount]
	showMember    answer.Type[showchat.Member]
	showMessage   answer.Type[showchat.Message]
}

// newSharedTypes binds each @shared field as gqlgen.yml binds it. TestStraight holds both against each other.
func newSharedTypes(r generated.ResolverRoot) *sharedTypes {
	t := &sharedTypes{}
	t.events()
	t.lots(r)
	t.listings(r)
	t.shows(r)
	t.chats(r)
	return t
}

func (t *sharedTypes) events() {
	t.auctionEvent = answer.Type[model.AuctionEvent]{Name: "AuctionEvent", Fields: map[string]answer.Field[model.AuctionEvent]{
		"version":    answer.Get(func(e *model.AuctionEvent) int { return e.Version }, answer.Number),
		"epoch":      answer.Get(func(e *model.AuctionEvent) string { return e.Epoch }, answer.Text),
		"kind":       answer.Get(func(e *model.AuctionEvent) model.AuctionEventKind { return e.Kind }, answer.Text),
		"at":         answer.Get(func(e *model.AuctionEvent) time.Time { return e.At }, answer.Time),
		"serverTime": answer.Get(func(e *model.AuctionEvent) time.Time { return e.ServerTime }, answer.Time),
		"auction":    answer.Get(func(e *model.AuctionEvent) *auction.Auction { return &e.Auction }, answer.Object(&t.auction)),
		"bids":       answer.Get(func(e *model.AuctionEvent) []auction.Bid { return e.Bids }, answer.Objects(&t.bid)),
	}}
	t.showEvent = answer.Type[model.ShowEvent]{Name: "ShowEvent", Fields: map[string]answer.Field[model.ShowEvent]{
		"version":    answer.Maybe(func(e *model.ShowEvent) *int { return e.Version }, answer.Number),
		"epoch":      answer.Get(func(e *model.ShowEvent) string { return e.Epoch }, answer.Text),
		"kind":       answer.Get(func(e *model.ShowEvent) model.ShowEventKind { return e.Kind }, answer.Text),
		"at":         answer.Get(func(e *model.ShowEvent) time.Time { return e.At }, answer.Time),
		"serverTime": answer.Get(func(e *model.ShowEvent) time.Time { return e.ServerTime }, answer.Time),
		"show":       answer.Get(func(e *model.ShowEvent) *show.Show { return e.Show }, answer.Object(&t.show)),
		"lot":        answer.Get(func(e *model.ShowEvent) *auction.Auction { return e.Lot }, answer.Object(&t.auction)),
		"bids":       answer.Get(func(e *model.ShowEvent) []auction.Bid { return e.Bids }, answer.Objects(&t.bid)),
		"queue":      answer.Get(func(e *model.ShowEvent) []id.ID { return e.Queue }, answer.List(answer.ID)),
		"chat":       answer.Get(func(e *model.ShowEvent) *showchat.Change { return e.Chat }, answer.Object(&t.showChatEvent)),
		"audience":   answer.Get(func(e *model.ShowEvent) *model.ShowAudience { return e.Audience }, answer.Object(&t.showAudience)),
	}}
	t.showAudience = answer.Type[model.ShowAudience]{Name: "ShowAudience", Fields: map[string]answer.Field[model.ShowAudience]{
		"watching":  answer.Get(func(a *model.ShowAudience) int { return a.Watching }, answer.Number),
		"reactions": answer.Get(func(a *model.ShowAudience) []model.ShowReactionCount { return a.Reactions }, answer.Objects(&t.showReaction)),
	}}
	t.showReaction = answer.Type[model.ShowReactionCount]{Name: "ShowReactionCount", Fields: map[string]answer.Field[model.ShowReactionCount]{
		"kind":  answer.Get(func(c *model.ShowReactionCount) showchat.Reaction { return c.Kind }, answer.Text),
		"count": answer.Get(func(c *model.ShowReactionCount) int { return c.Count }, answer.Number),
	}}
	t.money = answer.Type[money.Amount]{Name: "Money", Fields: map[string]answer.Field[money.Amount]{
		"amount":       answer.Get((*money.Amount).Decimal, answer.Text),
		"currencyCode": answer.Get(func(m *money.Amount) money.Currency { return m.Currency }, answer.Text),
		"minor":        answer.Get(func(m *money.Amount) int64 { return m.Minor }, answer.BigInt),
	}}
}

func (t *sharedTypes) lots(r generated.ResolverRoot) {
	t.auction = answer.Type[auction.Auction]{Name: "Auction", Fields: map[string]answer.Field[auction.Auction]{
		"id":                  answer.Get((*auction.Auction).NodeID, answer.ID),
		"listing":             answer.Ask(r.Auction().Listing, answer.Object(&t.listing)),
		"seller":              answer.Ask(r.Auction().Seller, answer.Value(&t.user)),
		"show":                answer.Ask(r.Auction().Show, answer.Object(&t.show)),
		"lotNumber":           answer.Maybe(func(a *auction.Auction) *int32 { return a.LotNumber }, answer.Number),
		"position":            answer.Maybe(func(a *auction.Auction) *int32 { return a.Position }, answer.Number),
		"backing":             answer.Get(func(a *auction.Auction) auction.Backing { return a.Backing }, answer.Text),
		"startPrice":          answer.Get(func(a *auction.Auction) *money.Amount { return &a.StartPrice }, answer.Object(&t.money)),
		"reserveMet":          answer.Maybe(func(a *auction.Auction) *bool { return a.ReserveMet }, answer.Flag),
		"buyNow":              answer.Get(func(a *auction.Auction) *money.Amount { return a.BuyNow }, answer.Object(&t.money)),
		"price":               answer.Get(func(a *auction.Auction) *money.Amount { return a.Price }, answer.Object(&t.money)),
		"nextMinimum":         answer.Get(func(a *auction.Auction) *money.Amount { return &a.NextMinimum }, answer.Object(&t.money)),
		"bidCount":            answer.Get(func(a *auction.Auction) int32 { return a.BidCount }, answer.Number),
		"leader":              answer.Ask(r.Auction().Leader, answer.Object(&t.user)),
		"status":              answer.Get(func(a *auction.Auction) auction.Status { return a.Status }, answer.Text),
		"opensAt":             answer.Maybe(func(a *auction.Auction) *time.Time { return a.OpensAt }, answer.Time),
		"openedAt":            answer.Maybe(func(a *auction.Auction) *time.Time { return a.OpenedAt }, answer.Time),
		"endsAt":              answer.Maybe(func(a *auction.Auction) *time.Time { return a.EndsAt }, answer.Time),
		"timeLeftMs":          answer.Maybe((*auction.Auction).TimeLeftMs, answer.Number),
		"durationSeconds":     answer.Get((*auction.Auction).DurationSeconds, answer.Number),
		"extensionSeconds":    answer.Get((*auction.Auction).ExtensionSeconds, answer.Number),
		"extensionCapSeconds": answer.Maybe((*auction.Auction).ExtensionCapSeconds, answer.Number),
		"minimumAge":          answer.Maybe(func(a *auction.Auction) *int { return a.MinimumAge }, answer.Number),
		"minimumTier":         answer.Maybe(func(a *auction.Auction) *auction.Tier { return a.MinimumTier }, answer.Text),
		"relistedFrom":        answer.Ask(r.Auction().RelistedFrom, answer.Object(&t.auction)),
		"closedAt":            answer.Maybe(func(a *auction.Auction) *time.Time { return a.ClosedAt }, answer.Time),
		"version":             answer.Get(func(a *auction.Auction) int64 { return a.Version }, answer.Number),
	}}
	t.bid = answer.Type[auction.Bid]{Name: "Bid", Fields: map[string]answer.Field[auction.Bid]{
		"id":          answer.Get((*auction.Bid).NodeID, answer.ID),
		"number":      answer.Maybe(func(b *auction.Bid) *int32 { return b.Number }, answer.Number),
		"bidder":      answer.Ask(r.Bid().Bidder, answer.Value(&t.user)),
		"amount":      answer.Get(func(b *auction.Bid) *money.Amount { return &b.Amount }, answer.Object(&t.money)),
		"placedAt":    answer.Get(func(b *auction.Bid) time.Time { return b.PlacedAt }, answer.Time),
		"cancelledAt": answer.Maybe(func(b *auction.Bid) *time.Time { return b.CancelledAt }, answer.Time),
	}}
}

func (t *sharedTypes) listings(r generated.ResolverRoot) {
	t.listing = answer.Type[catalog.Listing]{Name: "Listing", Fields: map[string]answer.Field[catalog.Listing]{
		"id":          answer.Get((*catalog.Listing).NodeID, answer.ID),
		"kind":        answer.Get(func(l *catalog.Listing) catalog.Kind { return l.Kind }, answer.Text),
		"title":       answer.Get(func(l *catalog.Listing) string { return l.Title }, answer.Text),
		"description": answer.Get(func(l *catalog.Listing) string { return l.Description }, answer.Text),
		"condition":   answer.Get(func(l *catalog.Listing) catalog.Condition { return l.Condition }, answer.Text),
		"price":       answer.Get(func(l *catalog.Listing) *money.Amount { return l.Price }, answer.Object(&t.money)),
		"optionNames": answer.Get(func(l *catalog.Listing) []string { return l.OptionNames }, answer.List(answer.Text[string])),
		"variants":    answer.Ask(r.Listing().Variants, answer.Objects(&t.variant)),
		"status":      answer.Get(func(l *catalog.Listing) catalog.Status { return l.Status }, answer.Text),
		"seller":      answer.Had(func(l *catalog.Listing) *identity.User { return l.By }, r.Listing().Seller, answer.Value(&t.user)),
		"photos":      answer.Ask(r.Listing().Photos, answer.Objects(&t.photo)),
		"auction":     answer.Ask(r.Listing().Auction, answer.Object(&t.auction)),
		"createdAt":   answer.Get(func(l *catalog.Listing) time.Time { return l.CreatedAt }, answer.Time),
		"publishedAt": answer.Maybe(func(l *catalog.Listing) *time.Time { return l.PublishedAt }, answer.Time),
	}}
	t.variant = answer.Type[catalog.Variant]{Name: "Variant", Fields: map[string]answer.Field[catalog.Variant]{
		"id":        answer.Get((*catalog.Variant).NodeID, answer.ID),
		"sku":       answer.Maybe(func(v *catalog.Variant) *string { return v.SKU }, answer.Text),
		"options":   answer.Get(func(v *catalog.Variant) []string { return v.OptionValues }, answer.List(answer.Text[string])),
		"price":     answer.Get(func(v *catalog.Variant) *money.Amount { return v.Price }, answer.Object(&t.money)),
		"retiredAt": answer.Maybe(func(v *catalog.Variant) *time.Time { return v.RetiredAt }, answer.Time),
	}}
	t.photo = answer.Type[media.Photo]{Name: "Photo", Fields: map[string]answer.Field[media.Photo]{
		"id":     answer.Get((*media.Photo).NodeID, answer.ID),
		"url":    answer.Get(func(p *media.Photo) string { return p.URL(nil) }, answer.Text),
		"width":  answer.Get(func(p *media.Photo) int { return p.Width }, answer.Number),
		"height": answer.Get(func(p *media.Photo) int { return p.Height }, answer.Number),
	}}
	t.user = answer.Type[identity.User]{Name: "User", Fields: map[string]answer.Field[identity.User]{
		"id":            answer.Get((*identity.User).NodeID, answer.ID),
		"name":          answer.Get(func(u *identity.User) string { return u.Name }, answer.Text),
		"createdAt":     answer.Get(func(u *identity.User) time.Time { return u.CreatedAt }, answer.Time),
		"followerCount": answer.Ask(r.User().FollowerCount, answer.Number),
	}}
}

func (t *sharedTypes) shows(r generated.ResolverRoot) {
	t.show = answer.Type[show.Show]{Name: "Show", Fields: map[string]answer.Field[show.Show]{
		"id":          answer.Get((*show.Show).NodeID, answer.ID),
		"title":       answer.Get(func(s *show.Show) string { return s.Title }, answer.Text),
		"description": answer.Get(func(s *show.Show) string { return s.Description }, answer.Text),
		"cover":       answer.Ask(r.Show().Cover, answer.Object(&t.photo)),
		"language":    answer.Get(func(s *show.Show) show.Language { return s.Language }, answer.Text),
		"categories":  answer.Get(func(s *show.Show) []string { return s.Categories }, answer.List(answer.Text[string])),
		"host":        answer.Ask(r.Show().Host, answer.Value(&t.user)),
		"status":      answer.Get(func(s *show.Show) show.Status { return s.Status }, answer.Text),
		"startsAt":    answer.Get(func(s *show.Show) time.Time { return s.StartsAt }, answer.Time),
		"startedAt":   answer.Maybe(func(s *show.Show) *time.Time { return s.StartedAt }, answer.Time),
		"endedAt":     answer.Maybe(func(s *show.Show) *time.Time { return s.EndedAt }, answer.Time),
		"pinnedLot":   answer.Ask(r.Show().PinnedLot, answer.Object(&t.auction)),
		"chat":        answer.Ask(r.Show().Chat, answer.Value(&t.showChat)),
	}}
}

func (t *sharedTypes) chats(r generated.ResolverRoot) {
	t.showChat = answer.Type[showchat.Chat]{Name: "ShowChat", Fields: map[string]answer.Field[showchat.Chat]{
		"slowModeSeconds": answer.Get((*showchat.Chat).SlowModeSeconds, answer.Number),
		"pinnedMessage":   answer.Ask(r.ShowChat().PinnedMessage, answer.Object(&t.showMessage)),
	}}
	t.showChatEvent = answer.Type[showchat.Change]{Name: "ShowChatEvent", Fields: map[string]answer.Field[showchat.Change]{
		"messages":        answer.Ask(r.ShowChatEvent().Messages, answer.Objects(&t.showMessage)),
		"message":         answer.Ask(r.ShowChatEvent().Message, answer.Object(&t.showMessage)),
		"member":          answer.Get(func(c *showchat.Change) *showchat.Member { return c.Member }, answer.Object(&t.showMember)),
		"slowModeSeconds": answer.Maybe(func(c *showchat.Change) *int { return c.SlowModeSeconds }, answer.Number),
	}}
	t.showMember = answer.Type[showchat.Member]{Name: "ShowMember", Fields: map[string]answer.Field[showchat.Member]{
		"user":       answer.Ask(r.ShowMember().User, answer.Value(&t.user)),
		"moderator":  answer.Get(func(m *showchat.Member) bool { return m.Moderator }, answer.Flag),
		"mutedUntil": answer.Maybe(func(m *showchat.Member) *time.Time { return m.MutedUntil }, answer.Time),
		"banned":     answer.Get(func(m *showchat.Member) bool { return m.Banned }, answer.Flag),
	}}
	t.showMessage = answer.Type[showchat.Message]{Name: "ShowMessage", Fields: map[string]answer.Field[showchat.Message]{
		"id":        answer.Get((*showchat.Message).NodeID, answer.ID),
		"number":    answer.Get(func(m *showchat.Message) int64 { return m.Number }, answer.Number),
		"author":    answer.Ask(r.ShowMessage().Author, answer.Value(&t.user)),
		"body":      answer.Maybe(func(m *showchat.Message) *string { return m.Body }, answer.Text),
		"replyTo":   answer.Ask(r.ShowMessage().ReplyTo, answer.Object(&t.showMessage)),
		"mentions":  answer.Ask(r.ShowMessage().Mentions, answer.Objects(&t.user)),
		"sentAt":    answer.Get(func(m *showchat.Message) time.Time { return m.SentAt }, answer.Time),
		"deletedAt": answer.Maybe(func(m *showchat.Message) *time.Time { return m.DeletedAt }, answer.Time),
	}}
}
