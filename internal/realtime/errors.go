package realtime

import "github.com/souklive/souk/internal/fault"

// Why a subscription is refused or ends. All but ErrCursorInvalid ask the client to come back with
// the last version it has seen.
var (
	ErrCursorInvalid = fault.New(fault.Invalid, "CURSOR_INVALID", "The version to resume after cannot be negative.")
	ErrLagging       = fault.New(fault.Unavailable, "LAGGING", "This viewer could not keep up. Resume after the last version seen.")
	ErrDraining      = fault.New(fault.Unavailable, "DRAINING", "This server is restarting. Reconnect and resume after the last version seen.")
	ErrEpochChanged  = fault.New(fault.Unavailable, "EPOCH_CHANGED", "The history was replaced. Subscribe anew.")
	ErrUnavailable   = fault.New(fault.Unavailable, "REALTIME_UNAVAILABLE", "Live updates cannot be read right now. Try again shortly.")
	ErrCursorLost    = fault.New(fault.Conflict, "CURSOR_LOST", "What followed this version is no longer kept. Read the current state and subscribe anew.")
)
