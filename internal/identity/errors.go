package identity

import "github.com/souklive/souk/internal/fault"

// The refusals of this package.
var (
	ErrEmailInvalid    = fault.New(fault.Invalid, "EMAIL_INVALID", "This is not an email address.")
	ErrEmailTaken      = fault.New(fault.Conflict, "EMAIL_TAKEN", "An account with this email address exists already.")
	ErrPasswordLength  = fault.New(fault.Invalid, "PASSWORD_LENGTH", "A password has between 10 and 200 characters.")
	ErrNameLength      = fault.New(fault.Invalid, "NAME_LENGTH", "A name has between 1 and 80 characters, and nothing that hides or turns it.")
	ErrCredentials     = fault.New(fault.Invalid, "CREDENTIALS_WRONG", "The email address or the password is wrong.")
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "UNAUTHENTICATED", "Sign in first: this needs a valid bearer token.")
	ErrForbidden       = fault.New(fault.Forbidden, "FORBIDDEN", "Your role may not do this.")
	ErrBanned          = fault.New(fault.Precondition, "USER_BANNED", "This account is banned. Support knows why.")
	ErrUserNotFound    = fault.New(fault.NotFound, "USER_NOT_FOUND", "There is no such user.").At("userId")
	ErrNotBanned       = fault.New(fault.Precondition, "USER_NOT_BANNED", "This user is not banned.").At("userId")
	ErrBanSelf         = fault.New(fault.Precondition, "BAN_OF_ONESELF", "Somebody else has to ban you.").At("userId")
	ErrBanStaff        = fault.New(fault.Precondition, "BAN_NEEDS_ADMIN", "Only an admin bans, or lets back in, somebody of the platform.").At("userId")
	ErrBusy            = fault.New(fault.Unavailable, "SIGN_IN_BUSY", "Too many people sign in at this moment; try again shortly.")
)
