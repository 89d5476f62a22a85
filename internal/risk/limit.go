package risk

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit is so many within a time. None of them is no limit.
type Limit struct {
	Most   int64
	Within time.Duration
}

const (
	noLimit = "off"
	// maxMost and maxWithin are the most that a limit may be: RiskCounts looks at no more rows, and at none that is older.
	maxMost   = 1000
	maxWithin = 7 * 24 * time.Hour
)

// UnmarshalText reads a limit as it is written in the settings: 30/10m, or off.
func (l *Limit) UnmarshalText(text []byte) error {
	if string(text) == noLimit {
		*l = Limit{}
		return nil
	}
	most, within, _ := strings.Cut(string(text), "/")
	n, err := strconv.ParseInt(most, 10, 64)
	if err != nil || n < 1 || n > maxMost {
		return fmt.Errorf("%q is no limit: so many within a time, such as 30/10m, of 1 to %d, or %s", text, maxMost, noLimit)
	}
	d, err := time.ParseDuration(within)
	if err != nil || d < time.Second || d > maxWithin {
		return fmt.Errorf("%q is no limit: its time is not one of 1s to %s", text, maxWithin)
	}
	*l = Limit{n, d}
	return nil
}

// String is how a limit is written in the settings.
func (l Limit) String() string {
	if l.Most == 0 {
		return noLimit
	}
	return fmt.Sprintf("%d/%s", l.Most, l.Within)
}

// reached says that there are so many.
func (l Limit) reached(n int64) bool { return l.Most > 0 && n >= l.Most }
