package fedex

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/souklive/souk/internal/shipping"
)

// SignatureHeader has the HMAC of a webhook's body, by SHA-256 and the token that was typed into the developer portal, in base64.
const SignatureHeader = "Fdx-Signature"

// Sign is what a body is signed with.
func Sign(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	_, _ = mac.Write(body) // a hash takes all
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// maxTold is how many parcels of one webhook are looked at.
const maxTold = 100

// Told implements shipping.Teller. The carrier gives its webhooks no id: one that has the same bytes is the same.
func (c *Carrier) Told(header http.Header, body []byte) ([]shipping.News, error) {
	if c.webhook == "" { // an empty token would believe anybody
		return nil, errors.New("there is no token to check it with")
	}
	if !hmac.Equal([]byte(Sign(c.webhook, body)), []byte(header.Get(SignatureHeader))) {
		return nil, errors.New("it is not signed with the token")
	}
	var told any
	if err := json.Unmarshal(body, &told); err != nil {
		return nil, nil //nolint:nilerr // it is the carrier's, and tells of no parcel: the portal's own trial
	}
	sum := sha256.Sum256(body)
	news := make([]shipping.News, 0, 1)
	for _, number := range named(told, nil) {
		news = append(news, shipping.News{ID: hex.EncodeToString(sum[:]), Number: number})
	}
	return news, nil
}

// named are the numbers of the parcels that something tells of, wherever it has them: what became of those is asked for.
func named(told any, found []string) []string {
	switch told := told.(type) {
	case map[string]any:
		number, _ := told["trackingNumber"].(string)
		if numbers.MatchString(number) && !slices.Contains(found, number) && len(found) < maxTold {
			found = append(found, number)
		}
		for _, value := range told {
			found = named(value, found)
		}
	case []any:
		for _, value := range told {
			found = named(value, found)
		}
	}
	return found
}
