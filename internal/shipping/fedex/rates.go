package fedex

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/shipping"
)

type rated struct {
	Details []struct {
		Service     string `json:"serviceType"`
		Operational struct {
			Transit string `json:"transitTime"`
		} `json:"operationalDetail"`
		Rated []struct {
			Type     string      `json:"rateType"`
			Net      json.Number `json:"totalNetCharge"`
			Currency string      `json:"currency"`
		} `json:"ratedShipmentDetails"`
	} `json:"rateReplyDetails"`
}

// Rates implements shipping.Rater: what our account pays for each product that goes from the one place to the other, the cheapest first.
func (c *Carrier) Rates(ctx context.Context, r shipping.RateRequest) ([]shipping.Rate, error) {
	if !free(r.From.Country, r.To.Country) {
		return nil, shipping.ErrCustoms.With("from", r.From.Country).With("to", r.To.Country)
	}
	if r.Parcel.Grams <= 0 || r.Parcel.Grams > maxGrams {
		return nil, shipping.ErrWeight.At("grams").With("maximumGrams", maxGrams)
	}
	var answer rated
	if err := c.do(ctx, call{op: "rate", method: http.MethodPost, path: "/rate/v1/rates/quotes", reads: true, body: map[string]any{
		"accountNumber": value{c.account}, "rateRequestControlParameters": map[string]any{"returnTransitTimes": true},
		"requestedShipment": map[string]any{
			"shipper":    party{Address: place{PostalCode: r.From.PostalCode, Country: r.From.Country}},
			"recipient":  party{Address: place{PostalCode: r.To.PostalCode, Country: r.To.Country}},
			"pickupType": pickup, "packagingType": packaging, "rateRequestType": []string{"ACCOUNT"}, "requestedPackageLineItems": []piece{pieceOf(r.Parcel.Grams)},
		},
	}}, &answer); err != nil {
		return nil, err
	}
	var rates []shipping.Rate
	for _, d := range answer.Details {
		product, has := shipping.ProductOf(c, d.Service)
		if !has || !product.Serves(r.To.Country) {
			continue
		}
		for _, one := range d.Rated {
			currency, err := money.ParseCurrency(one.Currency)
			if err != nil || one.Type != "ACCOUNT" {
				continue
			}
			price, err := money.Parse(one.Net.String(), currency)
			if err != nil || price.Minor <= 0 {
				continue
			}
			rates = append(rates, shipping.Rate{Product: d.Service, Price: price, Days: days(d.Operational.Transit)})
			break
		}
	}
	slices.SortFunc(rates, func(a, b shipping.Rate) int { return cmp.Compare(a.Price.Minor, b.Price.Minor) })
	return rates, nil
}

// days reads a time in transit: TWO_DAYS. Zero where it says none.
func days(transit string) [2]int {
	n := 1 + slices.Index([]string{
		"ONE_DAY", "TWO_DAYS", "THREE_DAYS", "FOUR_DAYS", "FIVE_DAYS", "SIX_DAYS", "SEVEN_DAYS", "EIGHT_DAYS", "NINE_DAYS", "TEN_DAYS",
	}, transit)
	return [2]int{n, n}
}
