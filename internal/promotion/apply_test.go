package promotion

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/money"
)

func named(n byte) uuid.UUID { return uuid.UUID{15: n} }

var eur = money.Currency("EUR")

// off is a promotion of a seller's, or of the platform's where it is 0: a share of so many basis points, or an amount where they are 0.
func off(n, seller byte, basisPoints int, cents int64, stackable bool) Promotion {
	p := Promotion{ID: named(n), Currency: eur, Minimum: money.New(0, eur), Kind: Amount, Stackable: stackable}
	if seller > 0 {
		p.SellerID = new(named(seller))
	}
	if basisPoints > 0 {
		p.Kind, p.BasisPoints = Percent, &basisPoints
	} else {
		p.Amount = new(money.New(cents, eur))
	}
	return p
}

func coupon(p Promotion) Promotion {
	p.Code = new("CODE" + string('A'+rune(p.ID[15])))
	return p
}

func cart(groups ...[]int64) (all []Group) {
	for i, lines := range groups {
		g := Group{Seller: named(byte(i + 1))}
		for j, cents := range lines {
			g.Lines = append(g.Lines, Line{Listing: named(byte(100 + 10*i + j)), Amount: cents})
		}
		all = append(all, g)
	}
	return all
}

func TestApply(t *testing.T) {
	t.Parallel()
	type given = map[byte][]int64 // of each promotion, what it takes off of each group
	half, ten, tenFixed := off(1, 1, 5000, 0, true), off(2, 1, 0, 10_00, true), off(3, 1, 0, 10_00, false)
	most := half
	most.Most = new(money.New(7_00, eur))
	dear := ten
	dear.Minimum = money.New(100_01, eur)
	one := ten
	one.Listings = []uuid.UUID{named(101)}
	free := off(4, 1, 0, 1, true)
	free.Kind, free.Amount = FreeShipping, nil
	for name, c := range map[string]struct {
		cart    []Group
		found   []Promotion
		want    given
		refused error
	}{
		"a share":                           {cart([]int64{30_01, 70_00}), []Promotion{half}, given{1: {50_01}}, nil},
		"a share with a maximum":            {cart([]int64{30_01, 70_00}), []Promotion{coupon(most)}, given{1: {7_00}}, nil},
		"never below zero":                  {cart([]int64{3_00}), []Promotion{coupon(ten)}, given{2: {3_00}}, nil},
		"of one listing":                    {cart([]int64{30_00, 4_00}), []Promotion{coupon(one)}, given{2: {4_00}}, nil},
		"another's goods":                   {cart([]int64{}, []int64{30_00}), []Promotion{coupon(ten)}, given{}, ErrNotForThis},
		"a cent too few":                    {cart([]int64{100_00}), []Promotion{coupon(dear)}, given{}, ErrMinimum},
		"both of a seller's":                {cart([]int64{100_00}), []Promotion{half, coupon(ten)}, given{1: {50_00}, 2: {10_00}}, nil},
		"two coupons of a seller's":         {cart([]int64{100_00}), []Promotion{coupon(half), coupon(ten)}, given{1: {50_00}}, ErrNotStackable},
		"a coupon that stands alone":        {cart([]int64{100_00}), []Promotion{half, coupon(tenFixed)}, given{1: {50_00}}, ErrNotStackable},
		"the better of two":                 {cart([]int64{10_00}), []Promotion{half, tenFixed}, given{3: {10_00}}, nil},
		"the platform's after a seller's":   {cart([]int64{100_00}, []int64{100_00}), []Promotion{half, coupon(off(9, 0, 1000, 0, true))}, given{1: {50_00, 0}, 9: {5_00, 10_00}}, nil},
		"the platform's beside what stands": {cart([]int64{100_00}, []int64{100_00}), []Promotion{tenFixed, coupon(off(9, 0, 1000, 0, true))}, given{3: {10_00, 0}, 9: {0, 10_00}}, nil},
		"nothing is left for the platform":  {cart([]int64{100_00}), []Promotion{tenFixed, coupon(off(9, 0, 1000, 0, true))}, given{3: {10_00}}, ErrNotStackable},
		"the platform's amount is divided":  {cart([]int64{1_00}, []int64{2_00}), []Promotion{coupon(off(9, 0, 0, 1_00, false))}, given{9: {33, 67}}, nil},
		"one of the platform's":             {cart([]int64{100_00}), []Promotion{off(8, 0, 0, 1_00, true), off(9, 0, 0, 2_00, true)}, given{9: {2_00}}, nil},
		"shipping that there is not":        {cart([]int64{100_00}), []Promotion{coupon(free)}, given{}, ErrNotForThis},
		"shipping":                          {[]Group{{Seller: named(1), Lines: []Line{{Amount: 5_00}}, Shipping: 4_90}}, []Promotion{coupon(free)}, given{4: {4_90}}, nil},
	} {
		discounts, refused := Apply(c.cart, c.found)
		for _, d := range discounts {
			n := d.Promotion.ID[15]
			if d.Amount <= 0 || c.want[n] == nil || c.want[n][d.Group] != d.Amount {
				t.Errorf("%s: %d takes %d off of group %d, want %v", name, n, d.Amount, d.Group, c.want)
			} else {
				c.want[n][d.Group] = 0
			}
		}
		for n, rest := range c.want {
			for _, cents := range rest {
				if cents != 0 {
					t.Errorf("%s: %d does not take %d off", name, n, cents)
				}
			}
		}
		switch {
		case c.refused == nil && len(refused) > 0:
			t.Errorf("%s: %v", name, refused[0].Err)
		case c.refused != nil && (len(refused) == 0 || !errors.Is(refused[0].Err, c.refused)):
			t.Errorf("%s: %+v, want %v", name, refused, c.refused)
		}
	}
}

