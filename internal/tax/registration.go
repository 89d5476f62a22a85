package tax

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/address"
	"github.com/souklive/souk/internal/postgres"
)

// Registration is that a seller charges tax, and under which number.
type Registration struct {
	Country string
	Number  string
	Since   time.Time
}

// Registration is a user's, nil where they sell as a private person, who charges none.
func (s *Service) Registration(ctx context.Context, user uuid.UUID) (*Registration, error) {
	row, err := s.q.TaxRegistrationGet(ctx, s.pool, user)
	if postgres.NoRows(err) {
		return nil, nil
	}
	return &Registration{row.Country, row.Number, row.ChangedAt}, err
}

// Register says that a seller is registered in a country from now on. Quotes that were made stay as they are. Saying it again is harmless.
func (s *Service) Register(ctx context.Context, user uuid.UUID, country, number string) (*Registration, error) {
	if _, ok := address.Countries()[country]; !ok {
		return nil, address.ErrCountry.At("country")
	}
	number = clean(number)
	if !regexp.MustCompile(form(country)).MatchString(number) {
		return nil, ErrNumber
	}
	row, err := s.q.TaxRegistrationSet(ctx, s.pool, user, country, number)
	return &Registration{row.Country, row.Number, row.ChangedAt}, err
}

// Deregister says that a seller is registered no more. Saying it again is harmless.
func (s *Service) Deregister(ctx context.Context, user uuid.UUID) error {
	return s.q.TaxRegistrationEnd(ctx, s.pool, user)
}

// clean leaves out what people put between the letters and digits of a number.
func clean(number string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '.' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(number))
}

// form is how a country writes its tax numbers: the European Union's by the directory of its check (VIES), others by letters and digits alone.
func form(country string) string {
	switch country {
	case "AT":
		return `^ATU\d{8}$`
	case "BE":
		return `^BE[01]\d{9}$`
	case "DE":
		return `^DE\d{9}$`
	case "ES":
		return `^ES[A-Z0-9]\d{7}[A-Z0-9]$`
	case "FR":
		return `^FR[A-HJ-NP-Z0-9]{2}\d{9}$`
	case "GB":
		return `^GB(\d{9}|\d{12})$`
	case "IE":
		return `^IE\d[A-Z0-9]\d{5}[A-Z]{1,2}$`
	case "IT":
		return `^IT\d{11}$`
	case "LU":
		return `^LU\d{8}$`
	case "NL":
		return `^NL\d{9}B\d{2}$`
	case "PL":
		return `^PL\d{10}$`
	case "PT":
		return `^PT\d{9}$`
	}
	return `^[A-Z0-9]{4,20}$`
}
