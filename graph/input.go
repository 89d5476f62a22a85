package graph

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/want"
)

// inputReader reads the fields of a mutation's input that have a form of their own, and keeps the first refusal.
type inputReader struct{ err error }

func (in *inputReader) fail(err error, field string) {
	if in.err != nil || err == nil {
		return
	}
	if f, ok := fault.As(err); ok {
		err = f.At(field)
	}
	in.err = err
}

// id wants an id of a kind.
func (in *inputReader) id(v id.ID, kind id.Kind, field string) uuid.UUID {
	u, err := v.As(kind)
	in.fail(err, field)
	return u
}

// maybeID wants an id of a kind where there is one.
func (in *inputReader) maybeID(v *id.ID, kind id.Kind, field string) *uuid.UUID {
	if v == nil {
		return nil
	}
	u := in.id(*v, kind, field)
	return &u
}

// ids wants a list of ids of a kind.
func (in *inputReader) ids(vs []id.ID, kind id.Kind, field string) []uuid.UUID {
	out := make([]uuid.UUID, len(vs))
	for i, v := range vs {
		out[i] = in.id(v, kind, field)
	}
	return out
}

// amount wants a sum of money.
func (in *inputReader) amount(v model.MoneyInput, field string) money.Amount {
	currency, err := money.ParseCurrency(string(v.CurrencyCode))
	in.fail(err, field)
	amount, err := money.Parse(v.Amount, currency)
	in.fail(err, field)
	return amount
}

// maybeAmount wants a sum of money where there is one.
func (in *inputReader) maybeAmount(v *model.MoneyInput, field string) *money.Amount {
	if v == nil {
		return nil
	}
	amount := in.amount(*v, field)
	return &amount
}

// currency wants an ISO 4217 code.
func (in *inputReader) currency(v money.Currency, field string) money.Currency {
	currency, err := money.ParseCurrency(string(v))
	in.fail(err, field)
	return currency
}

func startInput(v model.AuctionStartInput) (auction.StartInput, error) {
	var in inputReader
	out := auction.StartInput{
		Listing: in.id(v.ListingID, id.Listing, "listingId"), Show: in.maybeID(v.ShowID, id.Show, "showId"), OpensAt: v.OpensAt,
		Backing: v.Backing, StartPrice: in.amount(v.StartPrice, "startPrice"), Reserve: in.maybeAmount(v.Reserve, "reserve"),
		BuyNow: in.maybeAmount(v.BuyNow, "buyNow"), Duration: seconds(v.DurationSeconds), Extension: seconds(v.ExtensionSeconds),
		MinimumAge: v.MinimumAge, MinimumTier: v.MinimumTier,
	}
	if v.ExtensionCapSeconds != nil {
		out.ExtensionCap = new(seconds(*v.ExtensionCapSeconds))
	}
	return out, in.err
}

func lotInput(v model.LotAddInput) (auction.StartInput, error) {
	return startInput(model.AuctionStartInput{
		ListingID: v.ListingID, ShowID: &v.ShowID, Backing: v.Backing, StartPrice: v.StartPrice, Reserve: v.Reserve, BuyNow: v.BuyNow,
		DurationSeconds: v.DurationSeconds, ExtensionSeconds: v.ExtensionSeconds, ExtensionCapSeconds: v.ExtensionCapSeconds,
		MinimumAge: v.MinimumAge, MinimumTier: v.MinimumTier,
	})
}

func buyInput(v model.AuctionBuyNowInput) (auction.BuyInput, error) {
	var in inputReader
	out := auction.BuyInput{
		Auction: in.id(v.AuctionID, id.Auction, "auctionId"), Card: in.maybeID(v.CardID, id.Card, "cardId"), IdempotencyKey: v.IdempotencyKey,
	}
	return out, in.err
}

func bidInput(v model.BidPlaceInput) (auction.PlaceInput, error) {
	var in inputReader
	out := auction.PlaceInput{
		Auction: in.id(v.AuctionID, id.Auction, "auctionId"), Amount: in.amount(v.Amount, "amount"),
		Card: in.maybeID(v.CardID, id.Card, "cardId"), IdempotencyKey: v.IdempotencyKey,
	}
	return out, in.err
}

func showMessageInput(v model.ShowMessageSendInput) (showchat.SendInput, error) {
	var in inputReader
	out := showchat.SendInput{Show: in.id(v.ShowID, id.Show, "showId"), Body: v.Body, IdempotencyKey: v.IdempotencyKey}
	out.ReplyTo = in.maybeID(v.ReplyTo, id.ShowMessage, "replyTo")
	return out, in.err
}

