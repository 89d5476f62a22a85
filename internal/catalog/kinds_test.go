package catalog_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
)

func eur(cents int64) *money.Amount { return new(domaintest.EUR(cents)) }

// shirt is a product in two sizes.
func (b *bundle) shirt() catalog.CreateInput {
	in := input(b.photo(b.seller))
	in.Kind, in.OptionNames = catalog.Retail, []string{"Size"}
	in.Variants = []catalog.VariantInput{
		{SKU: new("TEE-M"), Options: []string{"M"}, Price: eur(19_00)},
		{Options: []string{"L"}, Price: eur(17_00)},
	}
	return in
}

// made is a listing that has to be taken.
func (b *bundle) made(in catalog.CreateInput) catalog.Listing {
	b.T.Helper()
	l, err := b.Create(b.Ctx(), b.seller, in)
	b.Must(err)
	return l
}

func (b *bundle) variants(listing uuid.UUID) []catalog.Variant {
	b.T.Helper()
	found, err := b.VariantsByListing(b.Ctx(), []uuid.UUID{listing})
	b.Must(err)
	return found[listing]
}

// Each kind is sold in its own way, and has the price that goes with it.
func TestKinds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		kind  catalog.Kind
		price *money.Amount
		want  error
	}{
		"a one-off with a price":     {catalog.OneOff, eur(5_00), nil},
		"a one-off by auction":       {catalog.OneOff, nil, nil},
		"a giveaway":                 {catalog.Giveaway, eur(0), nil},
		"a giveaway with a price":    {catalog.Giveaway, eur(1), catalog.ErrPriceOfGiveaway},
		"a giveaway without one":     {catalog.Giveaway, nil, catalog.ErrPriceMissing},
		"a lot":                      {catalog.AuctionLot, nil, nil},
		"a lot with a price":         {catalog.AuctionLot, eur(5_00), catalog.ErrPriceOfLot},
		"a product in one form":      {catalog.Retail, eur(5_00), nil},
		"a product for nothing":      {catalog.Retail, eur(0), catalog.ErrPricePositive},
		"a product without a price":  {catalog.Retail, nil, catalog.ErrPriceMissing},
		"a code":                     {catalog.DigitalCode, eur(5_00), nil},
		"a code without a price":     {catalog.DigitalCode, nil, catalog.ErrPriceMissing},
		"a kind that does not exist": {"RENTAL", eur(5_00), catalog.ErrKind},
	} {
		in := input(b.photo(b.seller))
		in.Kind, in.Price = c.kind, c.price
		l, err := b.Create(t.Context(), b.seller, in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil {
			continue
		}
		own := b.variants(l.ID)
		if len(own) != 1 || c.kind.Once() != (own[0].ID == l.ID) || (c.price == nil) != (own[0].Price == nil) {
			t.Errorf("%s: its variants are %+v", name, own)
		}
	}
}

func TestVariantsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.made(b.shirt())
	good := b.shirt()
	good.Variants[0].SKU = nil
	before := b.Digest()
	for name, c := range map[string]struct {
		change func(in *catalog.CreateInput)
		err    error
		field  string
	}{
		"of what exists once":       {func(in *catalog.CreateInput) { in.Kind = catalog.OneOff }, catalog.ErrVariantsOfKind, "variants"},
		"with a price above them":   {func(in *catalog.CreateInput) { in.Price = eur(1_00) }, catalog.ErrPriceOfVariants, "price"},
		"without a price":           {func(in *catalog.CreateInput) { in.Variants[1].Price = nil }, catalog.ErrPriceMissing, "price"},
		"in two currencies":         {func(in *catalog.CreateInput) { in.Variants[1].Price = &money.Amount{Minor: 1, Currency: "USD"} }, catalog.ErrCurrencyMixed, "variants.1.price"},
		"without their option":      {func(in *catalog.CreateInput) { in.Variants[1].Options = nil }, catalog.ErrOption, "variants.1.options"},
		"with an option of nothing": {func(in *catalog.CreateInput) { in.Variants[1].Options = []string{" "} }, catalog.ErrOption, "variants.1.options.0"},
		"the same twice":            {func(in *catalog.CreateInput) { in.Variants[1].Options = []string{"M"} }, catalog.ErrVariantTwice, "variants.1.options"},
		"four options":              {func(in *catalog.CreateInput) { in.OptionNames = []string{"A", "B", "C", "D"} }, catalog.ErrOption, "optionNames"},
		"an option twice":           {func(in *catalog.CreateInput) { in.OptionNames = []string{"A", "A"} }, catalog.ErrOption, "optionNames"},
		"a SKU that is there":       {func(in *catalog.CreateInput) { in.Variants[1].SKU = new("TEE-M") }, catalog.ErrSKUTaken, "variants.1.sku"},
		"a SKU with a space":        {func(in *catalog.CreateInput) { in.Variants[0].SKU = new("A B") }, catalog.ErrSKU, "variants.0.sku"},
		"a SKU of nothing":          {func(in *catalog.CreateInput) { in.Variants[0].SKU = new("") }, catalog.ErrSKU, "variants.0.sku"},
		"a SKU of 65":               {func(in *catalog.CreateInput) { in.Variants[0].SKU = new(repeated("x", 65)) }, catalog.ErrSKU, "variants.0.sku"},
		"a SKU in Arabic":           {func(in *catalog.CreateInput) { in.Variants[0].SKU = new("قميص") }, catalog.ErrSKU, "variants.0.sku"},
		"a hundred and one": {func(in *catalog.CreateInput) {
			for i := range 99 {
				in.Variants = append(in.Variants, catalog.VariantInput{Options: []string{strconv.Itoa(i)}, Price: eur(1)})
			}
		}, catalog.ErrVariantCount, "variants"},
	} {
		in := good
		in.OptionNames, in.Variants = slices.Clone(good.OptionNames), slices.Clone(good.Variants)
		c.change(&in)
		_, err := b.Create(t.Context(), b.seller, in)
		if f, _ := fault.As(err); !errors.Is(err, c.err) || strings.Join(f.Field, ".") != c.field {
			t.Errorf("%s: %v at %v, want %v at %s", name, err, f, c.err, c.field)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal left something")
	}
	other := b.User(identity.Seller)
	in := b.shirt()
	in.Photos = []uuid.UUID{b.photo(other)}
	if _, err := b.Create(t.Context(), other, in); err != nil {
		t.Errorf("another seller's SKU of that name: %v", err)
	}
}

