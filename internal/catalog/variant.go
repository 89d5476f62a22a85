package catalog

import (
	"context"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

const (
	maxVariants   = 100
	maxOptions    = 3
	maxOptionText = 40
	maxSKU        = 64
	maxGrams      = 1_000_000
)

// Variant is what is bought: one of those in which a listing comes. What exists once has one, under the listing's own number.
type Variant struct {
	ID           uuid.UUID
	ListingID    uuid.UUID
	SellerID     uuid.UUID
	SKU          *string
	OptionValues []string // in the order of the listing's option names
	Price        *money.Amount
	Grams        *int // what one weighs as it is sent; nil where its seller has not said so
	RetiredAt    *time.Time
}

// NodeID is the id that clients see.
func (v Variant) NodeID() id.ID { return id.Variant.ID(v.ID) }

func variantOf(row db.Variant) Variant {
	v := Variant{
		ID: row.ID, ListingID: row.ListingID, SellerID: row.SellerID, SKU: row.Sku, OptionValues: row.OptionValues,
		Price: amountOf(row.Price, row.Currency), RetiredAt: row.RetiredAt,
	}
	if row.Grams != nil {
		v.Grams = new(int(*row.Grams))
	}
	return v
}

// VariantInput describes a variant.
type VariantInput struct {
	SKU     *string // unique among its seller's
	Options []string
	Price   *money.Amount
	Grams   *int // what one weighs as it is sent; nil where its seller does not say so
}

// row is a variant of a listing as it is written.
func (in VariantInput) row(l db.Listing, position int) db.VariantInsertParams {
	price, currency := columnsOf(in.Price)
	return db.VariantInsertParams{
		ID: id.New(), ListingID: l.ID, SellerID: l.SellerID, Position: int16(position), Sku: in.SKU, OptionValues: in.Options,
		Price: price, Currency: currency, Grams: gramsColumn(in.Grams),
	}
}

// gramsColumn is a weight as its column has it.
func gramsColumn(grams *int) *int32 {
	if grams == nil {
		return nil
	}
	return new(int32(*grams))
}

func checkGrams(grams *int) error {
	if grams != nil && (*grams < 1 || *grams > maxGrams) {
		return ErrGrams.At("grams")
	}
	return nil
}

// validateVariants checks prices and variants, and gives a product that comes in one form its only variant.
func (in *CreateInput) validateVariants() error {
	if in.Kind.Once() {
		if len(in.Variants) > 0 || len(in.OptionNames) > 0 {
			return ErrVariantsOfKind.At("variants")
		}
		in.OptionNames = []string{}
		return checkPrice(in.Kind, in.Price)
	}
	if err := checkOptionNames(in.OptionNames); err != nil {
		return err
	}
	if len(in.Variants) == 0 {
		in.Variants = []VariantInput{{Price: in.Price}}
	} else if in.Price != nil {
		return ErrPriceOfVariants.At("price")
	}
	if len(in.Variants) > maxVariants {
		return ErrVariantCount.At("variants")
	}
	in.OptionNames = append([]string{}, in.OptionNames...) // never nil
	return checkVariants(in.Kind, in.OptionNames, in.Variants)
}

func checkOptionNames(names []string) error {
	if len(names) > maxOptions || len(distinct(names)) != len(names) {
		return ErrOption.At("optionNames")
	}
	for i := range names {
		names[i] = text.Clean(names[i])
		if !isOption(names[i]) {
			return ErrOption.At("optionNames", strconv.Itoa(i))
		}
	}
	return nil
}

func checkVariants(kind Kind, names []string, variants []VariantInput) error {
	currency := money.Currency("")
	for i := range variants {
		v, at := &variants[i], strconv.Itoa(i)
		if err := v.check(kind, len(names)); err != nil {
			return within(err, "variants", at)
		}
		if v.Price == nil {
			continue
		}
		if currency != "" && v.Price.Currency != currency {
			return ErrCurrencyMixed.At("variants", at, "price")
		}
		currency = v.Price.Currency
	}
	return nil
}

// check looks at one variant of a listing that differs in so many options, and cleans it.
func (in *VariantInput) check(kind Kind, options int) error {
	if in.Options = append([]string{}, in.Options...); len(in.Options) != options {
		return ErrOption.At("options")
	}
	for i := range in.Options {
		in.Options[i] = text.Clean(in.Options[i])
		if !isOption(in.Options[i]) {
			return ErrOption.At("options", strconv.Itoa(i))
		}
	}
	if in.SKU != nil && !isSKU(*in.SKU) {
		return ErrSKU.At("sku")
	}
	if err := checkGrams(in.Grams); err != nil {
		return err
	}
	return checkPrice(kind, in.Price)
}

func isOption(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= maxOptionText && text.IsLine(s)
}

// isSKU says whether a text is printable ASCII without a space, 1 to 64 characters.
func isSKU(s string) bool {
	return s != "" && len(s) <= maxSKU && !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '!' || c > '~' })
}