func showMemberInput(v model.ShowMemberModerateInput) (showchat.MemberInput, error) {
	var in inputReader
	out := showchat.MemberInput{
		Show: in.id(v.ShowID, id.Show, "showId"), User: in.id(v.UserID, id.User, "userId"),
		Action: v.Action, Until: v.Until, Reason: v.Reason,
	}
	return out, in.err
}

func showChatInput(v model.ShowChatConfigureInput) (showchat.SettingsInput, error) {
	var in inputReader
	out := showchat.SettingsInput{Show: in.id(v.ShowID, id.Show, "showId"), Words: v.BlockedWords, Reason: v.Reason}
	if v.SlowModeSeconds != nil {
		slow := seconds(*v.SlowModeSeconds)
		out.SlowMode = &slow
	}
	return out, in.err
}

// seconds is a duration; one that would overflow is negative, which the domain refuses.
func seconds(n int) time.Duration {
	if n > int(time.Duration(1<<62)/time.Second) {
		return -1
	}
	return time.Duration(n) * time.Second
}

func acceptInput(v model.SecondChanceAcceptInput) (auction.AcceptInput, error) {
	var in inputReader
	out := auction.AcceptInput{
		Chance: in.id(v.SecondChanceID, id.SecondChance, "secondChanceId"), Card: in.maybeID(v.CardID, id.Card, "cardId"), IdempotencyKey: v.IdempotencyKey,
	}
	return out, in.err
}

func listingInput(v model.ListingCreateInput) (catalog.CreateInput, error) {
	var in inputReader
	out := catalog.CreateInput{
		Kind: v.Kind, Draft: v.Draft, Title: v.Title, Description: v.Description, Condition: v.Condition,
		Price: in.maybeAmount(v.Price, "price"), Photos: in.ids(v.PhotoIds, id.Photo, "photoIds"), OptionNames: v.OptionNames,
		Category: in.maybeID(v.CategoryID, id.Category, "categoryId"), Brand: in.maybeID(v.BrandID, id.Brand, "brandId"),
		Attributes: in.attributes(v.Attributes), MinimumTier: v.MinimumTier,
	}
	for i, variant := range v.Variants {
		out.Variants = append(out.Variants, in.variant(variant, "variants", strconv.Itoa(i)))
	}
	return out, in.err
}

// variant wants a variant, which stands below a path of the input.
func (in *inputReader) variant(v model.VariantInput, path ...string) catalog.VariantInput {
	var own inputReader
	out := catalog.VariantInput{SKU: v.Sku, Options: v.Options, Price: own.maybeAmount(v.Price, "price"), Grams: v.Grams}
	if f, ok := fault.As(own.err); ok && in.err == nil {
		in.err = f.At(append(path, f.Field...)...)
	}
	return out
}

// stockChange wants what changes at one location.
func (in *inputReader) stockChange(v model.StockReceiveInput) inventory.ChangeInput {
	return inventory.ChangeInput{
		Variant: in.id(v.VariantID, id.Variant, "variantId"), Location: in.id(v.LocationID, id.Location, "locationId"),
		Quantity: v.Quantity, Note: v.Note, IdempotencyKey: v.IdempotencyKey,
	}
}

func (in *inputReader) stockMove(v model.StockMoveInput) inventory.MoveInput {
	return inventory.MoveInput{
		Variant: in.id(v.VariantID, id.Variant, "variantId"), From: in.id(v.FromLocationID, id.Location, "fromLocationId"),
		To: in.id(v.ToLocationID, id.Location, "toLocationId"), Quantity: v.Quantity, Note: v.Note, IdempotencyKey: v.IdempotencyKey,
	}
}

// reserve wants what is to be set aside.
func (in *inputReader) reserve(v model.ReservationCreateInput) inventory.ReserveInput {
	out := inventory.ReserveInput{Region: textOf(v.Region), Pass: textOf(v.AdmissionPass), IdempotencyKey: v.IdempotencyKey}
	for i, line := range v.Lines {
		variant, err := line.VariantID.As(id.Variant)
		if f, ok := fault.As(err); ok && in.err == nil {
			in.err = f.At("lines", strconv.Itoa(i), "variantId")
		}
		out.Wants = append(out.Wants, inventory.Want{Variant: variant, Quantity: int32(line.Quantity)}) // an Int has 32 bits
	}
	return out
}

func wantInput(v model.WantCreateInput) (want.Input, error) {
	var in inputReader
	out := want.Input{
		Words: v.Words, Ceiling: in.maybeAmount(v.Ceiling, "ceiling"), Conditions: v.Conditions,
		Category: in.maybeID(v.CategoryID, id.Category, "categoryId"), Days: v.Days,
	}
	return out, in.err
}

