package notify

import "github.com/souklive/souk/internal/fault"

// ErrNotFound refuses a notice of somebody else's, or none.
var ErrNotFound = fault.New(fault.NotFound, "NOTIFICATION_NOT_FOUND", "There is no such notice of yours.")