// checkPrice holds a price to its kind: a giveaway's is zero, a lot has none, others are above zero.
func checkPrice(kind Kind, price *money.Amount) error {
	switch {
	case price == nil:
		return nil
	case kind == AuctionLot:
		return ErrPriceOfLot.At("price")
	case kind == Giveaway && price.Minor != 0:
		return ErrPriceOfGiveaway.At("price")
	case kind != Giveaway && price.Minor <= 0:
		return ErrPricePositive.At("price")
	}
	return nil
}

// prices are those of what will be bought, nil where one has none.
func (in CreateInput) prices() []*money.Amount {
	if in.Kind.Once() {
		return []*money.Amount{in.Price}
	}
	prices := make([]*money.Amount, len(in.Variants))
	for i, v := range in.Variants {
		prices[i] = v.Price
	}
	return prices
}

func pricesOf(variants []Variant) []*money.Amount {
	prices := make([]*money.Amount, len(variants))
	for i, v := range variants {
		prices[i] = v.Price
	}
	return prices
}

// lowest is the lowest of prices in one currency; nil where there is none.
func lowest(prices []*money.Amount) (low *money.Amount) {
	for _, p := range prices {
		if p != nil && (low == nil || p.Minor < low.Minor) {
			low = p
		}
	}
	return low
}

func distinct(texts []string) map[string]bool {
	seen := make(map[string]bool, len(texts))
	for _, t := range texts {
		seen[t] = true
	}
	return seen
}

// within puts a refusal's field below where its part of the input stands.
func within(err error, path ...string) error {
	if f, ok := fault.As(err); ok {
		return f.At(slices.Concat(path, f.Field)...)
	}
	return err
}

// blame is taken for the variant at a place of the input.
func blame(err error, i int) error {
	if err = taken(err); fault.KindOf(err) != fault.Internal {
		return within(err, "variants", strconv.Itoa(i))
	}
	return err
}

// AddVariant adds a variant to a product; where the product is on the market it is priced.
func (s *Service) AddVariant(ctx context.Context, seller, listing uuid.UUID, in VariantInput) (added Variant, err error) {
	defer fault.Wrap(&err, "add a variant to listing %s", listing)
	_, err = s.change(ctx, listing, ownedBy(seller, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if l.Kind.Once() {
			return db.Listing{}, ErrVariantsOfKind
		}
		if err := l.editable(); err != nil {
			return db.Listing{}, err
		}
		if err := in.check(l.Kind, len(l.OptionNames)); err != nil {
			return db.Listing{}, within(err, "variant")
		}
		there, err := s.variantsTx(ctx, tx, listing)
		if err != nil {
			return db.Listing{}, err
		}
		if err := l.fits(there, in.Price); err != nil {
			return db.Listing{}, within(err, "variant")
		}
		if len(there) >= maxVariants {
			return db.Listing{}, ErrVariantCount
		}
		row, err := s.q.VariantInsert(ctx, tx, in.row(db.Listing{ID: l.ID, SellerID: l.SellerID}, maxVariants))
		if err != nil {
			return db.Listing{}, within(taken(err), "variant")
		}
		added = variantOf(row)
		return s.q.ListingLock(ctx, tx, listing)
	}))
	return added, err
}

