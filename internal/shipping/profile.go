package shipping

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// OfferKind says who brings what was bought.
type OfferKind string

// The kinds of offer.
const (
	ByCarrier OfferKind = "CARRIER"   // a carrier, by a label that the platform buys
	BySeller  OfferKind = "SELLER"    // the seller sends it by themselves, at their own price
	InPerson  OfferKind = "IN_PERSON" // nobody: its buyer fetches it, with their code
)

// Offer is one way in which a seller has their goods brought.
type Offer struct {
	Kind      OfferKind     `json:"kind"`
	Carrier   string        `json:"carrier,omitempty"`
	Product   string        `json:"product,omitempty"`
	Free      bool          `json:"free,omitempty"`      // the seller bears what the carrier takes
	Name      string        `json:"name,omitempty"`      // of what the seller sends by themselves
	Price     *money.Amount `json:"price,omitempty"`     // of a parcel that they send by themselves
	Countries []string      `json:"countries,omitempty"` // to which they send by themselves; none for all
	Place     string        `json:"place,omitempty"`     // where it is handed over, in words
}

// Profile is how a seller has their goods brought.
type Profile struct {
	SellerID  uuid.UUID
	Grams     int // of a thing of which nothing else is said
	Offers    []Offer
	ChangedAt time.Time
}

const (
	maxOffers = 10
	// maxGrams is above what any carrier takes; it keeps sums far from overflowing.
	maxGrams = 1_000_000
)

// SetProfile says how a seller has their goods brought from now on; without offers they send by themselves, at nobody's charge. Quotes that were made stay as
// they are. Saying it again is harmless.
func (s *Service) SetProfile(ctx context.Context, seller uuid.UUID, grams int, offers []Offer) (_ Profile, err error) {
	defer fault.Wrap(&err, "set a shipping profile")
	if grams < 1 || grams > maxGrams {
		return Profile{}, ErrProfileGrams.At("grams")
	}
	if len(offers) > maxOffers {
		return Profile{}, ErrOffers.At("offers")
	}
	needsSender := false
	for i, o := range offers {
		if err := s.checkOffer(o); err != nil {
			f, _ := fault.As(err)
			return Profile{}, f.At(slices.Concat([]string{"offers", strconv.Itoa(i)}, f.Field)...)
		}
		if slices.ContainsFunc(offers[:i], func(other Offer) bool { return o.Kind != BySeller && other.code(0) == o.code(0) }) {
			return Profile{}, ErrOffers.At("offers", strconv.Itoa(i))
		}
		needsSender = needsSender || o.Kind != BySeller
	}
	if needsSender {
		if _, err := s.sender(ctx, seller, nil); err != nil {
			if f, ok := fault.As(err); ok {
				err = f.At("offers")
			}
			return Profile{}, err
		}
	}
	raw, err := json.Marshal(append([]Offer{}, offers...))
	if err != nil {
		return Profile{}, err
	}
	row, err := s.q.ShippingProfileSet(ctx, s.pool, seller, int32(grams), raw)
	if err != nil {
		return Profile{}, err
	}
	return profileOf(row)
}

// code is what an offer is chosen by; what sellers do by themselves is numbered.
func (o Offer) code(number int) string {
	switch o.Kind {
	case ByCarrier:
		return o.Carrier + "/" + o.Product
	case BySeller:
		return string(BySeller) + "/" + strconv.Itoa(number)
	case InPerson:
	}
	return string(InPerson)
}

func (s *Service) checkOffer(o Offer) error {
	text := func(s string, most int) bool {
		return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
	}
	switch o.Kind {
	case ByCarrier:
		c, err := s.carrier(o.Carrier)
		if err != nil {
			return ErrCarrier.At("carrier")
		}
		if _, ok := ProductOf(c, o.Product); !ok {
			return ErrProduct.At("product")
		}
	case BySeller:
		if !text(o.Name, 60) {
			return ErrOfferText.At("name")
		}
		if o.Price == nil || o.Price.Minor < 0 {
			return ErrOfferPrice.At("price")
		}
		for _, c := range o.Countries {
			if _, ok := address.Countries()[c]; !ok {
				return address.ErrCountry.At("countries")
			}
		}
	case InPerson:
		if !text(o.Place, 200) {
			return ErrOfferText.At("place")
		}
	}
	return nil
}

// Profile is how a seller has their goods brought; nil where they never said so.
func (s *Service) Profile(ctx context.Context, seller uuid.UUID) (*Profile, error) {
	row, err := s.q.ShippingProfileGet(ctx, s.pool, seller)
	if postgres.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := profileOf(row)
	return &p, err
}

func profileOf(row db.ShippingProfile) (Profile, error) {
	p := Profile{SellerID: row.SellerID, Grams: int(row.Grams), ChangedAt: row.ChangedAt}
	err := json.Unmarshal(row.Offers, &p.Offers)
	return p, err
}

// Sender is a seller as a quote needs them: how they send, and from where.
type Sender struct {
	Profile

	From *address.Postal // their default address; nil where they have none
}

// Senders are those of some sellers who have said how they send.
func (s *Service) Senders(ctx context.Context, sellers []uuid.UUID) (map[uuid.UUID]Sender, error) {
	rows, err := s.q.ShippingSenders(ctx, s.pool, sellers)
	if err != nil {
		return nil, err
	}
	all := make(map[uuid.UUID]Sender, len(rows))
	for _, row := range rows {
		p, err := profileOf(row.ShippingProfile)
		if err != nil {
			return nil, err
		}
		from := Sender{Profile: p}
		if row.Country != "" {
			from.From = &address.Postal{
				Name: row.Name, Line1: row.Line1, Line2: row.Line2, City: row.City, Region: row.Region, PostalCode: row.PostalCode, Country: row.Country, Phone: row.Phone,
			}
		}
		all[p.SellerID] = from
	}
	return all, nil
}
