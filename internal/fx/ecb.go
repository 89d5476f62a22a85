package fx

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/souklive/souk/internal/money"
)

const (
	ecbPatience = 10 * time.Second // for all of an answer
	ecbMaxBody  = 256 << 10        // an answer has about 2 KiB
	ecbMaxHops  = 3
)

// ECB reads the European Central Bank's daily reference rates: what one euro gives in some thirty currencies, each
// working day at about 16:00 in Frankfurt.
type ECB struct {
	url    string
	client *http.Client
}

// NewECB makes the source that reads an address, which is https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml
// unless the bank moves it.
func NewECB(url string) *ECB {
	return &ECB{url: url, client: &http.Client{Timeout: ecbPatience, CheckRedirect: stayThere}}
}

// stayThere follows the bank within its own host alone: whoever could send us elsewhere could set our rates.
func stayThere(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if len(before) > ecbMaxHops || next.URL.Host != first.Host || next.URL.Scheme != first.Scheme {
		return fmt.Errorf("sent on to %s, where nobody asked it to go", (&url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host}))
	}
	return nil
}

// Name implements Source.
func (*ECB) Name() string { return "ecb" }

// Rates implements Source.
func (e *ECB) Rates(ctx context.Context) (Rates, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url, nil)
	if err != nil {
		return Rates{}, fmt.Errorf("ask the bank: %w", err)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return Rates{}, fmt.Errorf("ask the bank: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return Rates{}, fmt.Errorf("ask the bank: it answered %s", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, ecbMaxBody+1))
	if err != nil {
		return Rates{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	if len(body) > ecbMaxBody {
		return Rates{}, fmt.Errorf("read the bank's answer: it has more than %d bytes", ecbMaxBody)
	}
	rates, err := parseECB(body)
	if err != nil {
		return Rates{}, fmt.Errorf("read the bank's answer: %w", err)
	}
	return rates, nil
}

// envelope is the bank's document: a day, and a rate for each currency.
type envelope struct {
	XMLName xml.Name `xml:"http://www.gesmes.org/xml/2002-08-01 Envelope"`
	Days    []struct {
		Time  string `xml:"time,attr"`
		Rates []struct {
			Currency string `xml:"currency,attr"`
			Rate     string `xml:"rate,attr"`
		} `xml:"http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube"`
	} `xml:"http://www.ecb.int/vocabulary/2002-08-01/eurofxref Cube>Cube"`
}

// parseECB reads all of the document or refuses it: half of a day's rates may be wrong as a whole.
func parseECB(body []byte) (Rates, error) {
	var document envelope
	if err := xml.Unmarshal(body, &document); err != nil {
		return Rates{}, err
	}
	if len(document.Days) != 1 {
		return Rates{}, fmt.Errorf("it has %d days", len(document.Days))
	}
	day := document.Days[0]
	asOf, err := time.Parse(time.DateOnly, day.Time)
	if err != nil {
		return Rates{}, errors.New("its day is none")
	}
	rates := Rates{Base: "EUR", AsOf: asOf, Per: make(map[money.Currency]Rate, len(day.Rates))}
	for _, row := range day.Rates {
		currency, err := money.ParseCurrency(row.Currency)
		if err != nil {
			return Rates{}, fmt.Errorf("%.10q is no currency", row.Currency)
		}
		if _, twice := rates.Per[currency]; twice {
			return Rates{}, fmt.Errorf("%s is there twice", currency)
		}
		if rates.Per[currency], err = ParseRate(row.Rate); err != nil {
			return Rates{}, fmt.Errorf("%s: %w", currency, err)
		}
	}
	return rates, nil
}