// fits refuses a price that is missing on the market, or in another currency than the other variants'.
func (l Listing) fits(others []Variant, price *money.Amount) error {
	if price == nil {
		if l.Status == Active {
			return ErrPriceMissing.At("price")
		}
		return nil
	}
	for _, v := range others {
		if v.Price != nil && v.Price.Currency != price.Currency {
			return ErrCurrencyMixed.At("price")
		}
	}
	return nil
}

// VariantChange is what changes of a variant; what is nil stays.
type VariantChange struct {
	SKU   *string
	Price *money.Amount
	Grams *int
}

// UpdateVariant gives a variant another SKU, price or weight.
func (s *Service) UpdateVariant(ctx context.Context, seller, variant uuid.UUID, in VariantChange) (changed Variant, err error) {
	defer fault.Wrap(&err, "change variant %s", variant)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		changed, err = s.UpdateVariantTx(ctx, tx, seller, variant, in)
		return err
	})
	return changed, err
}

// UpdateVariantTx is UpdateVariant within a transaction, which is of no more use where it fails.
func (s *Service) UpdateVariantTx(ctx context.Context, tx pgx.Tx, seller, variant uuid.UUID, in VariantChange) (Variant, error) {
	return s.changeVariantTx(ctx, tx, seller, variant, func(l Listing, v Variant, others []Variant) (db.Variant, error) {
		if in.SKU != nil {
			if !isSKU(*in.SKU) {
				return db.Variant{}, ErrSKU.At("sku")
			}
			v.SKU = in.SKU
		}
		if in.Price != nil {
			if err := checkPrice(l.Kind, in.Price); err != nil {
				return db.Variant{}, err
			}
			v.Price = in.Price
		}
		if in.Grams != nil {
			if err := checkGrams(in.Grams); err != nil {
				return db.Variant{}, err
			}
			v.Grams = in.Grams
		}
		if err := l.fits(others, v.Price); err != nil && in.Price != nil {
			return db.Variant{}, err
		}
		row, err := s.q.VariantUpdate(ctx, tx, v.update())
		return row, taken(err)
	})
}

func (v Variant) update() db.VariantUpdateParams {
	price, currency := columnsOf(v.Price)
	return db.VariantUpdateParams{ID: v.ID, Sku: v.SKU, Price: price, Currency: currency, Grams: gramsColumn(v.Grams)}
}

// RetireVariant takes a variant out of its product for good; its SKU is free again. The last one stays.
func (s *Service) RetireVariant(ctx context.Context, seller, variant uuid.UUID) (retired Variant, err error) {
	defer fault.Wrap(&err, "retire variant %s", variant)
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		retired, err = s.changeVariantTx(ctx, tx, seller, variant, func(_ Listing, _ Variant, others []Variant) (db.Variant, error) {
			if len(others) == 0 {
				return db.Variant{}, ErrVariantLast
			}
			return s.q.VariantRetire(ctx, tx, variant)
		})
		return err
	})
	return retired, err
}

