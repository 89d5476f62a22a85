// Package apitest is a client of the API for tests: operations over HTTP, subscriptions over WebSocket (both
// protocols) and server-sent events, and a story told as golden JSON.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience bounds whatever a test waits for; a test that needs it all has failed.
const patience = 30 * time.Second

// Client speaks to one server as one person, or as nobody.
type Client struct {
	URL      string // of the server, without a path
	Token    string
	Language string       // Accept-Language, where it is set
	Device   string       // Souk-Device, where it is set
	Reached  *Reached     // what is answered is taken in here, where it is set
	HTTP     *http.Client // nil: one with Go's own transport, which keeps two idle connections
}

// As is the same client with another token.
func (c Client) As(token string) Client {
	c.Token = token
	return c
}

// Reading is the same client with another language.
func (c Client) Reading(language string) Client {
	c.Language = language
	return c
}

func (c Client) http() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{Timeout: patience}
}

// Answer is a response of the API.
type Answer struct {
	Status     int             `json:"-"`
	Data       json.RawMessage `json:"data"`
	Errors     []Error         `json:"errors"`
	Extensions map[string]any  `json:"extensions"`
	Body       []byte          `json:"-"` // all of it, as it came
}

// Error is one top-level error.
type Error struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code         string `json:"code"`
		Kind         string `json:"kind"`
		RequestID    string `json:"requestId"`
		Retryable    bool   `json:"retryable"`
		RetryAfterMs int    `json:"retryAfterMs,omitempty"`
	} `json:"extensions"`
}

// Vars are an operation's variables.
type Vars map[string]any

// Do sends an operation and gives the answer, whatever it is; err is a failure to get one.
func (c Client) Do(query string, vars Vars) (Answer, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.Post(bytes.NewReader(body))
	if err == nil && len(answer.Errors) == 0 {
		c.Reached.answered(query, vars, answer.Data)
	}
	return answer, err
}

// Post sends a body as it is.
func (c Client) Post(body io.Reader) (Answer, error) {
	req, err := http.NewRequest(http.MethodPost, c.URL+"/graphql", body)
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Language != "" {
		req.Header.Set("Accept-Language", c.Language)
	}
	if c.Device != "" {
		req.Header.Set("Souk-Device", c.Device)
	}
	resp, err := c.http().Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Status: resp.StatusCode, Body: raw}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return answer, fmt.Errorf("status %d, body %q: %w", resp.StatusCode, raw, err)
	}
	return answer, nil
}

// Persist is Do as a client does it that does not know what became of its first attempt: while that may still run, it asks
// again.
func (c Client) Persist(query string, vars Vars) (Answer, error) {
	for begun := time.Now(); ; {
		answer, err := c.Do(query, vars)
		if err != nil || len(answer.Errors) == 0 || answer.Errors[0].Extensions.Code != "IDEMPOTENCY_IN_FLIGHT" || time.Since(begun) > patience {
			return answer, err
		}
		time.Sleep(time.Duration(answer.Errors[0].Extensions.RetryAfterMs) * time.Millisecond)
	}
}

// Must sends an operation that has to succeed, and gives its data to read by path.
func (c Client) Must(t testing.TB, query string, vars Vars) JSON {
	t.Helper()
	answer, err := c.Persist(query, vars)
	if err != nil {
		t.Fatalf("%s: %v", head(query), err)
	}
	if len(answer.Errors) > 0 {
		t.Fatalf("%s: %+v", head(query), answer.Errors)
	}
	return JSON{t: t, raw: answer.Data}
}

func head(query string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(query), "\n")
	return line
}

// JSON is a value to look into by a path such as "bidPlace.bid.id" or "nodes.0.title".
type JSON struct {
	t   testing.TB
	raw json.RawMessage
}

// Look makes a value that came another way readable by path.
func Look(t testing.TB, raw json.RawMessage) JSON {
	t.Helper()
	return JSON{t: t, raw: raw}
}

// Raw is the value as it came.
func (j JSON) Raw() json.RawMessage { return j.raw }

// At goes down a path; what is not there is null.
func (j JSON) At(path string) JSON {
	j.t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(j.raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		j.t.Fatalf("%s: %v", j.raw, err)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			var i int
			if _, err := fmt.Sscanf(key, "%d", &i); err != nil || i >= len(v) {
				value = nil
			} else {
				value = v[i]
			}
		default:
			value = nil
		}
	}
	raw, err := json.Marshal(value)
	if err != nil {
		j.t.Fatal(err)
	}
	return JSON{t: j.t, raw: raw}
}

// Str is a string, or the text of any other value.
func (j JSON) Str(path string) string {
	j.t.Helper()
	at := j.At(path)
	var s string
	if json.Unmarshal(at.raw, &s) == nil {
		return s
	}
	return string(at.raw)
}

// Int is a whole number.
func (j JSON) Int(path string) int {
	j.t.Helper()
	var n int
	if err := json.Unmarshal(j.At(path).raw, &n); err != nil {
		j.t.Fatalf("%s is no number in %s", path, j.raw)
	}
	return n
}