// Whatever there is: no line goes below zero, a promotion takes off what it says at most, of what it covers alone; each seller has two at most and the platform one; what stands alone does.
func TestApplyHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var groups []Group
		for i := range rapid.IntRange(1, 4).Draw(t, "groups") {
			g := Group{Seller: named(byte(rapid.IntRange(1, 3).Draw(t, "seller"))), Shipping: rapid.Int64Range(0, 9_00).Draw(t, "shipping")}
			for j := range rapid.IntRange(1, 4).Draw(t, "lines") {
				g.Lines = append(g.Lines, Line{Listing: named(byte(100 + 10*i + j)), Amount: rapid.Int64Range(0, 1<<50).Draw(t, "amount")})
			}
			groups = append(groups, g)
		}
		var found []Promotion
		for n := range rapid.IntRange(0, 6).Draw(t, "promotions") {
			share := 0
			if rapid.Bool().Draw(t, "share") {
				share = rapid.IntRange(1, 10_000).Draw(t, "basis points")
			}
			p := off(byte(n+1), byte(rapid.IntRange(0, 3).Draw(t, "funder")), share, rapid.Int64Range(1, 1<<51).Draw(t, "cents"), rapid.Bool().Draw(t, "stackable"))
			if rapid.Bool().Draw(t, "some") {
				p.Listings = []uuid.UUID{named(byte(100 + 10*rapid.IntRange(0, 3).Draw(t, "of")))}
			}
			if rapid.Bool().Draw(t, "coupon") {
				p = coupon(p)
			}
			found = append(found, p)
		}
		discounts, refused := Apply(groups, found)
		perGroup, sum, of := make([]int64, len(groups)), map[uuid.UUID]int64{}, make([][]Promotion, len(groups))
		for _, d := range discounts {
			perGroup[d.Group] += d.Amount
			sum[d.Promotion.ID] += d.Amount
			of[d.Group] = append(of[d.Group], d.Promotion)
			covered := int64(0)
			for _, l := range groups[d.Group].Lines {
				if d.Promotion.covers(groups[d.Group], l) {
					covered += l.Amount
				}
			}
			if d.Amount <= 0 || d.Amount > covered {
				t.Fatalf("%d of what covers %d", d.Amount, covered)
			}
		}
		for i, g := range groups {
			all := int64(0)
			for _, l := range g.Lines {
				all += l.Amount
			}
			sellers, platforms := 0, 0
			for _, p := range of[i] {
				if p.ByPlatform() {
					platforms++
				} else {
					sellers++
				}
				if !p.Stackable && len(of[i]) > 1 {
					t.Fatalf("%v does not stand alone", p.ID)
				}
			}
			if perGroup[i] > all || sellers > 2 || platforms > 1 {
				t.Fatalf("group %d of %d: %d off, by %d of the seller's and %d of the platform's", i, all, perGroup[i], sellers, platforms)
			}
		}
		used := map[uuid.UUID]bool{}
		for _, p := range found {
			if p.Amount != nil && sum[p.ID] > p.Amount.Minor {
				t.Fatalf("%d of %s", sum[p.ID], p.Amount)
			}
			used[p.ID] = sum[p.ID] > 0
		}
		for _, r := range refused {
			if used[r.Promotion.ID] || r.Promotion.Code == nil || r.Err == nil {
				t.Fatalf("%+v is refused", r)
			}
		}
	})
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" eid-2026 ": "EID2026", "EID2026": "EID2026", "e i d": "EID", "ab": "", "": "", "a_b_c": "", "ßßß": "", "٣٣٣": "", "ünd": "", "a\x00bc": "",
		"A234567890123456789012345678901234567890": "A234567890123456789012345678901234567890", "A2345678901234567890123456789012345678901": "",
	} {
		if got := Normalise(typed); got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}
