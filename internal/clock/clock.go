// Package clock is the server's wall clock behind an interface, so that tests can set it.
//
// Whatever decides about money or auctions does not ask this clock: it asks the database, after the
// row lock is held, so that servers whose clocks differ decide the same. This clock serves expiry of
// signed links, time-outs and log lines.
package clock

import "time"

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now returns the machine's time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// Fixed is a clock that stands still.
type Fixed time.Time

// Now returns the same instant each time.
func (f Fixed) Now() time.Time { return time.Time(f) }
