package mondialrelay

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the carrier's own signature
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// namespace is that of the carrier's WSDL.
const namespace = "http://www.mondialrelay.fr/webservice/"

// field is one value of a request; their order is the signature's.
type field struct{ name, value string }

// Sign is the signature over the values of a request, in their order.
func Sign(key string, values ...string) string {
	sum := md5.Sum([]byte(strings.Join(values, "") + key)) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// envelope writes a signed request.
func envelope(method, key string, fields []field) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><` + method + ` xmlns="` + namespace + `">`)
	values := make([]string, len(fields))
	for i, f := range fields {
		values[i] = f.value
		b.WriteString("<" + f.name + ">")
		_ = xml.EscapeText(&b, []byte(f.value)) // a buffer takes all
		b.WriteString("</" + f.name + ">")
	}
	fmt.Fprintf(&b, "<Security>%s</Security></%s></soap:Body></soap:Envelope>", Sign(key, values...), method)
	return b.Bytes()
}

// call asks a method and reads what is in its …Result.
func (c *Carrier) call(ctx context.Context, method string, fields []field, result any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/Web_Services.asmx", bytes.NewReader(envelope(method, c.key, fields)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("SOAPAction", `"`+namespace+method+`"`)
	answer, err := c.line.Do(ctx, method, request)
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusServiceUnavailable:
		return &shipping.CarrierError{Carrier: Name, Op: method, Outcome: shipping.Unavailable, Code: strconv.Itoa(answer.Status)}
	case answer.Status != http.StatusOK:
		return &shipping.CarrierError{Carrier: Name, Op: method, Outcome: shipping.Unknown, Code: strconv.Itoa(answer.Status)}
	}
	if err := readResult(answer.Body, method, result); err != nil {
		return unreadable(method, err.Error())
	}
	return nil
}

// readResult finds Envelope > Body > methodResponse > methodResult.
func readResult(answer []byte, method string, result any) error {
	decoder := xml.NewDecoder(bytes.NewReader(answer))
	for _, want := range []string{"Envelope", "Body", method + "Response", method + "Result"} {
		for {
			token, err := decoder.Token()
			if err != nil {
				return fmt.Errorf("it has no %s: %w", want, err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if start.Name.Local != want {
				return fmt.Errorf("it has %.40q in place of %s", start.Name.Local, want)
			}
			if want == method+"Result" {
				return decoder.DecodeElement(result, &start)
			}
			break
		}
	}
	return nil
}

// unreadable is for an answer that is none: what was asked for may have happened.
func unreadable(op, why string) error {
	return &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Unknown, Err: errors.New("the answer can't be read: " + why)}
}
