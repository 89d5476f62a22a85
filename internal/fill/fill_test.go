package fill_test

import (
	"errors"
	"testing"

	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fill"
)

// digests are of what fill writes, without times and numbers that hang on them.
var digests = map[string]string{
	"listing":   `SELECT count(*) FROM listing`,
	"words":     `SELECT sum(hashtext(title || coalesce(price, -1) || status || kind || coalesce(published_at IS NULL, true))::bigint) FROM listing`,
	"variants":  `SELECT sum(hashtext(position || coalesce(sku, '') || option_values::text || coalesce(price::text, '') || coalesce(currency, ''))::bigint) FROM variant`,
	"history":   `SELECT sum(hashtext(price || currency)::bigint) FROM price_change`,
	"stock":     `SELECT sum(hashtext(on_hand || ' ' || number || ' ' || reserved)::bigint) FROM stock`,
	"movements": `SELECT sum(hashtext(number || kind || quantity || ' ' || on_hand)::bigint) FROM stock_movement`,
	"documents": `SELECT sum(hashtext(listed::text || banned || coalesce(price, -1) || coalesce(currency, '') || facets::text || words::text || coalesce(x, 0))::bigint) FROM search_document`,
	"known":     `SELECT sum(hashtext(word)::bigint) FROM search_word`,
}

// Rows that are written in bulk are those that the triggers make, one by one.
func TestBulkIsWhatTriggersMake(t *testing.T) {
	t.Parallel()
	quick, slow := domaintest.New(t), domaintest.New(t)
	quick.Must(fill.Run(t.Context(), quick.Admin, 300, true))
	slow.Must(fill.Run(t.Context(), slow.Admin, 300, false))
	for what, digest := range digests {
		if q, s := quick.Int(digest), slow.Int(digest); q != s {
			t.Errorf("%s differ: %d in bulk, %d by triggers", what, q, s)
		}
	}
	for _, w := range []*domaintest.World{quick, slow} {
		w.Audited()
		if n := w.Int(`SELECT search_rebuild()`); n != 0 {
			t.Errorf("%d documents are not what they have to be", n)
		}
	}
	// And the triggers are back.
	quick.Listing(quick.User("SELLER"))
	if n := quick.Int(`SELECT count(*) FROM search_document`); n != 301 {
		t.Errorf("%d documents", n)
	}
	quick.Must(fill.Run(t.Context(), quick.Admin, 50, true)) // and once more
	if n := quick.Int(`SELECT count(*) FROM listing`); n != 351 {
		t.Errorf("%d listings", n)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	w := domaintest.New(t)
	for _, n := range []int{0, -1, fill.Most + 1} {
		if err := fill.Run(t.Context(), w.Admin, n, true); !errors.Is(err, fill.ErrSize) {
			t.Errorf("%d: %v", n, err)
		}
	}
}