// The listing has the lowest of its variants' prices, and every price that one has had is kept.
func TestPrices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.made(b.shirt())
	want := func(cents int64) {
		t.Helper()
		if l, err := b.Get(t.Context(), l.ID); err != nil || *l.Price != *eur(cents) {
			t.Errorf("the price is %v, %v, want %d", l.Price, err, cents)
		}
	}
	want(17_00)
	medium, large := b.variants(l.ID)[0], b.variants(l.ID)[1]
	b.Must2(b.UpdateVariant(t.Context(), b.seller, large.ID, catalog.VariantChange{Price: eur(21_00)}))
	want(19_00)
	b.Must2(b.AddVariant(t.Context(), b.seller, l.ID, catalog.VariantInput{SKU: new("TEE-S"), Options: []string{"S"}, Price: eur(12_00)}))
	want(12_00)
	small := b.variants(l.ID)[2]
	b.Must2(b.RetireVariant(t.Context(), b.seller, small.ID))
	want(19_00)
	b.Must2(b.UpdateVariant(t.Context(), b.seller, large.ID, catalog.VariantChange{SKU: new("TEE-S")})) // the retired one's
	history, err := b.PriceHistory(t.Context(), large.ID, page.Args{})
	if err != nil || len(history.Nodes) != 2 || *history.Nodes[0].Price != *eur(21_00) || *history.Nodes[1].Price != *eur(17_00) {
		t.Errorf("the large one's prices: %+v, %v", history.Nodes, err)
	}
	for name, c := range map[string]struct {
		err, want error
	}{
		"of two variants":      {second(b.Update(t.Context(), b.seller, l.ID, catalog.UpdateInput{Price: eur(1)})), catalog.ErrPriceOfVariants},
		"in another currency":  {second(b.UpdateVariant(t.Context(), b.seller, medium.ID, catalog.VariantChange{Price: &money.Amount{Minor: 1, Currency: "USD"}})), catalog.ErrCurrencyMixed},
		"of nothing":           {second(b.UpdateVariant(t.Context(), b.seller, medium.ID, catalog.VariantChange{Price: eur(0)})), catalog.ErrPricePositive},
		"another's SKU":        {second(b.UpdateVariant(t.Context(), b.seller, medium.ID, catalog.VariantChange{SKU: new("TEE-S")})), catalog.ErrSKUTaken},
		"a retired one's":      {second(b.UpdateVariant(t.Context(), b.seller, small.ID, catalog.VariantChange{Price: eur(1)})), catalog.ErrVariantNotFound},
		"another seller's":     {second(b.UpdateVariant(t.Context(), b.User(identity.Seller), medium.ID, catalog.VariantChange{Price: eur(1)})), catalog.ErrVariantNotFound},
		"added, without price": {second(b.AddVariant(t.Context(), b.seller, l.ID, catalog.VariantInput{Options: []string{"XS"}})), catalog.ErrPriceMissing},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("a price %s: %v, want %v", name, c.err, c.want)
		}
	}
	b.Must2(b.RetireVariant(t.Context(), b.seller, large.ID))
	if _, err := b.RetireVariant(t.Context(), b.seller, medium.ID); !errors.Is(err, catalog.ErrVariantLast) {
		t.Errorf("the last one: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// Prices that change at once are both counted: the lowest is the lowest of what is there then.
func TestPricesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.made(b.shirt())
	variants := b.variants(l.ID)
	for i := range 20 {
		for _, err := range domaintest.AtOnce(2, func(n int) error {
			return second(b.UpdateVariant(t.Context(), b.seller, variants[n].ID, catalog.VariantChange{Price: eur(int64(1000 + (i*7+n*13)%50))}))
		}) {
			b.Must(err)
		}
		if n := b.Int(`SELECT count(*) FROM listing l WHERE l.price <> (SELECT min(price) FROM variant v WHERE v.listing_id = l.id)`); n != 0 {
			t.Fatalf("after %d rounds the price is not the lowest", i)
		}
	}
}

// A draft is written until it is complete, and published once.
func TestDraftToMarket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.shirt()
	photos := in.Photos
	in.Draft, in.Photos, in.Variants[0].Price = true, nil, nil
	l := b.made(in)
	if l.Status != catalog.Draft || l.PublishedAt != nil {
		t.Errorf("a draft is %+v", l)
	}
	refuse := func(want error) {
		t.Helper()
		if _, err := b.Publish(t.Context(), b.seller, l.ID); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	refuse(catalog.ErrPhotoCount)
	b.Must2(b.Update(t.Context(), b.seller, l.ID, catalog.UpdateInput{Photos: photos, Title: new("A better word")}))
	refuse(catalog.ErrPriceMissing)
	b.Must2(b.UpdateVariant(t.Context(), b.seller, b.variants(l.ID)[0].ID, catalog.VariantChange{Price: eur(20_00)}))
	published, err := b.Publish(t.Context(), b.seller, l.ID)
	if err != nil || published.Status != catalog.Active || published.PublishedAt == nil || published.Title != "A better word" || *published.Price != *eur(17_00) {
		t.Errorf("%+v, %v", published, err)
	}
	if again, err := b.Publish(t.Context(), b.seller, l.ID); err != nil || !again.PublishedAt.Equal(*published.PublishedAt) {
		t.Errorf("published twice: %+v, %v", again, err)
	}
	if _, err := b.Update(t.Context(), b.seller, l.ID, catalog.UpdateInput{Photos: []uuid.UUID{}}); !errors.Is(err, catalog.ErrPhotoCount) {
		t.Errorf("on the market without a photo: %v", err)
	}
	ended, err := b.Service.End(t.Context(), b.seller, l.ID)
	if err != nil || ended.Status != catalog.Ended {
		t.Errorf("%+v, %v", ended, err)
	}
	if back, err := b.Publish(t.Context(), b.seller, l.ID); err != nil || back.Status != catalog.Active {
		t.Errorf("published again: %+v, %v", back, err)
	}
	stranger := b.User(identity.Seller)
	for name, call := range map[string]func(seller uuid.UUID) error{
		"publish":   func(u uuid.UUID) error { return second(b.Publish(t.Context(), u, l.ID)) },
		"end":       func(u uuid.UUID) error { return second(b.Service.End(t.Context(), u, l.ID)) },
		"update":    func(u uuid.UUID) error { return second(b.Update(t.Context(), u, l.ID, catalog.UpdateInput{})) },
		"duplicate": func(u uuid.UUID) error { return second(b.Duplicate(t.Context(), u, l.ID)) },
		"add":       func(u uuid.UUID) error { return second(b.AddVariant(t.Context(), u, l.ID, catalog.VariantInput{})) },
	} {
		if err := call(stranger); !errors.Is(err, catalog.ErrListingNotFound) {
			t.Errorf("%s of another's listing: %v", name, err)
		}
	}
}

func TestDuplicate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.made(b.shirt())
	copied, err := b.Duplicate(t.Context(), b.seller, l.ID)
	if err != nil || copied.ID == l.ID || copied.Status != catalog.Draft || copied.Title != l.Title || *copied.Price != *l.Price {
		t.Fatalf("%+v, %v", copied, err)
	}
	for i, v := range b.variants(copied.ID) {
		if like := b.variants(l.ID)[i]; v.SKU != nil || !slices.Equal(v.OptionValues, like.OptionValues) || *v.Price != *like.Price {
			t.Errorf("variant %d is %+v", i, v)
		}
	}
	single, err := b.Duplicate(t.Context(), b.seller, b.made(input(b.photo(b.seller))).ID)
	if err != nil || len(b.variants(single.ID)) != 1 {
		t.Errorf("%+v, %v", single, err)
	}
}

