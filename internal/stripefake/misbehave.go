package stripefake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Misbehave sets the seeded rates of faults and mishaps by one line of text, as a command's flag has it:
//
//	cut_after=0.05,rate_limit=0.1,duplicate=0.3,drop=0.1,wait=500ms
//
// Each name is a Fault's or a Mishap's, with its probability; wait is how long what is delayed or late
// takes, a second where it is not said. The rates of each of the two sum to 1 at most.
func (s *Server) Misbehave(text string) error {
	faults, mishaps, wait := make(map[Fault]float64), make(map[Mishap]float64), time.Second
	var ofFaults, ofMishaps float64
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == "" {
			continue
		}
		var err error
		var rate float64
		if name == "wait" {
			wait, err = time.ParseDuration(value)
		} else {
			rate, err = strconv.ParseFloat(value, 64)
		}
		switch {
		case err != nil || rate < 0 || rate > 1 || wait < 0:
			return fmt.Errorf("stripefake: %q is no rate between 0 and 1, nor a duration", part)
		case name == "wait":
		case slices.Contains(Faults(), Fault(name)):
			faults[Fault(name)] = rate
			ofFaults += rate
		case slices.Contains(Mishaps(), Mishap(name)):
			mishaps[Mishap(name)] = rate
			ofMishaps += rate
		default:
			return fmt.Errorf("stripefake: there is no fault %q; there are %v and %v", name, Faults(), Mishaps())
		}
	}
	if ofFaults > 1 || ofMishaps > 1 {
		return fmt.Errorf("stripefake: the rates in %q sum to more than 1", text)
	}
	s.faults.Rates(faults, wait)
	s.deliveries.Rates(mishaps, wait)
	return nil
}
