//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/bench/rig"
)

func TestParseRefusesUnknownParts(t *testing.T) {
	t.Parallel()
	if _, err := parse([]string{"-only", "hot,nonsense"}); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	o, err := parse([]string{"-quick", "-only", "hot"})
	if err != nil || o.rounds != 1 || len(o.only) != 1 || !strings.HasPrefix(o.souk, "/") {
		t.Errorf("got %+v, %v", o, err)
	}
}

// Only bids that were taken count, and all bidders' times are one distribution.
func TestSum(t *testing.T) {
	t.Parallel()
	got, err := sum([]bidder{{refused: 5, delays: []float64{4, 1, 3}}, {refused: 1, delays: []float64{2, 5, 7, 6, 8, 9, 10}}}, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got.taken != 10 || got.refused != 6 || got.rate() != 5 || got.p50 != 6 || got.p99 != 10 || got.refusedShare() != 37.5 {
		t.Errorf("got %+v, %v a second, %v refused", got, got.rate(), got.refusedShare())
	}
	if _, err := sum([]bidder{{refused: 9}}, time.Second); err == nil {
		t.Error("a turn without a bid counts")
	}
}

func TestDriveEndsWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := driveFor(t.Context(), 3, time.Hour, func(_ context.Context, bidder int) (bool, error) {
		if bidder == 1 {
			return false, broken
		}
		return true, nil
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// The ratio is taken within each round: a machine that is slow for a round is slow for both.
func TestReport(t *testing.T) {
	t.Parallel()
	of := func(rates ...int) (turns []turn) {
		for _, rate := range rates {
			turns = append(turns, turn{taken: rate, refused: rate, took: time.Second})
		}
		return turns
	}
	turns := map[string][]turn{"naive": of(100, 10, 100), "engine": of(3000, 280, 2000)}
	if got := vsNaive(turns, "engine"); math.Abs(got-28) > 1e-9 {
		t.Errorf("the ratio is %v, want 28", got)
	}
	var out bytes.Buffer
	b := &bench{Report: rig.Report{Out: &out}}
	b.rows([]side{{name: "naive"}, {name: "engine"}}, turns)
	b.Result("bids", vsNaive(turns, "engine"))
	b.Print()
	for _, want := range []string{"2000  (3000 280 2000)", "refused 50.0 % of 4000  28.00 times\n", "RESULT bids 28\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

// The client sends requests that a server understands, and reads the answers one by one.
func TestClient(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer func() { _ = here.Close() }()
	asked := make(chan string, 2)
	go func() {
		buffer := make([]byte, 1000)
		for _, answer := range []string{
			"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length: 5\r\n\r\nfirst",
			"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno",
		} {
			n, _ := there.Read(buffer)
			asked <- string(buffer[:n])
			_, _ = there.Write([]byte(answer))
		}
	}()
	c := newClient(here, "souk.example:80", "secret")
	post := func(body string) ([]byte, error) {
		if err := c.send([]byte(body)); err != nil {
			return nil, err
		}
		return c.answer()
	}
	if got, err := post("{}"); err != nil || string(got) != "first" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := <-asked; !strings.HasPrefix(got, "POST /graphql HTTP/1.1\r\nHost: souk.example:80\r\n") ||
		!strings.Contains(got, "\r\nAuthorization: Bearer secret\r\n") || !strings.HasSuffix(got, "\r\nContent-Length: 2\r\n\r\n{}") {
		t.Errorf("it sent %q", got)
	}
	if got, err := post("{}"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a refusal gave %q, %v", got, err)
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"data":{"bidPlace":{"bid":{"id":"bid_1"},"userErrors":[]}}}`:                 true,
		`{"data":{"bidPlace":{"bid":null,"userErrors":[{"code":"BID_TOO_LOW"}]}}}`:     false,
		`{"data":{"bidPlace":{"bid":null,"userErrors":[{"code":"ALREADY_LEADING"}]}}}`: false,
	} {
		if got, err := accepted([]byte(answer)); err != nil || got != want {
			t.Errorf("%s: %v, %v", answer, got, err)
		}
	}
	if _, err := accepted([]byte(`{"errors":[{"message":"INTERNAL"}]}`)); err == nil {
		t.Error("a failure counts as an answer")
	}
}
