package auction

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// The refusals of this package. ErrBidTooLow carries price and minimum, ErrClosed endsAt.
var (
	ErrNotFound       = fault.New(fault.NotFound, "AUCTION_NOT_FOUND", "There is no such auction.")
	ErrBidNotFound    = fault.New(fault.NotFound, "BID_NOT_FOUND", "There is no such bid.")
	ErrBidTooLow      = fault.New(fault.Precondition, "BID_TOO_LOW", "The bid is below the next minimum.")
	ErrBidTooHigh     = fault.New(fault.Invalid, "BID_TOO_HIGH", "A bid is at most 1,000,000 in the major unit of its currency.")
	ErrOwnLot         = fault.New(fault.Precondition, "BID_ON_OWN_LOT", "A seller can't bid on a lot of their own.")
	ErrAlreadyLeading = fault.New(fault.Precondition, "ALREADY_LEADING", "You lead already.")
	ErrClosed         = fault.New(fault.Precondition, "AUCTION_CLOSED", "The auction has ended.")
	ErrCurrency       = fault.New(fault.Invalid, "CURRENCY_MISMATCH", "The bid must be in the auction's currency.")
	ErrNotPositive    = fault.New(fault.Invalid, "AMOUNT_NOT_POSITIVE", "The amount must be greater than zero.")
	ErrKey            = idempotency.ErrKeyInvalid
	ErrKeyReused      = idempotency.ErrKeyReused
	ErrDuration       = fault.New(fault.Invalid, "DURATION_INVALID", "An auction runs between 5 seconds and 7 days; a late bid extends it by at most 600 seconds.")
	ErrHoldLost       = fault.New(fault.Internal, "AUCTION_HOLD_LOST", "The leader's hold is gone.")
	ErrCardMissing    = fault.New(fault.Invalid, "CARD_REQUIRED", "A bid on this lot names a saved card that it would be paid with.")
	ErrCardNotTaken   = fault.New(fault.Invalid, "CARD_NOT_TAKEN", "Bids on this lot are held in the wallet; they name no card.")
	ErrNoIncrements   = fault.New(fault.Invalid, "CURRENCY_UNSUPPORTED", "Auctions are not held in this currency.")
)