// What is hidden goes on beneath, and is restored as what it has become.
func TestHiddenGoesOnBeneath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	support := b.User(identity.Support)
	l := b.made(input(b.photo(b.seller)))
	in := func(do func(tx pgx.Tx) error) {
		t.Helper()
		b.Must(postgres.InTx(t.Context(), b.Pool, do))
	}
	in(func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, l.ID, b.seller) })
	b.Must2(b.Hide(t.Context(), support, l.ID, "A counterfeit"))
	in(func(tx pgx.Tx) error { return b.SellTx(t.Context(), tx, l.ID) })
	if hidden, err := b.Get(t.Context(), l.ID); err != nil || hidden.Status != catalog.Hidden {
		t.Errorf("%+v, %v", hidden, err)
	}
	if restored, err := b.Restore(t.Context(), support, l.ID, "It is genuine"); err != nil || restored.Status != catalog.Sold {
		t.Errorf("%+v, %v", restored, err)
	}
	b.Must2(b.Hide(t.Context(), support, l.ID, "Once more"))
	in(func(tx pgx.Tx) error { return b.ReturnTx(t.Context(), tx, l.ID) })
	if err := postgres.InTx(t.Context(), b.Pool, func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, l.ID, b.seller) }); !errors.Is(err, catalog.ErrListingTaken) {
		t.Errorf("a hidden one is auctioned: %v", err)
	}
	if _, err := b.Update(t.Context(), b.seller, l.ID, catalog.UpdateInput{Title: new("Another name")}); !errors.Is(err, catalog.ErrMove) {
		t.Errorf("a hidden one is changed: %v", err)
	}
	if _, err := b.Service.End(t.Context(), b.seller, l.ID); !errors.Is(err, catalog.ErrMove) {
		t.Errorf("a hidden one is ended: %v", err)
	}
	if restored, err := b.Restore(t.Context(), support, l.ID, "It is genuine"); err != nil || restored.Status != catalog.Active {
		t.Errorf("%+v, %v", restored, err)
	}
	if n := b.Int(`SELECT count(*) FROM admin_action WHERE action IN ('LISTING_HIDDEN', 'LISTING_RESTORED') AND actor_id = $1`, support); n != 4 {
		t.Errorf("%d actions are recorded", n)
	}
	draft := b.draft()
	before := b.Digest()
	for name, err := range map[string]error{
		"restored twice":   second(b.Restore(t.Context(), support, l.ID, "Again")),
		"without a reason": second(b.Hide(t.Context(), support, l.ID, " ")),
		"of nothing":       second(b.Hide(t.Context(), support, uuid.New(), "x")),
		"a draft":          second(b.Hide(t.Context(), support, draft, "x")),
	} {
		if fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.Digest() != before {
		t.Error("a refusal left something")
	}
}

