package flash

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrNotFound    = fault.New(fault.NotFound, "FLASH_SALE_NOT_FOUND", "There is no such flash sale.")
	ErrListing     = fault.New(fault.NotFound, "LISTING_NOT_FOUND", "There is no such listing of yours that can be reserved.")
	ErrTimes       = fault.New(fault.Invalid, "FLASH_SALE_TIMES", "A flash sale ends after it starts, in the future, and lasts a week at most.")
	ErrTerms       = fault.New(fault.Invalid, "FLASH_SALE_TERMS", "A flash sale admits 1 to 600,000 a minute, and sells 1 to 1,000 to each.")
	ErrOverlap     = fault.New(fault.Conflict, "FLASH_SALE_OVERLAPS", "The listing has a flash sale at that time.")
	ErrClosed      = fault.New(fault.Precondition, "WAITING_ROOM_CLOSED", "Nobody joins any more: the sale is over or called off, or its lottery is drawn.")
	ErrNotJoined   = fault.New(fault.Precondition, "WAITING_ROOM_NOT_JOINED", "You are not in the waiting room.")
	ErrNotAdmitted = fault.New(fault.Precondition, "NOT_ADMITTED", "It is not your turn yet.")
	ErrUsed        = fault.New(fault.Precondition, "ADMISSION_USED", "You have bought with your place.")
	ErrPassNeeded  = fault.New(fault.Precondition, "PASS_REQUIRED", "A flash sale of this runs: its waiting room gives out passes.")
	ErrPassInvalid = fault.New(fault.Precondition, "PASS_INVALID", "The pass is another's, of another sale, or none.")
	ErrPassExpired = fault.New(fault.Precondition, "PASS_EXPIRED", "The pass has expired; the waiting room gives out another.")
	ErrTooNew      = fault.New(fault.Precondition, "ACCOUNT_TOO_NEW", "The account is too new for this waiting room.")
	ErrTooFast     = fault.New(fault.RateLimited, "WAITING_ROOM_TOO_FAST", "Too many attempts; wait a moment.")
	ErrSealed      = fault.New(fault.Internal, "FLASH_SEED_SEALED", "The lottery's seed was sealed under another signing key: it is drawn once that key is back.")
)
