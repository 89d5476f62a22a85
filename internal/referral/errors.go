package referral

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrCodeUnknown = fault.New(fault.Invalid, "REFERRAL_CODE_UNKNOWN", "Nobody has this referral code; leave it out, or look for a typing mistake.").At("referralCode")
	ErrNotFound    = fault.New(fault.NotFound, "REFERRAL_NOT_FOUND", "There is no such referral.")
)
