package shipping

import (
	"strconv"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/money"
)

// Each line of the table can be read, and the rows of one zone rise.
func TestTheTariffsAreWhole(t *testing.T) {
	t.Parallel()
	var zone string
	var before [2]int
	for i, line := range strings.Split(strings.TrimSpace(tariffs), "\n") {
		if i == 0 {
			continue
		}
		f := strings.Split(line, ",")
		if len(f) != 6 {
			t.Fatalf("line %d has %d fields", i+1, len(f))
		}
		grams, err1 := strconv.Atoi(f[3])
		cents, err2 := strconv.Atoi(f[4])
		_, err3 := money.ParseCurrency(f[5])
		if err1 != nil || err2 != nil || err3 != nil || grams <= 0 || cents <= 0 {
			t.Errorf("line %d: %s", i+1, line)
		}
		if of := strings.Join(f[:3], ","); of != zone {
			zone, before = of, [2]int{}
		}
		if grams <= before[0] || cents <= before[1] {
			t.Errorf("line %d does not rise: %s", i+1, line)
		}
		before = [2]int{grams, cents}
	}
	for _, c := range []struct {
		country string
		grams   int
		cents   int64
	}{{"FR", 1, 419}, {"FR", 250, 419}, {"FR", 251, 459}, {"FR", 30_000, 2099}, {"FR", 30_001, 0}, {"ES", 100, 649}, {"BE", 1000, 599}} {
		if got, ok := Cost("MONDIAL_RELAY", "24R", c.country, c.grams); ok != (c.cents > 0) || got.Minor != c.cents {
			t.Errorf("%s %d g: %v, %t", c.country, c.grams, got, ok)
		}
	}
	if _, ok := Cost("PIGEON", "24R", "FR", 1); ok {
		t.Error("a pigeon has a price")
	}
}
