package graph

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souklive/souk/graph/model"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/books"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/checkout"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/gqlsse"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/inventory"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/obs"
	"github.com/souklive/souk/internal/offer"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/show"
	"github.com/souklive/souk/internal/showchat"
	"github.com/souklive/souk/internal/taxonomy"
)

// errUnavailable is for a database that cannot be reached or was lost on the way.
var errUnavailable = fault.New(fault.Unavailable, "UNAVAILABLE",
	"A part that this needs cannot be reached right now. Try again; a change may have been made all the same, so repeat it with its idempotency key or read first.")

const internalMessage = "Something went wrong on our side. Tell us the request id if it happens again."

// refused splits the error of a mutation: what the client can act on becomes userErrors of the payload, all
// else stays an error.
func refused(err error) ([]model.UserError, error) {
	f, ok := fault.As(err)
	if !ok {
		return nil, err
	}
	switch f.Kind {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.Precondition:
		return []model.UserError{userError(f)}, nil
	default:
		return nil, err
	}
}

// userError gives a refusal the type that carries its data.
func userError(f *fault.Error) model.UserError {
	if e := bidRefusal(f); e != nil {
		return e
	}
	if coupon, ok := f.Data["coupon"].(string); ok {
		refusal := model.CouponRefused{Code: f.Code, Message: f.Message, Field: f.Field, Coupon: coupon}
		if missing, ok := f.Data["missing"].(money.Amount); ok {
			minimum, _ := f.Data["minimum"].(money.Amount)
			refusal.Missing, refusal.Minimum = &missing, &minimum
		}
		return refusal
	}
	if of, ok := f.Data["offer"].(offer.Offer); ok {
		return model.OfferRefused{Code: f.Code, Message: f.Message, Field: f.Field, Offer: of}
	}
	switch f.Code {
	case offer.ErrPrice.Code:
		refusal := model.OfferPriceRefused{Code: f.Code, Message: f.Message, Field: f.Field}
		if minimum, ok := f.Data["minimum"].(money.Amount); ok {
			maximum, _ := f.Data["maximum"].(money.Amount)
			refusal.Minimum, refusal.Maximum = &minimum, &maximum
		}
		return refusal
	case payment.ErrInsufficientFunds.Code:
		if available, ok := f.Data["available"].(money.Amount); ok {
			return model.InsufficientFunds{Code: f.Code, Message: f.Message, Field: f.Field, Available: available}
		}
	case inventory.ErrOutOfStock.Code:
		variant, named := f.Data["variant"].(uuid.UUID)
		if available, ok := f.Data["available"].(int); ok && named {
			return model.OutOfStock{Code: f.Code, Message: f.Message, Field: f.Field, VariantID: id.Variant.ID(variant), Available: available}
		}
	case payment.ErrExchangeRateMoved.Code:
		if offer, ok := f.Data["offer"].(money.Amount); ok {
			return model.ExchangeRateMoved{Code: f.Code, Message: f.Message, Field: f.Field, Offer: offer}
		}
	case payment.ErrWalletFrozen.Code:
		if since, ok := f.Data["since"].(time.Time); ok {
			return model.WalletFrozen{Code: f.Code, Message: f.Message, Field: f.Field, Since: since}
		}
	case payment.ErrWithdrawalNotFunded.Code:
		if withdrawable, ok := f.Data["withdrawable"].(money.Amount); ok {
			return model.WithdrawalNotFunded{Code: f.Code, Message: f.Message, Field: f.Field, Withdrawable: withdrawable}
		}
	case books.ErrNotReversible.Code:
		if instead, ok := f.Data["instead"].(string); ok {
			return model.EntryNotReversible{Code: f.Code, Message: f.Message, Field: f.Field, Instead: instead}
		}
	case order.ErrRefundTooLarge.Code:
		if maximum, ok := f.Data["maximum"].(money.Amount); ok {
			return model.RefundTooLarge{Code: f.Code, Message: f.Message, Field: f.Field, Maximum: maximum}
		}
	case payment.ErrCardPartTooSmall.Code, payment.ErrCardPartTooLarge.Code:
		if limit, ok := f.Data["limit"].(money.Amount); ok {
			return model.CardAmountOutOfRange{Code: f.Code, Message: f.Message, Field: f.Field, Limit: limit}
		}
	case showchat.ErrMuted.Code, showchat.ErrSlowMode.Code, showchat.ErrTooFast.Code:
		until, _ := f.Data["until"].(time.Time)
		if wait, ok := f.Data["wait"].(time.Duration); ok {
			return model.ChatWait{Code: f.Code, Message: f.Message, Field: f.Field, Until: until, RetryAfterMs: int(min(wait.Milliseconds(), math.MaxInt32))}
		}
	case showchat.ErrWord.Code:
		if word, ok := f.Data["word"].(string); ok {
			return model.ChatWordBlocked{Code: f.Code, Message: f.Message, Field: f.Field, Word: word}
		}
	case checkout.ErrPriceChanged.Code:
		refusal := model.PriceChanged{Code: f.Code, Message: f.Message, Field: f.Field}
		if total, ok := f.Data["total"].(money.Amount); ok {
			refusal.Total = &total
		}
		return refusal
	case address.ErrPostalCode.Code:
		if example, ok := f.Data["example"].(string); ok {
			return model.PostalCodeInvalid{Code: f.Code, Message: f.Message, Field: f.Field, Example: textOrNil(example)}
		}
	case show.ErrHasOpenLot.Code:
		if lot, ok := f.Data["lot"].(auction.Auction); ok {
			return model.ShowHasOpenLot{Code: f.Code, Message: f.Message, Field: f.Field, Lot: lot}
		}
	case taxonomy.ErrAttributeValue.Code:
		if attribute, ok := f.Data["attribute"].(taxonomy.Attribute); ok {
			return model.AttributeValueInvalid{Code: f.Code, Message: f.Message, Field: f.Field, Attribute: attribute}
		}
	case taxonomy.ErrAttributeMissing.Code:
		if missing, ok := f.Data["attributes"].([]taxonomy.Attribute); ok {
			return model.AttributesMissing{Code: f.Code, Message: f.Message, Field: f.Field, Attributes: missing}
		}
	case catalog.ErrListingKept.Code:
		listing, named := f.Data["listing"].(uuid.UUID)
		if history, ok := f.Data["history"].([]catalog.History); ok && named {
			return model.ListingHasHistory{Code: f.Code, Message: f.Message, Field: f.Field, ListingID: id.Listing.ID(listing), History: history}
		}
	case payment.ErrCardDeclined.Code:
		declined := model.CardDeclined{Code: f.Code, Message: f.Message, Field: f.Field}
		if code, ok := f.Data["declineCode"].(string); ok && code != "" {
			declined.DeclineCode = &code
		}
		return declined
	}
	return model.InputError{Code: f.Code, Message: f.Message, Field: f.Field}
}

