package listingfile

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/spreadsheet"
)

// maxProductRows is how many variants a listing may have.
const maxProductRows = 100

// The columns of a file. Of a product's rows the first says what it is; each is one of its variants.
const (
	columnListing     = "listing_id" // of one's own that is to be changed; empty for a new one
	columnHandle      = "handle"     // rows in a row with the same handle are one product
	columnKind        = "kind"
	columnStatus      = "status"
	columnTitle       = "title"
	columnDescription = "description"
	columnCondition   = "condition"
	columnPhotos      = "photo_ids" // with spaces between them
	columnCategory    = "category_id"
	columnBrand       = "brand_id"
	columnAttributes  = "attributes" // att_…=value, with | between them
	columnTier        = "minimum_tier"
	columnVariant     = "variant_id"
	columnSKU         = "sku"
	columnPrice       = "price"
	columnCurrency    = "currency"
	columnGrams       = "grams"
)

// optionColumns are the name and the value of each option.
var optionColumns = [][2]string{{"option1_name", "option1"}, {"option2_name", "option2"}, {"option3_name", "option3"}}

// columns are what a file may have, in the order in which an export has them.
var columns = spreadsheet.Columns{
	Needed: []string{columnTitle},
	Known: []string{
		columnListing, columnHandle, columnKind, columnStatus, columnTitle, columnDescription, columnCondition, columnPhotos,
		columnCategory, columnBrand, columnAttributes, columnTier,
		columnVariant, columnSKU, columnPrice, columnCurrency, columnGrams, "option1_name", "option1", "option2_name", "option2", "option3_name", "option3",
	},
}

// product is the rows of one listing.
type product struct {
	rows   []spreadsheet.Row
	beyond int // rows that are too many
}

// bad are the rows that can't be read, by their place in the product.
func (p product) bad() map[int]*fault.Error {
	errs := map[int]*fault.Error{}
	for i, row := range p.rows {
		if refusal, ok := fault.As(row.Err); ok {
			errs[i] = refusal
		}
	}
	if p.beyond > 0 {
		errs[len(p.rows)-1] = ErrProductRows
	}
	return errs
}

// put makes the listing, or changes the one that the rows name.
func (s *Service) put(ctx context.Context, tx pgx.Tx, seller uuid.UUID, p product) (created bool, err error) {
	if p.rows[0].Cells[columnListing] != "" {
		return false, s.change(ctx, tx, seller, p)
	}
	in, publish, err := p.input()
	if err != nil {
		return false, err
	}
	in.Draft = !publish
	l, err := s.Catalog.CreateTx(ctx, tx, seller, in)
	if err != nil || !in.Kind.Once() {
		return true, err
	}
	return true, s.weigh(ctx, tx, seller, l.ID, p)
}

// weigh says what weighs what exists once, whose variant has the listing's own id.
func (s *Service) weigh(ctx context.Context, tx pgx.Tx, seller, listing uuid.UUID, p product) error {
	grams, err := gramsOf(p.rows[0].Cells)
	if err != nil || grams == nil {
		return err
	}
	_, err = s.Catalog.UpdateVariantTx(ctx, tx, seller, listing, catalog.VariantChange{Grams: grams})
	return err
}

// gramsOf is a row's weight; nil where it has none.
func gramsOf(cells map[string]string) (*int, error) {
	text := cells[columnGrams]
	if text == "" {
		return nil, nil
	}
	grams, err := strconv.Atoi(text)
	if err != nil {
		return nil, catalog.ErrGrams.At(columnGrams)
	}
	return &grams, nil
}

