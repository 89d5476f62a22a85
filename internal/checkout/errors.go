package checkout

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/shipping"
)

// The refusals of this package.
var (
	ErrKeyReused       = idempotency.ErrKeyReused
	ErrKind            = fault.New(fault.Precondition, "RESERVATION_NOT_DIGITAL", "Only reservations of digital codes alone are paid like this.")
	ErrOwnListing      = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
	ErrPriceChanged    = fault.New(fault.Precondition, "PRICE_CHANGED", "It costs something else now.")
	ErrQuoteNotFound   = fault.New(fault.NotFound, "QUOTE_NOT_FOUND", "There is no such quote of yours.")
	ErrQuoteConfirmed  = fault.New(fault.Precondition, "QUOTE_CONFIRMED", "This quote was confirmed already; its orders are made.")
	ErrQuoteOver       = fault.New(fault.Precondition, "QUOTE_OVER", "The quote's time is over, or another took its place: ask for a new one.")
	ErrTooManyQuotes   = fault.New(fault.RateLimited, "TOO_MANY_QUOTES", "You have asked for many quotes and confirmed none of them; wait for a while.")
	ErrTooFast         = fault.New(fault.RateLimited, "CHECKOUT_TOO_FAST", "You ask for quotes or confirm them faster than anybody buys; wait for a moment.")
	ErrOrderNotFound   = order.ErrNotFound
	ErrNotQuotable     = fault.New(fault.Precondition, "ORDER_NOT_QUOTABLE", "Only an order that was won in a lot is quoted, until it is checked out, sent, or over.")
	ErrPaidAlready     = fault.New(fault.Precondition, "ORDER_PAID_ALREADY", "This order is paid already: only what costs its buyer nothing more can be had.")
	ErrExchangeAlone   = fault.New(fault.Invalid, "EXCHANGE_PAYS_ALL", "What is paid in another currency is paid from that wallet alone.")
	ErrNotExchanged    = fault.New(fault.Precondition, "QUOTE_NOT_EXCHANGED", "The quote has no price in another currency: ask for one with payCurrency.")
	ErrOfferAlone      = fault.New(fault.Invalid, "OFFER_ALONE", "An offer is checked out by itself, without lines of the cart.")
	ErrAddressRequired = shipping.ErrAddressRequired
	ErrNothingToPay    = fault.New(fault.Precondition, "NOTHING_TO_PAY", "The platform's promotion pays all of what is bought of one seller: something has to be left for its buyer.")
	ErrDigitalByWallet = fault.New(fault.Invalid, "DIGITAL_BY_WALLET", "Codes are paid from the wallet alone.")
	ErrTooMany         = fault.New(fault.Precondition, "CODES_PER_ORDER", "At most 100 codes are bought at once.")
)
