package auction

import (
	"errors"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/payment"
)

// The refusals of a bid by the rules. They carry what a client needs next: ErrBidTooLow price and minimum, ErrAlreadyLeading the leader's
// own maximum, ErrClosed endsAt, ErrNotOpen opensAt, ErrNotEligible minimumAge and minimumTier, those that are missing.
var (
	ErrBidTooLow      = fault.New(fault.Precondition, "BID_TOO_LOW", "The bid is below the next minimum.")
	ErrAlreadyLeading = fault.New(fault.Precondition, "ALREADY_LEADING", "You lead already, with a maximum that is at least this.")
	ErrClosed         = fault.New(fault.Precondition, "AUCTION_CLOSED", "The auction has ended.")
	ErrNotOpen        = fault.New(fault.Precondition, "AUCTION_NOT_OPEN", "The auction has not been opened yet.")
	ErrPaused         = fault.New(fault.Precondition, "AUCTION_PAUSED", "The auction is paused.")
	ErrOwnLot         = fault.New(fault.Precondition, "BID_ON_OWN_LOT", "A seller can't bid on a lot of their own.")
	ErrNotBuyable     = fault.New(fault.Precondition, "BUY_NOW_GONE", "The lot can't be bought at once, or not any more: bid on it.")
	ErrNotEligible    = fault.New(fault.Precondition, "BIDDER_NOT_ELIGIBLE", "The lot asks for more than is known of you.")
	ErrCurrency       = fault.New(fault.Invalid, "CURRENCY_MISMATCH", "The amount must be in the auction's currency.")
)

// ErrBidCancelled refuses to cancel a bid twice.
var ErrBidCancelled = fault.New(fault.Conflict, "BID_CANCELLED", "This bid was cancelled already.")

// Refusals of a bid's or a lot's input.
var (
	ErrNotFound     = fault.New(fault.NotFound, "AUCTION_NOT_FOUND", "There is no such auction.")
	ErrBidNotFound  = fault.New(fault.NotFound, "BID_NOT_FOUND", "There is no such bid.")
	ErrBidTooHigh   = fault.New(fault.Invalid, "BID_TOO_HIGH", "A bid is at most 1,000,000 in the major unit of its currency.")
	ErrNotPositive  = fault.New(fault.Invalid, "AMOUNT_NOT_POSITIVE", "The amount must be greater than zero.")
	ErrKey          = idempotency.ErrKeyInvalid
	ErrKeyReused    = idempotency.ErrKeyReused
	ErrDuration     = fault.New(fault.Invalid, "DURATION_INVALID", "An auction runs between 5 seconds and 7 days; a late bid extends it by at most 600 seconds.")
	ErrOpensAt      = fault.New(fault.Invalid, "OPENS_AT_INVALID", "A lot opens within a year from now; one in a show is opened by its host.")
	ErrPrices       = fault.New(fault.Invalid, "PRICES_INVALID", "A reserve is at least the start price, and the price to buy at once at least both.")
	ErrMinimumAge   = fault.New(fault.Invalid, "MINIMUM_AGE_INVALID", "A minimum age is between 1 and 120 years.")
	ErrCardMissing  = fault.New(fault.Invalid, "CARD_REQUIRED", "A bid on this lot names a saved card that it would be paid with.")
	ErrCardNotTaken = fault.New(fault.Invalid, "CARD_NOT_TAKEN", "Bids on this lot are held in the wallet; they name no card.")
	ErrNoIncrements = fault.New(fault.Invalid, "CURRENCY_UNSUPPORTED", "Auctions are not held in this currency.")
)

// Refusals of what a host does to the lots of a show.
var (
	ErrNotInShow  = fault.New(fault.Invalid, "LOT_NOT_IN_SHOW", "This is no lot of the show.")
	ErrNotWaiting = fault.New(fault.Precondition, "LOT_NOT_WAITING", "The lot does not wait: it was opened, or taken out.")
	ErrLotNotOpen = fault.New(fault.Precondition, "LOT_NOT_OPEN", "The lot is not open.")
	ErrNotPaused  = fault.New(fault.Precondition, "LOT_NOT_PAUSED", "The lot is not paused.")
	ErrWouldSell  = fault.New(fault.Precondition, "LOT_WOULD_SELL", "Somebody's bid would win the lot: it can't be passed.")
	ErrReorder    = fault.New(fault.Invalid, "LOT_ORDER_INVALID", "Name between one and 1000 lots that wait in the show, each once.")
)

// ErrHoldLost is a mistake of ours.
var ErrHoldLost = fault.New(fault.Internal, "AUCTION_HOLD_LOST", "The leader's hold is gone.")

// ErrUnknown is for a batch that took too long: whether it was committed is not known.
var ErrUnknown = fault.New(fault.Unavailable, "UNAVAILABLE", "It took too long to know whether the bid is in. Ask again, with the same idempotency key.")

// ofHold makes what is wrong with a leader's hold our fault: nobody who bids can do anything about it.
func ofHold(err error) error {
	if errors.Is(err, payment.ErrHoldResolved) || errors.Is(err, payment.ErrHoldNotFound) {
		return ErrHoldLost.Because(err)
	}
	return err
}
