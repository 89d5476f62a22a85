package inventory

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// Want is so many of a variant.
type Want struct {
	Variant  uuid.UUID
	Quantity int32
}

// Shelf is what a location has free of a variant.
type Shelf struct {
	Variant, Location uuid.UUID
	Region            string
	Free              int32
}

// Taken is what a location gives of a variant. What exists once lies nowhere: its location is zero.
type Taken struct {
	Want
	Location uuid.UUID
}

// Allocate says from where to send what is wanted, in as few parcels as it can: all of it from the nearest location that has all of it;
// else, again and again, from the location that has the most of what is left. Nearer is who lies in the buyer's region; among equals
// those come first that stand first among the shelves. It is greedy: it may need a parcel more than the best split, never more goods.
// ok is false where there is not enough; then short is a variant of which there is not.
func Allocate(wants []Want, shelves []Shelf, region string) (taken []Taken, short uuid.UUID, ok bool) {
	left := make(map[uuid.UUID]int32, len(wants))
	for _, w := range wants {
		left[w.Variant] += w.Quantity
	}
	places := placesOf(shelves, region)
	for owed(left) > 0 {
		best := slices.MaxFunc(append([]place{{}}, places...), func(a, b place) int { return a.compare(b, left) })
		gives := best.gives(left)
		if gives == 0 {
			break
		}
		for _, w := range wants { // in the order in which they are wanted
			if n := min(left[w.Variant], best.free[w.Variant]); n > 0 {
				taken = append(taken, Taken{Want{w.Variant, n}, best.location})
				left[w.Variant] -= n
				best.free[w.Variant] -= n
			}
		}
	}
	for _, w := range wants {
		if left[w.Variant] > 0 {
			return nil, w.Variant, false
		}
	}
	return taken, uuid.Nil, true
}

// place is a location with what it has free.
type place struct {
	location uuid.UUID
	near     bool
	rank     int // the lower stands earlier
	free     map[uuid.UUID]int32
}

func placesOf(shelves []Shelf, region string) (places []place) {
	at := make(map[uuid.UUID]int)
	for _, s := range shelves {
		i, known := at[s.Location]
		if !known {
			i, at[s.Location] = len(places), len(places)
			places = append(places, place{s.Location, s.Region == region, i, map[uuid.UUID]int32{}})
		}
		places[i].free[s.Variant] += max(s.Free, 0)
	}
	return places
}

// gives is how much of what is left a place has.
func (p place) gives(left map[uuid.UUID]int32) (n int64) {
	for variant, wanted := range left {
		n += int64(min(wanted, p.free[variant]))
	}
	return n
}

// compare puts the better place above: who gives more, then who is nearer, then who stands earlier.
func (p place) compare(o place, left map[uuid.UUID]int32) int {
	return cmp.Or(cmp.Compare(p.gives(left), o.gives(left)), compareFlags(p.near, o.near), cmp.Compare(o.rank, p.rank))
}

func compareFlags(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

func owed(left map[uuid.UUID]int32) (n int64) {
	for _, wanted := range left {
		n += int64(wanted)
	}
	return n
}