// once makes a call where its input could be read.
func once[T any](unread error, call func() (T, error)) (v T, err error) {
	if unread != nil {
		return v, unread
	}
	return call()
}

func listingChange(v model.ListingUpdateInput) (uuid.UUID, catalog.UpdateInput, error) {
	var in inputReader
	out := catalog.UpdateInput{
		Title: v.Title, Description: v.Description, Condition: v.Condition, Price: in.maybeAmount(v.Price, "price"),
		Category: in.maybeID(v.CategoryID, id.Category, "categoryId"), Brand: in.maybeID(v.BrandID, id.Brand, "brandId"),
		Attributes: in.attributes(v.Attributes), MinimumTier: v.MinimumTier,
	}
	if v.PhotoIds != nil {
		out.Photos = in.ids(v.PhotoIds, id.Photo, "photoIds")
	}
	return in.id(v.ListingID, id.Listing, "listingId"), out, in.err
}

func listingFilter(seller *id.ID, kind *catalog.Kind, status *catalog.Status, more *model.ListingFilter) (catalog.Filter, error) {
	var in inputReader
	out := catalog.Filter{Seller: in.maybeID(seller, id.User, "sellerId"), Kind: kind, Status: status}
	if more != nil {
		out.Category, out.Brand = in.maybeID(more.CategoryID, id.Category, "categoryId"), in.maybeID(more.BrandID, id.Brand, "brandId")
	}
	return out, in.err
}

func showDraft(v model.ShowCreateInput) (show.Draft, error) {
	var in inputReader
	out := show.Draft{
		Title: v.Title, Description: v.Description, Cover: in.maybeID(v.CoverPhotoID, id.Photo, "coverPhotoId"),
		StartsAt: v.StartsAt, Categories: v.Categories, Language: v.Language,
	}
	return out, in.err
}

func showEdit(v model.ShowUpdateInput) (uuid.UUID, show.Edit, error) {
	var in inputReader
	changed := in.id(v.ShowID, id.Show, "showId")
	out := show.Edit{
		Title: v.Title, Description: v.Description, Cover: in.maybeID(v.CoverPhotoID, id.Photo, "coverPhotoId"),
		StartsAt: v.StartsAt, Categories: v.Categories, Language: v.Language,
	}
	return changed, out, in.err
}

// showFilter adds whose shows are wanted.
func showFilter(ctx context.Context, f show.Filter, host *id.ID, following *bool) (show.Filter, error) {
	var in inputReader
	f.Host = in.maybeID(host, id.User, "hostId")
	if following != nil && *following {
		session, signedIn := actor(ctx)
		if !signedIn {
			return f, identity.ErrUnauthenticated
		}
		f.Follower = &session.User.ID
	}
	return f, in.err
}

func topUpInput(v model.WalletTopUpInput) (payment.TopUpInput, error) {
	var in inputReader
	out := payment.TopUpInput{
		Amount: in.amount(v.Amount, "amount"), PaymentMethod: textOf(v.PaymentMethod), IdempotencyKey: v.IdempotencyKey,
	}
	out.Card = in.maybeID(v.CardID, id.Card, "cardId")
	return out, in.err
}

func exchangeInput(v model.WalletExchangeInput) (payment.ExchangeInput, error) {
	var in inputReader
	out := payment.ExchangeInput{From: in.amount(v.From, "from"), To: in.currency(v.To, "to"), IdempotencyKey: v.IdempotencyKey}
	if v.Minimum != nil {
		minimum := in.amount(*v.Minimum, "minimum")
		out.Minimum = &minimum
	}
	return out, in.err
}

func unfreezeInput(v model.WalletUnfreezeInput) (payment.Unfreeze, error) {
	var in inputReader
	out := payment.Unfreeze{Reason: v.Reason}
	if v.UserID != nil {
		user := in.id(*v.UserID, id.User, "userId")
		out.User = &user
	}
	if v.FreezeID != nil {
		freeze := in.id(*v.FreezeID, id.Freeze, "freezeId")
		out.Freeze = &freeze
	}
	return out, in.err
}

func withdrawInput(v model.WalletWithdrawInput) (payment.WithdrawInput, error) {
	var in inputReader
	out := payment.WithdrawInput{Amount: in.amount(v.Amount, "amount"), IdempotencyKey: v.IdempotencyKey}
	return out, in.err
}

// textOf is an optional text, empty where it was left out.
func textOf(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}