// changeVariantTx works on a seller's own variant under its listing's lock; others are the listing's other variants.
func (s *Service) changeVariantTx(
	ctx context.Context, tx pgx.Tx, seller, variant uuid.UUID, do func(l Listing, v Variant, others []Variant) (db.Variant, error),
) (changed Variant, err error) {
	before, err := s.q.VariantByID(ctx, tx, variant) // its listing never changes
	if postgres.NoRows(err) || err == nil && before.SellerID != seller {
		return Variant{}, ErrVariantNotFound
	}
	if err != nil {
		return Variant{}, err
	}
	_, err = s.changeTx(ctx, tx, before.ListingID, ownedBy(seller, func(tx pgx.Tx, l Listing) (db.Listing, error) {
		if err := l.editable(); err != nil {
			return db.Listing{}, err
		}
		others, err := s.variantsTx(ctx, tx, l.ID)
		if err != nil {
			return db.Listing{}, err
		}
		at := slices.IndexFunc(others, func(v Variant) bool { return v.ID == variant })
		if at < 0 {
			return db.Listing{}, ErrVariantNotFound
		}
		v := others[at]
		row, err := do(l, v, slices.Delete(others, at, at+1))
		if err != nil {
			return db.Listing{}, err
		}
		changed = variantOf(row)
		return s.q.ListingLock(ctx, tx, l.ID)
	}))
	return changed, err
}

func (s *Service) variantsTx(ctx context.Context, tx db.DBTX, listing uuid.UUID) ([]Variant, error) {
	rows, err := s.q.VariantsByListing(ctx, tx, []uuid.UUID{listing})
	variants := make([]Variant, len(rows))
	for i, row := range rows {
		variants[i] = variantOf(row)
	}
	return variants, err
}

// OwnVariant is a variant of a seller's that is not retired, with the kind of its listing.
type OwnVariant struct {
	Variant
	Kind Kind
}

// OwnVariant reads a seller's own variant.
func (s *Service) OwnVariant(ctx context.Context, seller, variant uuid.UUID) (OwnVariant, error) {
	row, err := s.q.VariantOwn(ctx, s.pool, variant, seller)
	if postgres.NoRows(err) {
		return OwnVariant{}, ErrVariantNotFound.At("variantId")
	}
	return OwnVariant{variantOf(row.Variant), Kind(row.Kind)}, err
}

// VariantsByListing reads, for a loader, the variants of listings, in their order.
func (s *Service) VariantsByListing(ctx context.Context, listings []uuid.UUID) (map[uuid.UUID][]Variant, error) {
	rows, err := s.q.VariantsByListing(ctx, s.pool, listings)
	variants := make(map[uuid.UUID][]Variant, len(listings))
	for _, row := range rows {
		variants[row.ListingID] = append(variants[row.ListingID], variantOf(row))
	}
	return variants, err
}

// VariantsByID reads variants for a loader, retired ones among them.
func (s *Service) VariantsByID(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Variant, error) {
	rows, err := s.q.VariantsByID(ctx, s.pool, ids)
	variants := make(map[uuid.UUID]Variant, len(rows))
	for _, row := range rows {
		variants[row.ID] = variantOf(row)
	}
	return variants, err
}

// PriceChange is a price that a variant was given.
type PriceChange struct {
	Price *money.Amount // nil where it was taken off
	At    time.Time

	number int64
}

// PriceChangePage is a page of a variant's prices.
type PriceChangePage = page.Page[PriceChange]

// PriceChangeEdge is one of them with its cursor.
type PriceChangeEdge = page.Edge[PriceChange]

// PriceHistory is every price that a variant has had, the newest first.
func (s *Service) PriceHistory(ctx context.Context, variant uuid.UUID, args page.Args) (PriceChangePage, error) {
	size, err := args.Size()
	if err != nil {
		return PriceChangePage{}, err
	}
	before, err := args.BeforeNumber(priceList)
	if err != nil {
		return PriceChangePage{}, err
	}
	rows, err := s.q.PriceChanges(ctx, s.pool, variant, before, int32(size+1))
	return page.Of(rows, size, priceChangeOf, func(p PriceChange) string { return page.EncodeNumber(priceList, p.number) }), err
}

func priceChangeOf(row db.PriceChange) PriceChange {
	return PriceChange{Price: amountOf(row.Price, row.Currency), At: row.ChangedAt, number: row.ID}
}
