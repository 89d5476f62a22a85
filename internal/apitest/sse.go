package apitest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// EventStream is one subscription as server-sent events, in the mode of one connection for each.
type EventStream struct {
	LastID string // of the last event that had an id

	body   io.ReadCloser
	lines  *bufio.Reader
	cancel context.CancelFunc
	take   func(json.RawMessage) // an event's data
}

// Listen opens a subscription over server-sent events, which has to be taken.
func (c Client) Listen(t testing.TB, query string, vars Vars) *EventStream {
	t.Helper()
	return c.ListenAfter(t, "", query, vars)
}

// TryListen is Listen where it may be refused.
func (c Client) TryListen(t testing.TB, query string, vars Vars) (*EventStream, error) {
	t.Helper()
	s, err := c.listen(t.Context(), "", query, vars)
	if err == nil {
		t.Cleanup(s.Cut)
	}
	return s, err
}

// ListenAfter is Listen as a browser does it that has lost its connection: with the id of the last event.
func (c Client) ListenAfter(t testing.TB, lastID, query string, vars Vars) *EventStream {
	t.Helper()
	s, err := c.listen(t.Context(), lastID, query, vars)
	if err != nil {
		t.Fatalf("listen %s: %v", head(query), err)
	}
	t.Cleanup(s.Cut)
	return s
}

func (c Client) listen(ctx context.Context, lastID, query string, vars Vars) (*EventStream, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Language != "" {
		req.Header.Set("Accept-Language", c.Language)
	}
	if c.Device != "" {
		req.Header.Set("Souk-Device", c.Device)
	}
	resp, err := new(http.Client).Do(req) // without a limit: a stream is as long as it is
	if err != nil {
		cancel()
		return nil, err
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("status %d, %s: %s", resp.StatusCode, kind, text)
	}
	take := func(data json.RawMessage) { c.Reached.answered(query, vars, data) }
	return &EventStream{body: resp.Body, lines: bufio.NewReader(resp.Body), cancel: cancel, take: take}, nil
}

// Receive gives the next event's data, or why there is none.
func (s *EventStream) Receive() (json.RawMessage, error) {
	watch := time.AfterFunc(patience, s.cancel)
	defer watch.Stop()
	kind, data := "", ""
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		field, value, _ := strings.Cut(line, ":")
		switch {
		case line == "" && kind == "next":
			event, err := eventData(json.RawMessage(data))
			if err == nil {
				s.take(event)
			}
			return event, err
		case line == "" && kind == "complete":
			return nil, ErrComplete
		case line == "" && kind != "":
			return nil, fmt.Errorf("an event of kind %q", kind)
		case field == "event":
			kind = strings.TrimSpace(value)
		case field == "id":
			s.LastID = strings.TrimSpace(value)
		case field == "data":
			data += value
		case field == "" || line == "": // a comment keeps the connection alive
		default:
			return nil, errors.New("not an event stream: " + line)
		}
	}
}

// Cut ends the connection.
func (s *EventStream) Cut() {
	s.cancel()
	_ = s.body.Close()
}

// ReadEvents reads a stream's events, one with each call: its kind and its data.
func ReadEvents(body io.Reader) func() (string, error) {
	lines := bufio.NewReader(body)
	return func() (string, error) {
		kind, data := "", ""
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return "", err
			}
			field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ": ")
			switch {
			case field == "event":
				kind = value
			case field == "data":
				data = value
			case field == "" && kind != "":
				return kind + " " + data, nil
			}
		}
	}
}