// input is a new listing, and whether it is to be on the market.
func (p product) input() (in catalog.CreateInput, publish bool, err error) {
	first := p.rows[0].Cells
	in = catalog.CreateInput{
		Kind: catalog.Kind(upper(first[columnKind])), Title: first[columnTitle], Description: first[columnDescription],
		Condition: catalog.Condition(upper(first[columnCondition])),
	}
	if in.Condition == "" {
		in.Condition = catalog.ConditionNew
	}
	switch upper(first[columnStatus]) {
	case "", string(catalog.Draft):
	case string(catalog.Active):
		publish = true
	default:
		return in, false, ErrValue.At(columnStatus)
	}
	if in.Photos, err = photosOf(first); err != nil {
		return in, false, err
	}
	if in.Category, in.Brand, in.Attributes, err = descriptionOf(first); err != nil {
		return in, false, err
	}
	if in.MinimumTier, err = tierOf(first); err != nil {
		return in, false, err
	}
	if in.Kind == "" {
		in.Kind = catalog.OneOff
	}
	if in.Kind.Once() {
		if len(p.rows) > 1 {
			return in, false, catalog.ErrVariantsOfKind.At("variants", "1")
		}
		in.Price, err = priceOf(first)
		return in, publish, err
	}
	if in.OptionNames, err = optionNamesOf(first); err != nil {
		return in, false, err
	}
	in.Variants, err = p.variants(len(in.OptionNames))
	return in, publish, err
}

func (p product) variants(options int) ([]catalog.VariantInput, error) {
	variants := make([]catalog.VariantInput, len(p.rows))
	for i, row := range p.rows {
		price, err := priceOf(row.Cells)
		if err != nil {
			return nil, within(err, i)
		}
		grams, err := gramsOf(row.Cells)
		if err != nil {
			return nil, within(err, i)
		}
		v := catalog.VariantInput{Price: price, Grams: grams, Options: []string{}}
		if sku := row.Cells[columnSKU]; sku != "" {
			v.SKU = &sku
		}
		for n, c := range optionColumns {
			value := row.Cells[c[1]]
			if (value != "") != (n < options) {
				return nil, within(ErrOptions.At(c[1]), i)
			}
			if value != "" {
				v.Options = append(v.Options, value)
			}
		}
		variants[i] = v
	}
	return variants, nil
}

// change changes a listing of the seller's: its words by the first row, and of each row with a variant_id its SKU, price and weight. A cell
// that is empty changes nothing.
func (s *Service) change(ctx context.Context, tx pgx.Tx, seller uuid.UUID, p product) error {
	first := p.rows[0].Cells
	listing, err := id.Listing.Decode(first[columnListing])
	if err != nil {
		return ErrID.At(columnListing)
	}
	in := catalog.UpdateInput{Title: given(first[columnTitle]), Description: given(first[columnDescription])}
	if c := catalog.Condition(upper(first[columnCondition])); c != "" {
		in.Condition = &c
	}
	if in.Photos, err = photosOf(first); err != nil {
		return err
	}
	if in.Category, in.Brand, in.Attributes, err = descriptionOf(first); err != nil {
		return err
	}
	if in.MinimumTier, err = tierOf(first); err != nil {
		return err
	}
	if first[columnVariant] == "" {
		if in.Price, err = priceOf(first); err != nil {
			return err
		}
	}
	l, err := s.Catalog.UpdateTx(ctx, tx, seller, listing, in)
	if err != nil {
		return err
	}
	if l.Kind.Once() {
		if len(p.rows) > 1 {
			return catalog.ErrVariantsOfKind.At("variants", "1")
		}
		if err := s.weigh(ctx, tx, seller, listing, p); err != nil {
			return err
		}
	} else if err := s.changeVariants(ctx, tx, seller, p); err != nil {
		return err
	}
	if upper(first[columnStatus]) == string(catalog.Active) {
		_, err = s.Catalog.PublishTx(ctx, tx, seller, listing)
	}
	return err
}

