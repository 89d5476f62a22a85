package httpx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/httpx"
)

const limit = 1 << 20

// echoLength answers with how much of the body it was given.
func echoLength(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	_, _ = fmt.Fprint(w, len(body), " ", r.ContentLength)
}

func limited(t *testing.T) *bundle {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/graphql", httpx.BodyLimit(limit)(http.HandlerFunc(echoLength)))
	return setup(t, mux)
}

func TestBodyWithinTheLimitPasses(t *testing.T) {
	t.Parallel()
	b := limited(t)
	for _, size := range []int{0, 1, limit - 1, limit} {
		response, body := b.do(t, http.MethodPost, "/graphql", nil, strings.NewReader(strings.Repeat("x", size)))
		if want := fmt.Sprint(size, " ", size); response.StatusCode != http.StatusOK || body != want {
			t.Errorf("%d bytes: %d %q", size, response.StatusCode, body)
		}
	}
}

func TestBodyBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	b := limited(t)
	for _, size := range []int{limit + 1, 10 << 20} {
		text := strings.Repeat("x", size)
		for name, reader := range map[string]io.Reader{
			"announced": strings.NewReader(text),
			"chunked":   io.MultiReader(strings.NewReader(text)), // its length is unknown, so it goes in chunks
		} {
			response, body := b.do(t, http.MethodPost, "/graphql", nil, reader)
			if response.StatusCode != http.StatusRequestEntityTooLarge || errorCode(t, body) != "BODY_TOO_LARGE" {
				t.Errorf("%d bytes, %s: %d %s", size, name, response.StatusCode, body)
			}
		}
	}
}

// raw speaks HTTP by hand, for what no client library would send.
func raw(t *testing.T, b *bundle, request string) *http.Response {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", b.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestHugeAnnouncementIsRefusedUnread(t *testing.T) {
	t.Parallel()
	response := raw(t, limited(t), "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestClientThatWaitsForLeaveIsToldAtOnce(t *testing.T) {
	t.Parallel()
	response := raw(t, limited(t), "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n")
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want the refusal and no leave to send", response.StatusCode)
	}
}

func TestLyingLengthDoesNotWidenTheLimit(t *testing.T) {
	t.Parallel()
	// HTTP ends the body where the length says; what follows is another request, and a bad one.
	response := raw(t, limited(t), "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"+strings.Repeat("x", 4096))
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "5 5" {
		t.Errorf("%v %q", err, body)
	}
}

func TestBrokenBodyIsTheClientsMistake(t *testing.T) {
	t.Parallel()
	response := raw(t, limited(t), "POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n")
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusBadRequest || errorCode(t, string(body)) != "BODY_UNREADABLE" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}
