package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestStripeFakeAlone starts the command, pays by plain HTTP, and starts it again on the same state.
func TestStripeFakeAlone(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	start := func() (url string, stop func() error) {
		ctx, cancel := context.WithCancel(t.Context())
		out, in := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- runStripeFake(ctx, &console{out: in, err: io.Discard},
				[]string{"-addr", "127.0.0.1:0", "-key", "sk_test_mine", "-state", state, "-seed", "3"})
			_ = in.Close()
		}()
		line := make([]byte, 256)
		n, err := out.Read(line)
		if err != nil {
			t.Fatalf("%v, %v", err, <-done)
		}
		url = regexp.MustCompile(`http://[0-9.:]+`).FindString(string(line[:n]))
		return url, func() error {
			cancel()
			return <-done
		}
	}
	call := func(method, address, form string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("sk_test_mine", "")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	url, stop := start()
	status, body := call(http.MethodPost, url+"/v1/customers", "email=nadia@example.com")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	url, stop = start()
	if status, body := call(http.MethodGet, url+"/v1/customers", ""); status != http.StatusOK || !strings.Contains(body, "nadia@example.com") {
		t.Errorf("after the restart: %d %s", status, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestStripeFakeMisused(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-webhook-url http://127.0.0.1:1", "-webhook-secret s", "-faults gremlins=1", "-seed x", "now", "-colour red"} {
		var said bytes.Buffer
		err := runStripeFake(t.Context(), &console{out: io.Discard, err: &said}, append([]string{"-addr", "127.0.0.1:0"}, strings.Fields(args)...))
		if got := exitCode(io.Discard, err); got != exitUsage || said.Len() == 0 {
			t.Errorf("%s: exit code %d, said %q", args, got, said.String())
		}
	}
}
