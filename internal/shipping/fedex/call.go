package fedex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// call is one of the API's.
type call struct {
	op, method, path string

	body      any
	reference string // by which the carrier's own people find it
	reads     bool   // it has no effect, so that it may be made again whatever came of it
}

// do makes a call and reads its output. A token that is refused is renewed once: what was refused had no effect.
func (c *Carrier) do(ctx context.Context, p call, output any) error {
	body, err := json.Marshal(p.body)
	if err != nil {
		return err
	}
	var answer shipping.Answer
	token := ""
	for range 2 {
		if token, err = c.token.get(ctx, token); err != nil {
			return err
		}
		if answer, err = c.send(ctx, p, body, token); err != nil {
			if failed, ok := errors.AsType[*shipping.CarrierError](err); ok && p.reads && failed.Outcome == shipping.Unknown {
				failed.Outcome = shipping.Unavailable
			}
			return err
		}
		if answer.Status != http.StatusUnauthorized {
			break
		}
	}
	return readAnswer(p, answer, output)
}

func (c *Carrier) send(ctx context.Context, p call, body []byte, token string) (shipping.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, p.method, c.url+p.path, bytes.NewReader(body))
	if err != nil {
		return shipping.Answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Locale", "en_US")
	if p.reference != "" {
		request.Header.Set("X-Customer-Transaction-Id", p.reference)
	}
	return c.line.Do(ctx, p.op, request)
}

// reply is what every answer is, whatever came of the call.
type reply struct {
	Errors []problem       `json:"errors"`
	Output json.RawMessage `json:"output"`
	// What the gateway before the API answers to a token that is none.
	Description string `json:"error_description"`
}

type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// readAnswer reads an answer's output, or what it refuses.
func readAnswer(p call, answer shipping.Answer, output any) error {
	failed := &shipping.CarrierError{Carrier: Name, Op: p.op, Outcome: shipping.Unknown}
	if p.reads {
		failed.Outcome = shipping.Unavailable
	}
	if answer.Status == http.StatusOK {
		var r reply
		err := json.Unmarshal(answer.Body, &r)
		if err == nil && len(r.Errors) == 0 {
			err = json.Unmarshal(r.Output, output)
			if err == nil {
				return nil
			}
		}
		if err != nil {
			failed.Err = errors.New("the answer can't be read: " + err.Error())
			return failed
		}
	}
	failed.Code, failed.Text = words(answer)
	switch status := answer.Status; {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		failed.Outcome = shipping.Unavailable
	case status >= http.StatusInternalServerError || status == http.StatusRequestTimeout:
	case status == http.StatusUnauthorized || status == http.StatusForbidden || ours(failed.Code):
		failed.Outcome = shipping.Locked
	default: // it was read, and refused, be it with 200
		failed.Outcome = shipping.Refused
	}
	if slices.Contains([]string{"SERVICE.LOCATION.UNAVAILABLE", "FEDEXSERVICE.NOT.AVAILABLE", "SERVICETYPE.NOT.ALLOWED"}, failed.Code) {
		failed.Err = shipping.ErrCountry
	}
	return failed
}

// ours says whether a code blames our account, and no parcel.
func ours(code string) bool {
	return strings.HasPrefix(code, "ACCOUNT.") || code == "NOT.AUTHORIZED.ERROR" || code == "FORBIDDEN.ERROR"
}
