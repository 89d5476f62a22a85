package address

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/text"
)

const (
	maxName   = 80
	maxLine   = 100
	maxCity   = 60
	maxRegion = 60
	maxPhone  = 40 // as it is typed
	maxPostal = 20
)

// Postal is where something is sent, as its country writes it.
type Postal struct {
	Name       string `json:"name"` // of who receives it
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"` // the code of a state, a province or an emirate; elsewhere as it was given
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"` // ISO 3166-1
	Phone      string `json:"phone"`   // E.164
}

// Address is one of a user's address book.
type Address struct {
	Postal

	ID        uuid.UUID
	UserID    uuid.UUID
	Default   bool
	CreatedAt time.Time
}

// NodeID is the id that clients see.
func (a Address) NodeID() id.ID { return id.Address.ID(a.ID) }

func addressOf(row db.Address) Address {
	return Address{
		ID: row.ID, UserID: row.UserID, Default: row.IsDefault, CreatedAt: row.CreatedAt,
		Postal: Postal{row.Name, row.Line1, row.Line2, row.City, row.Region, row.PostalCode, row.Country, row.Phone},
	}
}

// Normalise writes an address as its country does, or refuses the first field that is wrong.
func Normalise(p Postal) (Postal, error) {
	country, served := Countries()[strings.ToUpper(strings.TrimSpace(p.Country))]
	if !served {
		return Postal{}, ErrCountry.At("country")
	}
	p.Country = country.Code
	for _, field := range []struct {
		name   string
		value  *string
		most   int
		needed func(string) bool
		err    *fault.Error
	}{
		{"name", &p.Name, maxName, hasLetter, ErrName},
		{"line1", &p.Line1, maxLine, hasLetterOrDigit, ErrLine},
		{"line2", &p.Line2, maxLine, nil, ErrLine},
		{"city", &p.City, maxCity, hasLetter, ErrCity},
		{"region", &p.Region, maxRegion, nil, ErrRegion},
		{"postalCode", &p.PostalCode, maxPostal, nil, ErrPostalCode.With("example", country.PostalCodeExample)},
		{"phone", &p.Phone, maxPhone, nil, ErrPhone},
	} {
		if *field.value = line(*field.value); !fits(*field.value, field.most, field.needed) {
			return Postal{}, field.err.At(field.name)
		}
	}
	var ok bool
	if len(country.Regions) > 0 {
		if p.Region, ok = country.region(p.Region); !ok {
			return Postal{}, ErrRegion.At("region")
		}
	}
	if p.PostalCode, ok = country.postalCode(digits(p.PostalCode)); !ok {
		return Postal{}, ErrPostalCode.At("postalCode").With("example", country.PostalCodeExample)
	}
	if p.Phone != "" {
		if p.Phone, ok = country.phone(digits(p.Phone)); !ok {
			return Postal{}, ErrPhone.At("phone")
		}
	}
	return p, nil
}

// fits says whether a field may be shown in one line, is short enough, and says something where it has to.
func fits(s string, most int, needed func(string) bool) bool {
	if s == "" {
		return needed == nil
	}
	return utf8.RuneCountInString(s) <= most && text.IsLine(s) && (needed == nil || needed(s))
}

// line writes a text with its letters composed and one space between its words. What breaks lines within it stays, and is refused.
func line(s string) string {
	s = strings.Trim(text.Clean(norm.NFC.String(s)), " ")
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

// digits writes the digits of other scripts (of Arabic, or as wide as a Chinese letter) as 0 to 9.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '\u0660' <= r && r <= '\u0669':
			return '0' + r - '\u0660'
		case '\u06f0' <= r && r <= '\u06f9':
			return '0' + r - '\u06f0'
		case r == '\uff0d':
			return '-'
		case r == '\uff0b':
			return '+'
		case '\uff10' <= r && r <= '\uff19':
			return '0' + r - '\uff10'
		}
		return r
	}, s)
}

func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }

func hasLetterOrDigit(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
