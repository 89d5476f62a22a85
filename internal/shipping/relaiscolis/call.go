package relaiscolis

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/shipping"
)

// problem is how the service refuses: with a status of its own in the body, whatever that of the answer.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// post sends a value as JSON, and reads what was answered, unless that is a refusal.
func (c *Carrier) post(ctx context.Context, line *shipping.Line, op, url string, value any) (shipping.Answer, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return shipping.Answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return shipping.Answer{}, &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Refused, Err: errors.New("the address of the service is none")}
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := line.Do(ctx, op, request)
	if err != nil {
		return answer, err
	}
	var refused problem
	isProblem := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/") && json.Unmarshal(answer.Body, &refused) == nil && refused.Status >= http.StatusBadRequest
	if answer.Status == http.StatusOK && !isProblem {
		return answer, nil
	}
	status := answer.Status
	if isProblem {
		status = refused.Status
	}
	failed := &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Unknown, Code: strconv.Itoa(status), Text: strings.Join(strings.Fields(refused.Detail), " ")}
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		failed.Outcome = shipping.Unavailable
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		failed.Outcome = shipping.Locked
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		failed.Outcome = shipping.Refused
	}
	return answer, failed
}

// entry calls a method that answers one entry of XML, or an error in its place.
func (c *Carrier) entry(ctx context.Context, op, path string, value any) (string, error) {
	answer, err := c.post(ctx, c.line, op, c.config.URL+path, value)
	if err != nil {
		return "", err
	}
	var result struct {
		Entries []string `xml:"entry"`
	}
	if err := xml.Unmarshal(answer.Body, &result); err != nil || len(result.Entries) != 1 {
		return "", unreadable(op, "it is not one entry")
	}
	text := strings.TrimSpace(result.Entries[0])
	if code, refused := strings.CutPrefix(text, "error:"); refused {
		code, _, _ = strings.Cut(code, "<br>") // several are told at once
		return "", &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Refused, Code: code, Text: "the carrier refuses this"}
	}
	return text, nil
}

// unreadable is for an answer that is none: what was asked for may have happened.
func unreadable(op, why string) error {
	return &shipping.CarrierError{Carrier: Name, Op: op, Outcome: shipping.Unknown, Err: errors.New("the answer can't be read: " + why)}
}
