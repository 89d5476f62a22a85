package showchat

import (
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/idempotency"
)

// The refusals of this package. ErrMuted, ErrSlowMode and ErrTooFast carry until, the time from which on the same message is taken,
// and wait, how long that is; ErrWord carries word.
var (
	ErrBodyLength   = fault.New(fault.Invalid, "SHOW_MESSAGE_LENGTH", "A message in a show has between 1 and 500 characters.")
	ErrBodyText     = fault.New(fault.Invalid, "TEXT_CONTROL_CHARACTERS", "The text has characters that can't be shown: control characters, or those that turn the direction of writing.")
	ErrNotFound     = fault.New(fault.NotFound, "SHOW_MESSAGE_NOT_FOUND", "There is no such message in the show, or it was deleted.")
	ErrClosed       = fault.New(fault.Precondition, "CHAT_CLOSED", "The show is over, and so is its chat.")
	ErrBanned       = fault.New(fault.Precondition, "CHAT_BANNED", "You are banned from this show.")
	ErrMuted        = fault.New(fault.Precondition, "CHAT_MUTED", "You are muted in this show.")
	ErrSlowMode     = fault.New(fault.Precondition, "CHAT_SLOW_MODE", "The chat is in slow mode: wait a little before your next message.")
	ErrTooFast      = fault.New(fault.Precondition, "CHAT_TOO_FAST", "You write faster than anybody reads: wait a little before your next message.")
	ErrWord         = fault.New(fault.Precondition, "CHAT_WORD_BLOCKED", "The message has a word that is not welcome in this show.").At("body")
	ErrKey          = idempotency.ErrKeyInvalid
	ErrKeyReused    = idempotency.ErrKeyReused
	ErrNotModerator = fault.New(fault.Precondition, "CHAT_NOT_MODERATOR", "Only the show's host and their moderators may do this.")
	ErrNotHost      = fault.New(fault.Precondition, "CHAT_NOT_HOST", "Only the show's host may do this.")
	ErrProtected    = fault.New(fault.Precondition, "CHAT_MEMBER_PROTECTED", "Nobody moderates the host, or themselves, and only the host moderates a moderator.")
	ErrIsBanned     = fault.New(fault.Precondition, "CHAT_MEMBER_BANNED", "Somebody who is banned from the show can't be its moderator: let them back in first.")
	ErrUserUnknown  = fault.New(fault.NotFound, "USER_NOT_FOUND", "There is no such user.").At("userId")
	ErrMuteUntil    = fault.New(fault.Invalid, "CHAT_MUTE_UNTIL", "A mute, and nothing else, ends at a time: in the future, and within a year.").At("until")
	ErrSlowModeTime = fault.New(fault.Invalid, "CHAT_SLOW_MODE_RANGE", "Slow mode is between 0 and 3600 seconds.").At("slowModeSeconds")
	ErrWords        = fault.New(fault.Invalid, "CHAT_WORDS_INVALID", "A word list has at most 200 entries of 1 to 50 characters, each with a letter or a digit.").At("blockedWords")
)
