package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// start is what one run of the program took.
type start struct{ answer, banner, stop time.Duration }

func (s start) toAnswer() time.Duration { return s.answer }
func (s start) toBanner() time.Duration { return s.banner }
func (s start) toStop() time.Duration   { return s.stop }

// measure starts the program's demo, asks it until it answers, waits for the banner and stops it.
func measure(ctx context.Context, program, state string) (result start, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	addr, err := freeAddr(ctx)
	if err != nil {
		return result, err
	}
	var complaints bytes.Buffer
	shown := make(chan struct{})
	cmd := exec.Command(program, "demo") //nolint:noctx // stop ends it: a context would kill it, and leave its PostgreSQL to recover
	cmd.Env = environment(addr, state)
	cmd.Stdout = &watcher{marker: []byte("Ctrl-C stops"), seen: shown}
	cmd.Stderr = &complaints

	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return result, fmt.Errorf("start %s: %w", program, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	answered := make(chan error, 1)
	go func() { answered <- awaitAnswer(ctx, "http://"+addr+"/graphql") }()

	for range 2 { // the answer and the banner, in either order
		select {
		case err := <-answered:
			if err != nil {
				stopped := stop(cmd, ended) // before its words are read
				return result, errors.Join(fmt.Errorf("no answer: %w: %s", err, complaints.String()), stopped)
			}
			result.answer = time.Since(begun)
		case <-shown:
			result.banner, shown = time.Since(begun), nil
		case err := <-ended:
			return result, fmt.Errorf("it ended by itself: %w: %s", errors.Join(err), complaints.String())
		case <-ctx.Done():
			return result, errors.Join(fmt.Errorf("no banner: %w", ctx.Err()), stop(cmd, ended))
		}
	}
	stopping := time.Now()
	err = stop(cmd, ended)
	result.stop = time.Since(stopping)
	return result, err
}

// stop asks the process to end, as Ctrl-C does, and makes it end when it does not.
func stop(cmd *exec.Cmd, ended <-chan error) error {
	_ = cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("it did not stop cleanly: %w", err)
		}
		return nil
	case <-time.After(maxWait):
		_ = cmd.Process.Kill()
		return fmt.Errorf("it did not stop and was killed: %w", <-ended)
	}
}

// environment leaves out every setting of Souk's that this shell may have, so that the run is the
// newcomer's.
func environment(addr, state string) []string {
	env := []string{"SOUK_ADDR=" + addr, "SOUK_STATE_DIR=" + state}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch {
		case strings.HasPrefix(name, "SOUK_"), strings.HasPrefix(name, "STRIPE_"), strings.HasPrefix(name, "DATABASE_"),
			strings.HasPrefix(name, "PG"), name == "REDIS_URL":
		default:
			env = append(env, pair)
		}
	}
	return env
}

// awaitAnswer asks until a query is answered with data. The program takes its address early and answers
// late, so a question may wait in between; that is the newcomer's wait too.
func awaitAnswer(ctx context.Context, url string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: maxWait}
	for {
		ok, err := ask(ctx, client, url)
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) (bool, error) {
	body := strings.NewReader(`{"query":"{ __typename }"}`)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return false, fmt.Errorf("ask: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return false, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data struct {
			Typename string `json:"__typename"`
		} `json:"data"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	if answer.Data.Typename != "Query" {
		return false, fmt.Errorf("answered %s without data", response.Status)
	}
	return true, nil
}

// freeAddr finds a port that is free now. Another program may take it first; then the run fails and says so.
func freeAddr(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// watcher closes seen when the marker has gone by.
type watcher struct {
	marker []byte
	seen   chan struct{}
	text   []byte
	done   bool
}

// Write implements io.Writer; os/exec calls it from one goroutine.
func (w *watcher) Write(p []byte) (int, error) {
	if w.done {
		return len(p), nil
	}
	w.text = append(w.text, p...)
	if bytes.Contains(w.text, w.marker) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}
