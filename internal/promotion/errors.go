package promotion

import "github.com/souklive/souk/internal/fault"

// The refusals of coupons; each names its code, and COUPON_MINIMUM what is missing.
var (
	ErrUnknown      = fault.New(fault.NotFound, "COUPON_UNKNOWN", "There is no such coupon.")
	ErrNotYet       = fault.New(fault.Precondition, "COUPON_NOT_YET", "The coupon is not valid yet.")
	ErrExpired      = fault.New(fault.Precondition, "COUPON_EXPIRED", "The coupon is not valid any more.")
	ErrUsedUp       = fault.New(fault.Precondition, "COUPON_USED_UP", "The coupon was used as often as it may be.")
	ErrMinimum      = fault.New(fault.Precondition, "COUPON_MINIMUM", "The coupon is for a larger purchase.")
	ErrNotForThis   = fault.New(fault.Precondition, "COUPON_NOT_FOR_THIS", "The coupon is for nothing of this.")
	ErrNotStackable = fault.New(fault.Precondition, "COUPON_NOT_STACKABLE", "The coupon does not go together with what is taken off already, which is worth more.")
	ErrTooManyTries = fault.New(fault.RateLimited, "COUPON_TOO_MANY_TRIES", "You have tried many codes; wait for a while.")
	ErrTooMany      = fault.New(fault.Invalid, "COUPON_COUNT", "At most five codes are given at once.").At("couponCodes")
)

// The refusals of making promotions.
var (
	ErrNotFound  = fault.New(fault.NotFound, "PROMOTION_NOT_FOUND", "There is no such promotion of yours.")
	ErrCode      = fault.New(fault.Invalid, "PROMOTION_CODE", "A code has 3 to 40 Latin letters and digits.").At("code")
	ErrCodeTaken = fault.New(fault.Conflict, "PROMOTION_CODE_TAKEN", "You have a promotion with this code already.").At("code")
	ErrTitle     = fault.New(fault.Invalid, "PROMOTION_TITLE", "A title has 1 to 80 characters in one line.").At("title")
	ErrTerms     = fault.New(fault.Invalid, "PROMOTION_TERMS", "A share needs basis points from 1 to 10,000, an amount its amount; a maximum is for shares and shipping; all money is in one currency and positive.")
	ErrLimits    = fault.New(fault.Invalid, "PROMOTION_LIMITS", "Limits are positive, stay where there are some, and do not go below what was used.")
	ErrTimes     = fault.New(fault.Invalid, "PROMOTION_TIMES", "A promotion ends after it starts, and in the future.")
	ErrBudget    = fault.New(fault.Invalid, "PROMOTION_BUDGET", "The platform's promotions have a budget, which only grows; sellers' have none.").At("budget")
	ErrCovers    = fault.New(fault.Invalid, "PROMOTION_COVERS", "A promotion covers at most 100 of each: listings of one's own, categories that there are, and sellers where the platform funds it.")
)
