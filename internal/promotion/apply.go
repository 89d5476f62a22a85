package promotion

import (
	"bytes"
	"slices"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
)

// Line is what somebody wants of one listing: all of it at its price.
type Line struct {
	Listing    uuid.UUID
	Categories []uuid.UUID // the listing's, and those above it
	Amount     int64
}

// Group is what becomes one order.
type Group struct {
	Seller   uuid.UUID
	Lines    []Line
	Shipping int64 // what its buyer pays for it
}

// Discount is what a promotion takes off of a group.
type Discount struct {
	Promotion Promotion
	Group     int
	Amount    int64
}

// Use is what a promotion takes off in all.
type Use struct {
	Promotion Promotion
	Amount    int64
}

// till is what is being paid, as promotions take off of it.
type till struct {
	groups []Group
	left   [][]int64 // of each line of each group
	ship   []int64   // of each group's shipping
	fixed  []bool    // a group has one that goes together with no other
	taken  []bool    // a group has one
	out    []Discount
}

func newTill(groups []Group) *till {
	t := &till{groups: groups, ship: make([]int64, len(groups)), fixed: make([]bool, len(groups)), taken: make([]bool, len(groups))}
	for i, g := range groups {
		left := make([]int64, len(g.Lines))
		for j, l := range g.Lines {
			left[j] = l.Amount
		}
		t.left, t.ship[i] = append(t.left, left), g.Shipping
	}
	return t
}

func (t *till) clone() *till {
	c := &till{groups: t.groups, ship: slices.Clone(t.ship), fixed: slices.Clone(t.fixed), taken: slices.Clone(t.taken), out: slices.Clone(t.out)}
	for _, left := range t.left {
		c.left = append(c.left, slices.Clone(left))
	}
	return c
}

// total is what all of them take off.
func (t *till) total() (sum int64) {
	for _, d := range t.out {
		sum += d.Amount
	}
	return sum
}

// covers says whether a promotion is for a line.
func (p Promotion) covers(g Group, l Line) bool {
	if p.SellerID != nil && *p.SellerID != g.Seller {
		return false
	}
	return len(p.Sellers)+len(p.Listings)+len(p.Categories) == 0 || slices.Contains(p.Sellers, g.Seller) || slices.Contains(p.Listings, l.Listing) ||
		slices.ContainsFunc(l.Categories, func(c uuid.UUID) bool { return slices.Contains(p.Categories, c) })
}

// apply takes off what a promotion gives, and says why it gives nothing.
func (t *till) apply(p Promotion) error {
	covered, eligible, blocked := int64(0), int64(0), false
	var lines [][2]int
	var groups []int
	for i, g := range t.groups {
		for j, l := range g.Lines {
			if !p.covers(g, l) {
				continue
			}
			covered += l.Amount // all of a cart is money: its sum was checked
			if t.fixed[i] || (t.taken[i] && !p.Stackable) {
				blocked = true
				continue
			}
			lines, eligible = append(lines, [2]int{i, j}), eligible+t.left[i][j]
			if len(groups) == 0 || groups[len(groups)-1] != i {
				groups = append(groups, i)
			}
		}
	}
	switch {
	case covered == 0 && len(lines) == 0 && !blocked:
		return ErrNotForThis
	case covered < p.Minimum.Minor:
		return ErrMinimum.With("minimum", p.Minimum).With("missing", money.New(p.Minimum.Minor-covered, p.Currency))
	case len(lines) == 0:
		return ErrNotStackable
	}
	given := make([]int64, len(t.groups))
	if p.Kind == FreeShipping {
		t.shipFree(p, groups, given)
	} else {
		t.takeOff(p.of(eligible), eligible, lines, given)
	}
	nothing := true
	for i, amount := range given {
		if amount == 0 {
			continue
		}
		nothing = false
		t.taken[i], t.fixed[i] = true, t.fixed[i] || !p.Stackable
		t.out = append(t.out, Discount{Promotion: p, Group: i, Amount: amount})
	}
	if nothing {
		return ErrNotForThis
	}
	return nil
}

