package catalog_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	price := domaintest.EUR(12_50)
	in := input(b.photo(b.seller), b.photo(b.seller), b.photo(b.seller), b.photo(b.seller), b.photo(b.seller))
	in.Title, in.Description, in.Price = "  Vase ✨ ", " Two\nlines ", &price
	slices.Reverse(in.Photos) // the order is the seller's
	l, err := b.Create(t.Context(), b.seller, in)
	if err != nil || l.Title != "Vase ✨" || l.Description != "Two\nlines" || *l.Price != price || l.Status != catalog.Active || l.Kind != catalog.OneOff {
		t.Fatalf("%+v, %v", l, err)
	}
	photos, err := b.PhotosByListing(t.Context(), []uuid.UUID{l.ID})
	b.Must(err)
	var order []uuid.UUID
	for _, p := range photos[l.ID] {
		order = append(order, p.ID)
		if p.Status != media.Processing || p.Width != 3 || p.Height != 2 || p.OwnerID != b.seller || p.Image(nil) != nil {
			t.Errorf("%+v", p)
		}
	}
	if !slices.Equal(order, in.Photos) {
		t.Errorf("the photos are %v, want %v", order, in.Photos)
	}
	got, err := b.Get(t.Context(), l.ID)
	if err != nil || got.Title != l.Title || *got.Price != price || !got.CreatedAt.Equal(l.CreatedAt) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.Get(t.Context(), id.New()); !errors.Is(err, catalog.ErrListingNotFound) {
		t.Errorf("no such listing: %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, used := b.photo(b.seller), b.photo(b.seller)
	_, err := b.Create(t.Context(), b.seller, input(used))
	b.Must(err)
	foreign := b.photo(b.User(identity.Seller))
	pending := b.announced("image/png", 10).PhotoID
	many := make([]uuid.UUID, 6)
	for i := range many {
		many[i] = id.New()
	}
	zero, negative := domaintest.EUR(0), domaintest.EUR(-1)
	before := b.Digest()
	for name, c := range map[string]struct {
		change func(*catalog.CreateInput)
		err    error
		field  string
	}{
		"no title":               {func(in *catalog.CreateInput) { in.Title = "" }, catalog.ErrTitleLength, "title"},
		"a short title":          {func(in *catalog.CreateInput) { in.Title = " äb\n" }, catalog.ErrTitleLength, "title"},
		"a long title":           {func(in *catalog.CreateInput) { in.Title = repeated("é", 141) }, catalog.ErrTitleLength, "title"},
		"a title with NUL":       {func(in *catalog.CreateInput) { in.Title = "a\x00bc" }, catalog.ErrTextControl, "title"},
		"a title of two lines":   {func(in *catalog.CreateInput) { in.Title = "ab\ncd" }, catalog.ErrTextControl, "title"},
		"a title not UTF-8":      {func(in *catalog.CreateInput) { in.Title = "abc\xff" }, catalog.ErrTextControl, "title"},
		"a long description":     {func(in *catalog.CreateInput) { in.Description = repeated("é", 5001) }, catalog.ErrDescriptionLength, "description"},
		"a description with NUL": {func(in *catalog.CreateInput) { in.Description = "\x00" }, catalog.ErrTextControl, "description"},
		"a description not UTF-8": {func(in *catalog.CreateInput) {
			in.Description = "caf\xc3"
		}, catalog.ErrTextControl, "description"},
		"no condition":         {func(in *catalog.CreateInput) { in.Condition = "" }, catalog.ErrCondition, "condition"},
		"an unknown condition": {func(in *catalog.CreateInput) { in.Condition = "SHINY" }, catalog.ErrCondition, "condition"},
		"a price of zero":      {func(in *catalog.CreateInput) { in.Price = &zero }, catalog.ErrPricePositive, "price"},
		"a negative price":     {func(in *catalog.CreateInput) { in.Price = &negative }, catalog.ErrPricePositive, "price"},
		"no photo":             {func(in *catalog.CreateInput) { in.Photos = nil }, catalog.ErrPhotoCount, "photoIds"},
		"six photos":           {func(in *catalog.CreateInput) { in.Photos = many }, catalog.ErrPhotoCount, "photoIds"},
		"a photo twice":        {func(in *catalog.CreateInput) { in.Photos = []uuid.UUID{mine, mine} }, catalog.ErrPhotoCount, "photoIds"},
		"another's photo":      {func(in *catalog.CreateInput) { in.Photos = []uuid.UUID{mine, foreign} }, catalog.ErrPhotoUnknown, "photoIds"},
		"a photo not uploaded": {func(in *catalog.CreateInput) { in.Photos = []uuid.UUID{pending} }, catalog.ErrPhotoUnknown, "photoIds"},
		"a photo on a listing": {func(in *catalog.CreateInput) { in.Photos = []uuid.UUID{used} }, catalog.ErrPhotoUnknown, "photoIds"},
		"no such photo":        {func(in *catalog.CreateInput) { in.Photos = []uuid.UUID{id.New()} }, catalog.ErrPhotoUnknown, "photoIds"},
	} {
		in := input(mine)
		c.change(&in)
		_, err := b.Create(t.Context(), b.seller, in)
		if f, _ := fault.As(err); !errors.Is(err, c.err) || !slices.Equal(f.Field, []string{c.field}) {
			t.Errorf("%s: %v, want %v at %s", name, err, c.err, c.field)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal left something")
	}
	longest := input(mine)
	longest.Title, longest.Description = repeated("é", 140), repeated("é", 5000)
	if _, err := b.Create(t.Context(), b.seller, longest); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

// A photo shows one listing, however many want it at once, in whatever order.
func TestPhotoRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 8 {
		one, two := b.photo(b.seller), b.photo(b.seller)
		errs := domaintest.AtOnce(8, func(i int) error {
			in := input(one, two)
			if i%2 == 0 {
				in.Photos = []uuid.UUID{two, one}
			}
			_, err := b.Create(t.Context(), b.seller, in)
			return err
		})
		if codes := domaintest.Codes(errs); codes[""] != 1 || codes["PHOTO_NOT_FOUND"] != 7 {
			t.Errorf("%v", codes)
		}
	}
	if n := b.Int(`SELECT count(*) FROM listing`); n != 8 {
		t.Errorf("%d listings", n)
	}
}

func TestReserve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	listing := b.Listing(b.seller)
	inTx := func(fn func(pgx.Tx) error) error { return postgres.InTx(t.Context(), b.Pool, fn) }
	other := b.User(identity.Seller)
	if err := inTx(func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, listing, other) }); !errors.Is(err, catalog.ErrListingTaken) {
		t.Errorf("another's listing: %v", err)
	}
	errs := domaintest.AtOnce(12, func(int) error {
		return inTx(func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, listing, b.seller) })
	})
	if codes := domaintest.Codes(errs); codes[""] != 1 || codes["LISTING_NOT_AVAILABLE"] != 11 {
		t.Errorf("%v", codes)
	}
	steps := []struct {
		name string
		move func(tx pgx.Tx) error
		want catalog.Status
		ok   bool
	}{
		{"free", func(tx pgx.Tx) error { return b.FreeTx(t.Context(), tx, listing) }, catalog.Active, true},
		{"free what is free", func(tx pgx.Tx) error { return b.FreeTx(t.Context(), tx, listing) }, catalog.Active, false},
		{"sell what is free", func(tx pgx.Tx) error { return b.SellTx(t.Context(), tx, listing) }, catalog.Active, false},
		{"reserve", func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, listing, b.seller) }, catalog.Reserved, true},
		{"sell", func(tx pgx.Tx) error { return b.SellTx(t.Context(), tx, listing) }, catalog.Sold, true},
		{"free what is sold", func(tx pgx.Tx) error { return b.FreeTx(t.Context(), tx, listing) }, catalog.Sold, false},
		{"reserve what is sold", func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, listing, b.seller) }, catalog.Sold, false},
		{"return", func(tx pgx.Tx) error { return b.ReturnTx(t.Context(), tx, listing) }, catalog.Active, true},
		{"return what was not sold", func(tx pgx.Tx) error { return b.ReturnTx(t.Context(), tx, listing) }, catalog.Active, false},
	}
	for _, step := range steps {
		err := inTx(step.move)
		if l, got := b.Get(t.Context(), listing); got != nil || l.Status != step.want || (err == nil) != step.ok {
			t.Errorf("%s: %s, %v", step.name, l.Status, err)
		}
	}
}

