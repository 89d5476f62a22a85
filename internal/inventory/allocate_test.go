package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// The last byte of an id stands for it.
func numbered(kind, n byte) uuid.UUID { return uuid.UUID{0: kind, 15: n} }

func variantNo(n byte) uuid.UUID { return numbered('v', n) }

func placeNo(n byte) uuid.UUID { return numbered('l', n) }

func written(taken []Taken) string {
	var out strings.Builder
	for _, t := range taken {
		fmt.Fprintf(&out, "%d of %d at %d; ", t.Quantity, t.Variant[15], t.Location[15])
	}
	return out.String()
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	shelf := func(variant, place byte, region string, free int32) Shelf {
		return Shelf{variantNo(variant), placeNo(place), region, free}
	}
	for name, c := range map[string]struct {
		wants   []Want
		shelves []Shelf
		want    string
		short   byte // the variant of which there is not enough
	}{
		"one place":                     {[]Want{{variantNo(1), 2}}, []Shelf{shelf(1, 1, "FR", 2)}, "2 of 1 at 1; ", 0},
		"one too many":                  {[]Want{{variantNo(1), 3}}, []Shelf{shelf(1, 1, "FR", 2)}, "", 1},
		"nowhere":                       {[]Want{{variantNo(1), 1}}, nil, "", 1},
		"nothing left":                  {[]Want{{variantNo(1), 1}}, []Shelf{shelf(1, 1, "FR", 0)}, "", 1},
		"the nearest":                   {[]Want{{variantNo(1), 1}}, []Shelf{shelf(1, 1, "MA", 9), shelf(1, 2, "FR", 1), shelf(1, 3, "FR", 9)}, "1 of 1 at 2; ", 0},
		"the first, where none is near": {[]Want{{variantNo(1), 1}}, []Shelf{shelf(1, 1, "MA", 1), shelf(1, 2, "DE", 9)}, "1 of 1 at 1; ", 0},
		"another region":                {[]Want{{variantNo(1), 3}}, []Shelf{shelf(1, 1, "FR", 2), shelf(1, 2, "MA", 3)}, "3 of 1 at 2; ", 0},
		"one parcel for two things": {
			[]Want{{variantNo(1), 1}, {variantNo(2), 1}},
			[]Shelf{shelf(1, 1, "FR", 1), shelf(2, 2, "FR", 1), shelf(1, 3, "MA", 1), shelf(2, 3, "MA", 1)}, "1 of 1 at 3; 1 of 2 at 3; ", 0,
		},
		"a split": {
			[]Want{{variantNo(1), 5}}, []Shelf{shelf(1, 1, "FR", 2), shelf(1, 2, "MA", 3), shelf(1, 3, "MA", 1)}, "3 of 1 at 2; 2 of 1 at 1; ", 0,
		},
		"one line is short": {
			[]Want{{variantNo(1), 1}, {variantNo(2), 2}}, []Shelf{shelf(1, 1, "FR", 1), shelf(2, 1, "FR", 1)}, "", 2,
		},
	} {
		taken, short, ok := Allocate(c.wants, c.shelves, "FR")
		if written(taken) != c.want || short[15] != c.short || ok != (c.short == 0) {
			t.Errorf("%s: %s, short of %d, %v", name, written(taken), short[15], ok)
		}
	}
}

// Whatever lies where: what is taken is what was wanted, no place gives more than it has, and it fails only where there is not enough.
func TestAllocateAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var wants []Want
		for v := range byte(rapid.IntRange(1, 4).Draw(t, "variants")) {
			wants = append(wants, Want{variantNo(v), rapid.Int32Range(1, 6).Draw(t, "quantity")})
		}
		var shelves []Shelf
		free, total := map[Taken]int32{}, map[uuid.UUID]int32{}
		for l := range byte(rapid.IntRange(0, 4).Draw(t, "places")) {
			for _, w := range wants {
				n := rapid.Int32Range(-1, 5).Draw(t, "free")
				shelves = append(shelves, Shelf{w.Variant, placeNo(l), rapid.SampledFrom([]string{"FR", "MA"}).Draw(t, "region"), n})
				free[Taken{Want{w.Variant, 0}, placeNo(l)}] += max(n, 0)
				total[w.Variant] += max(n, 0)
			}
		}
		taken, _, ok := Allocate(wants, shelves, "FR")
		enough := true
		got := map[uuid.UUID]int32{}
		for _, x := range taken {
			got[x.Variant] += x.Quantity
			if x.Quantity > free[Taken{Want{x.Variant, 0}, x.Location}] {
				t.Fatalf("a place gives more than it has: %s", written(taken))
			}
		}
		for _, w := range wants {
			enough = enough && total[w.Variant] >= w.Quantity
			if ok && got[w.Variant] != w.Quantity {
				t.Fatalf("%d of %d: %s", got[w.Variant], w.Quantity, written(taken))
			}
		}
		if ok != enough {
			t.Fatalf("enough: %v, taken: %s", enough, written(taken))
		}
	})
}