// draft is the id of a draft.
func (b *bundle) draft() uuid.UUID {
	b.T.Helper()
	in := input()
	in.Draft = true
	return b.made(in).ID
}

// An edit, an end and an auction at once: what the auction took is not changed behind its back.
func TestEditAgainstReserve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 20 {
		l := b.made(input(b.photo(b.seller)))
		errs := domaintest.AtOnce(2, func(n int) error {
			if n == 0 {
				return second(b.Service.End(t.Context(), b.seller, l.ID))
			}
			return postgres.InTx(t.Context(), b.Pool, func(tx pgx.Tx) error { return b.ReserveTx(t.Context(), tx, l.ID, b.seller) })
		})
		codes := domaintest.Codes(errs)
		if codes[""] != 1 || codes["LISTING_STATUS"]+codes["LISTING_NOT_AVAILABLE"] != 1 {
			t.Errorf("%v", codes)
		}
	}
}

// The database refuses what the code never does.
func TestListingGuards(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := b.made(b.shirt())
	for name, statement := range map[string]string{
		"a product is sold as a whole":   `UPDATE listing SET status = 'RESERVED'`,
		"it is a draft again":            `UPDATE listing SET status = 'DRAFT'`,
		"it is another's":                `UPDATE listing SET seller_id = gen_random_uuid()`,
		"it is of another kind":          `UPDATE listing SET kind = 'LOT'`,
		"it is gone":                     `DELETE FROM listing`,
		"it was hidden from nowhere":     `UPDATE listing SET status = 'HIDDEN', hidden_from = 'ENDED'`,
		"a price of the past is changed": `UPDATE price_change SET price = 1`,
		"a price of the past is gone":    `DELETE FROM price_change`,
		"two currencies":                 `UPDATE variant SET currency = 'USD' WHERE sku IS NULL`,
		"a move of its own":              `UPDATE listing SET status = 'SOLD'`,
	} {
		if _, err := b.Admin.Exec(t.Context(), statement); err == nil {
			t.Errorf("%s", name)
		}
	}
	if _, err := b.Pool.Exec(t.Context(), `INSERT INTO listing_move VALUES ('DRAFT', 'SOLD')`); err == nil {
		t.Error("a server allows itself a move")
	}
	if now, err := b.Get(t.Context(), l.ID); err != nil || now.Status != catalog.Active {
		t.Errorf("%+v, %v", now, err)
	}
}