// Pages neither skip nor repeat while things are listed, even those of one instant.
func TestListPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var want []uuid.UUID
	for range 7 {
		want = append(want, b.Listing(b.seller))
	}
	b.Exec(`UPDATE listing SET published_at = date_trunc('second', now()) - interval '1 minute'`)
	slices.SortFunc(want, func(x, y uuid.UUID) int { return slices.Compare(y[:], x[:]) })
	three := 3
	args := page.Args{First: &three}
	var got []uuid.UUID
	for {
		p, err := b.List(t.Context(), catalog.Filter{}, args)
		b.Must(err)
		for _, l := range p.Nodes {
			got = append(got, l.ID)
		}
		if !p.HasNext {
			break
		}
		args.After = p.PageInfo().EndCursor
		b.Listing(b.seller)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	bad := "!"
	for name, args := range map[string]page.Args{"a wrong cursor": {After: &bad}, "none": {First: new(int)}} {
		if _, err := b.List(t.Context(), catalog.Filter{}, args); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnMarket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	active, reserved, sold := b.Listing(b.seller), b.Listing(b.seller), b.Listing(b.seller)
	b.Listing(b.User(identity.Seller))
	b.Exec(`UPDATE listing SET status = 'RESERVED' WHERE id = $1`, reserved)
	b.Exec(`UPDATE listing SET status = 'RESERVED' WHERE id = $1`, sold)
	b.Exec(`UPDATE listing SET status = 'SOLD' WHERE id = $1`, sold)
	got, err := b.OnMarket(t.Context(), b.seller)
	if err != nil || len(got) != 2 || got[0].ID != reserved || got[1].ID != active {
		t.Errorf("%+v, %v", got, err)
	}
}