func (s *Service) changeVariants(ctx context.Context, tx pgx.Tx, seller uuid.UUID, p product) error {
	for i, row := range p.rows {
		if row.Cells[columnVariant] == "" {
			if i > 0 {
				return within(ErrVariantAdding.At(columnVariant), i)
			}
			continue
		}
		variant, err := id.Variant.Decode(row.Cells[columnVariant])
		if err != nil {
			return within(ErrID.At(columnVariant), i)
		}
		price, err := priceOf(row.Cells)
		if err != nil {
			return within(err, i)
		}
		grams, err := gramsOf(row.Cells)
		if err != nil {
			return within(err, i)
		}
		if row.Cells[columnListing] != p.rows[0].Cells[columnListing] {
			return within(ErrID.At(columnListing), i)
		}
		v, err := s.Catalog.UpdateVariantTx(ctx, tx, seller, variant, catalog.VariantChange{SKU: given(row.Cells[columnSKU]), Price: price, Grams: grams})
		if err != nil {
			return within(err, i)
		}
		if id.Listing.Encode(v.ListingID) != row.Cells[columnListing] {
			return within(catalog.ErrVariantNotFound.At(columnVariant), i)
		}
	}
	return nil
}

// within puts an error of a variant's into its row.
func within(err error, row int) error {
	refusal, ok := fault.As(err)
	if !ok {
		return err
	}
	return refusal.At(append([]string{"variants", strconv.Itoa(row)}, refusal.Field...)...)
}

// blame finds the row and the column of a refusal of the catalogue's, which speaks of fields.
func (p product) blame(refusal *fault.Error) (row int, _ *fault.Error) {
	field := refusal.Field
	if len(field) > 1 && field[0] == "variants" {
		if n, err := strconv.Atoi(field[1]); err == nil && n < len(p.rows) {
			row, field = n, field[2:]
		}
	}
	if len(field) == 0 {
		return row, refusal.At()
	}
	column := field[0]
	switch column {
	case "photoIds":
		column = columnPhotos
	case "optionNames":
		column = optionColumns[optionAt(field)][0]
	case "options":
		column = optionColumns[optionAt(field)][1]
	case "categoryId":
		column = columnCategory
	case "brandId":
		column = columnBrand
	case "minimumTier":
		column = columnTier
	case "variants":
		column = columnVariant
	}
	if !slices.Contains(columns.Known, column) {
		return row, refusal.At()
	}
	return row, refusal.At(column)
}

// optionAt is which option a field speaks of.
func optionAt(field []string) int {
	if len(field) < 2 {
		return 0
	}
	n, err := strconv.Atoi(field[1])
	if err != nil {
		return 0
	}
	return min(max(n, 0), len(optionColumns)-1)
}

func upper(word string) string { return strings.ToUpper(strings.ReplaceAll(word, " ", "_")) }

func given(cell string) *string {
	if cell == "" {
		return nil
	}
	return &cell
}

// priceOf is a row's price; nil where it has none.
func priceOf(cells map[string]string) (*money.Amount, error) {
	if cells[columnPrice] == "" {
		return nil, nil //nolint:nilnil // a price may be missing
	}
	currency, err := money.ParseCurrency(upper(cells[columnCurrency]))
	if err != nil {
		return nil, ErrPrice.At(columnCurrency)
	}
	price, err := money.Parse(cells[columnPrice], currency)
	if err != nil {
		return nil, ErrPrice.At(columnPrice)
	}
	return &price, nil
}

// photosOf are the ids in a cell, with spaces between them; nil where there are none.
func photosOf(cells map[string]string) ([]uuid.UUID, error) {
	var photos []uuid.UUID
	for word := range strings.FieldsSeq(cells[columnPhotos]) {
		photo, err := id.Photo.Decode(word)
		if err != nil {
			return nil, ErrID.At(columnPhotos)
		}
		photos = append(photos, photo)
	}
	return photos, nil
}

