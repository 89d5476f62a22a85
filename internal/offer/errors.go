package offer

import "github.com/souklive/souk/internal/fault"

// The refusals of this package. Those about an offer carry it as it is, under "offer".
var (
	ErrNotFound   = fault.New(fault.NotFound, "OFFER_NOT_FOUND", "There is no such offer of yours.")
	ErrListing    = fault.New(fault.NotFound, "LISTING_NOT_FOUND", "There is no such listing of yours.")
	ErrVariant    = fault.New(fault.NotFound, "VARIANT_NOT_FOUND", "There is no such variant for sale.")
	ErrOwnListing = fault.New(fault.Precondition, "OWN_LISTING", "The listing is your own.")
	ErrNotTaken   = fault.New(fault.Precondition, "OFFERS_NOT_TAKEN", "The listing takes no offers.")
	ErrGone       = fault.New(fault.Precondition, "OFFER_LISTING_GONE", "What the offer is about is not on the market any more, or not for its buyer.")
	ErrQuantity   = fault.New(fault.Invalid, "OFFER_QUANTITY", "An offer is for 1 to 1,000, and for 1 of what exists once.")
	ErrPrice      = fault.New(fault.Precondition, "OFFER_PRICE", "An offer is below the listed price and from a tenth of it, and a counter-offer between what was named and that.")
	ErrLive       = fault.New(fault.Precondition, "OFFER_LIVE", "You have an offer for this listing already.")
	ErrTooMany    = fault.New(fault.Precondition, "TOO_MANY_OFFERS", "One has at most 20 offers that are open, and makes at most 20 a day to one seller.")
	ErrTooFast    = fault.New(fault.RateLimited, "OFFER_TOO_FAST", "You name prices faster than anybody reads them; wait for a moment.")
	ErrChanged    = fault.New(fault.Conflict, "OFFER_CHANGED_MEANWHILE", "The offer is not what you have answered any more.")
	ErrNotYours   = fault.New(fault.Precondition, "OFFER_NOT_YOURS", "It is the other side's turn, or this is not yours to do.")
	ErrOver       = fault.New(fault.Precondition, "OFFER_OVER", "The offer has ended, or its time is over.")
	ErrRounds     = fault.New(fault.Precondition, "OFFER_ROUNDS", "Ten prices were named: accept the last, or let it be.")
	ErrNotAgreed  = fault.New(fault.Precondition, "OFFER_NOT_ACCEPTED", "Only an offer that was accepted is checked out.")
)