// of is what a promotion takes off of what it covers.
func (p Promotion) of(eligible int64) int64 {
	if p.Kind == Amount {
		return min(p.Amount.Minor, eligible)
	}
	off := money.New(eligible, p.Currency).BasisPoints(int64(*p.BasisPoints)).Minor
	if p.Most != nil {
		off = min(off, p.Most.Minor)
	}
	return off
}

// takeOff divides a discount over lines by what is left of each: each its share of what those before it leave, so that it comes to the discount.
func (t *till) takeOff(off, eligible int64, lines [][2]int, given []int64) {
	for _, at := range lines {
		left := &t.left[at[0]][at[1]]
		if eligible == 0 {
			return
		}
		part := money.New(*left, "").Share(off, eligible).Minor
		off, eligible = off-part, eligible-*left
		*left -= part
		given[at[0]] += part
	}
}

// shipFree takes the shipping of groups off, one after the other, up to what the promotion gives at most.
func (t *till) shipFree(p Promotion, groups []int, given []int64) {
	left := int64(1<<63 - 1)
	if p.Most != nil {
		left = p.Most.Minor
	}
	for _, i := range groups {
		given[i] = min(t.ship[i], left)
		t.ship[i] -= given[i]
		left -= given[i]
	}
}

// Apply takes off what promotions give: of each seller's first, then one of the platform's. Of a seller's, and of the platform's, there is the choice that takes most off:
// one coupon, one that applies by itself or, of a seller whose both are stackable, both. A coupon that is given and is not used is refused.
//
// It is a pure function: found are those that there are, codes what was given, in the order of the promotions' ids.
func Apply(groups []Group, found []Promotion) ([]Discount, []Refusal) {
	t := newTill(groups)
	why := map[uuid.UUID]error{}
	for _, seller := range sellersOf(groups) {
		t = t.choose(slices.DeleteFunc(slices.Clone(found), func(p Promotion) bool { return p.SellerID == nil || *p.SellerID != seller }), true, why)
	}
	t = t.choose(slices.DeleteFunc(slices.Clone(found), func(p Promotion) bool { return p.SellerID != nil }), false, why)
	var refused []Refusal
	for _, p := range found {
		if p.Code == nil || slices.ContainsFunc(t.out, func(d Discount) bool { return d.Promotion.ID == p.ID }) {
			continue
		}
		err := why[p.ID]
		if err == nil {
			err = ErrNotStackable
		}
		refused = append(refused, Refusal{Promotion: p, Err: err})
	}
	return t.out, refused
}

// Refusal is why a coupon that was given takes nothing off.
type Refusal struct {
	Promotion Promotion
	Err       error
}

func sellersOf(groups []Group) (sellers []uuid.UUID) {
	for _, g := range groups {
		if !slices.Contains(sellers, g.Seller) {
			sellers = append(sellers, g.Seller)
		}
	}
	slices.SortFunc(sellers, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return sellers
}

// choose applies what takes most off of those that one side funds. why has what each refuses by itself.
func (t *till) choose(of []Promotion, both bool, why map[uuid.UUID]error) *till {
	best := t
	consider := func(some ...Promotion) {
		c := t.clone()
		for _, p := range some {
			if err := c.apply(p); err != nil {
				if len(some) == 1 {
					why[p.ID] = err
				}
				return
			}
		}
		if c.total() > best.total() {
			best = c
		}
	}
	for _, p := range of {
		consider(p)
	}
	for i, p := range of {
		for _, q := range of[:i] {
			if both && p.Stackable && q.Stackable && (p.Code == nil) != (q.Code == nil) {
				consider(q, p)
			}
		}
	}
	return best
}

// at names the code that a refusal is about.
func (r Refusal) at() error {
	f, ok := fault.As(r.Err)
	if !ok {
		return r.Err
	}
	return f.At("couponCodes").With("coupon", *r.Promotion.Code)
}