// descriptionOf is a product's category, brand and attributes; nil where the cells are empty.
func descriptionOf(cells map[string]string) (category, brand *uuid.UUID, attributes []catalog.AttributeValue, err error) {
	if category, err = idOf(cells, columnCategory, id.Category); err != nil {
		return nil, nil, nil, err
	}
	if brand, err = idOf(cells, columnBrand, id.Brand); err != nil {
		return nil, nil, nil, err
	}
	if cells[columnAttributes] == "" {
		return category, brand, nil, nil
	}
	for pair := range strings.SplitSeq(cells[columnAttributes], "|") {
		name, value, ok := strings.Cut(pair, "=")
		attribute, err := id.Attribute.Decode(strings.TrimSpace(name))
		if err != nil || !ok {
			return nil, nil, nil, ErrAttributes.At(columnAttributes)
		}
		attributes = append(attributes, catalog.AttributeValue{Attribute: attribute, Value: strings.TrimSpace(value)})
	}
	return category, brand, attributes, nil
}

func idOf(cells map[string]string, column string, kind id.Kind) (*uuid.UUID, error) {
	if cells[column] == "" {
		return nil, nil //nolint:nilnil // it may be missing
	}
	u, err := kind.Decode(cells[column])
	if err != nil {
		return nil, ErrID.At(column)
	}
	return &u, nil
}

func tierOf(cells map[string]string) (*identity.Tier, error) {
	tier := identity.Tier(upper(cells[columnTier]))
	switch tier {
	case "":
		return nil, nil //nolint:nilnil // it may be missing
	case identity.Unverified, identity.Verified, identity.Trusted:
		return &tier, nil
	}
	return nil, ErrValue.At(columnTier)
}

func optionNamesOf(cells map[string]string) (names []string, err error) {
	for n, c := range optionColumns {
		switch name := cells[c[0]]; {
		case name != "" && len(names) != n:
			return nil, ErrOptions.At(c[0])
		case name != "":
			names = append(names, name)
		}
	}
	return names, nil
}

// cellsOf is a listing as rows of a file, in the order of the columns.
func cellsOf(l catalog.Listing, variants []catalog.Variant, photos []media.Photo, attributes []catalog.AttributeValue) [][]string {
	names := make([]string, len(photos))
	for i, p := range photos {
		names[i] = id.Photo.Encode(p.ID)
	}
	values := make([]string, len(attributes))
	for i, a := range attributes {
		values[i] = id.Attribute.Encode(a.Attribute) + "=" + a.Value
	}
	rows := make([][]string, len(variants))
	for i, v := range variants {
		cells := map[string]string{columnListing: id.Listing.Encode(l.ID), columnHandle: id.Listing.Encode(l.ID)}
		if i == 0 {
			cells[columnKind], cells[columnStatus], cells[columnTitle] = string(l.Kind), string(l.Status), l.Title
			cells[columnDescription], cells[columnCondition] = l.Description, string(l.Condition)
			cells[columnPhotos], cells[columnAttributes] = strings.Join(names, " "), strings.Join(values, "|")
			if l.CategoryID != nil {
				cells[columnCategory] = id.Category.Encode(*l.CategoryID)
			}
			if l.BrandID != nil {
				cells[columnBrand] = id.Brand.Encode(*l.BrandID)
			}
			if l.MinimumTier != nil {
				cells[columnTier] = string(*l.MinimumTier)
			}
		}
		if !l.Kind.Once() {
			cells[columnVariant] = id.Variant.Encode(v.ID)
		}
		if v.SKU != nil {
			cells[columnSKU] = *v.SKU
		}
		if v.Price != nil {
			cells[columnPrice], cells[columnCurrency] = v.Price.Decimal(), string(v.Price.Currency)
		}
		if v.Grams != nil {
			cells[columnGrams] = strconv.Itoa(*v.Grams)
		}
		for n, value := range v.OptionValues {
			cells[optionColumns[n][0]], cells[optionColumns[n][1]] = l.OptionNames[n], value
		}
		rows[i] = make([]string, len(columns.Known))
		for j, c := range columns.Known {
			rows[i][j] = cells[c]
		}
	}
	return rows
}