// presenter is the one place where an error becomes an answer. What is unknown is logged here, once, and
// leaves as INTERNAL.
func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := &gqlerror.Error{Path: graphql.GetPath(ctx)}
		var located *gqlerror.Error
		if errors.As(err, &located) {
			out.Locations = located.Locations
			if len(located.Path) > 0 {
				out.Path = located.Path
			}
		}
		f := classify(ctx, err, located)
		if (f.Kind == fault.Internal || errors.Is(f, errUnavailable)) && firstOf(ctx, err) {
			log.ErrorContext(ctx, "a request failed", append([]any{"error", err, "path", out.Path.String()}, stackOf(err)...)...)
		}
		out.Message, out.Extensions = f.Message, extensionsOf(ctx, f)
		return out
	}
}

// classify gives any error the form of a refusal. A time-out is the client's where the request has ended, and our
// own fault where it goes on.
func classify(ctx context.Context, err error, located *gqlerror.Error) *fault.Error {
	if f, ok := fault.As(err); ok && f.Kind != fault.Internal {
		return f
	}
	if errors.Is(err, context.Canceled) || (errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil) {
		return fault.New(fault.Unavailable, "CANCELLED", "The request ended before it was answered.")
	}
	if located != nil { // gqlgen's and gqlparser's own words about the request have a code; nothing else here does
		if code, ok := located.Extensions["code"].(string); ok {
			return &fault.Error{Kind: fault.Invalid, Code: code, Message: located.Message}
		}
	}
	if postgres.Away(err) {
		return errUnavailable
	}
	return fault.New(fault.Internal, "INTERNAL", internalMessage)
}

func extensionsOf(ctx context.Context, f *fault.Error) map[string]any {
	extensions := map[string]any{
		"code":      f.Code,
		"kind":      f.Kind.String(),
		"requestId": obs.RequestID(ctx),
		"retryable": f.Kind.Retryable(),
	}
	if f.RetryIn > 0 {
		extensions["retryAfterMs"] = f.RetryIn.Milliseconds()
	}
	return extensions
}

// statusOf is the HTTP status of what is refused outside an operation.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrMethod), errors.Is(err, gqlsse.ErrGetMutation):
		return http.StatusMethodNotAllowed
	case errors.Is(err, ErrContentType):
		return http.StatusUnsupportedMediaType
	}
	if status, ok := httpStatus[fault.KindOf(err)]; ok {
		return status
	}
	if postgres.Away(err) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

var httpStatus = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden,
	fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict, fault.Precondition: http.StatusConflict,
	fault.RateLimited: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// WriteError answers an HTTP request with a refusal in GraphQL's form, for what is refused before or beside
// an operation: a bad token, an upload.
func WriteError(log *slog.Logger) func(w http.ResponseWriter, r *http.Request, err error) {
	present := presenter(log)
	return func(w http.ResponseWriter, r *http.Request, err error) {
		status := statusOf(err)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if errors.Is(err, gqlsse.ErrGetMutation) {
			w.Header().Set("Allow", http.MethodPost)
		}
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="souk"`)
		}
		if f, ok := fault.As(err); ok && f.RetryIn > 0 {
			w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(f.RetryIn.Seconds())), 10))
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(unexecuted{Errors: gqlerror.List{present(r.Context(), err)}}) // the client may be gone
	}
}
