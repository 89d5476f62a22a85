package arrival_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/arrival"
)

// pair is both ends of a connection, the first one as a server has it.
func pair(t *testing.T, l net.Listener) (served, client net.Conn) {
	t.Helper()
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = served.Close() })
	return served, client
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	plain, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	return arrival.Listen(plain)
}

// awake waits until the kernel notes times: it begins a moment after the first socket has asked for them.
func awake(t *testing.T, l net.Listener) {
	t.Helper()
	served, client := pair(t, l)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		say(t, client, "?")
		sent := time.Now()
		if _, came := hear(t, served, 1); came.Before(sent) {
			return
		}
	}
	t.Fatal("the kernel notes no times")
}

func say(t *testing.T, conn net.Conn, words string) {
	t.Helper()
	if _, err := conn.Write([]byte(words)); err != nil {
		t.Fatal(err)
	}
}

// hear reads so many bytes, and tells when they came.
func hear(t *testing.T, conn net.Conn, n int) (string, time.Time) {
	t.Helper()
	words := make([]byte, n)
	if _, err := io.ReadFull(conn, words); err != nil {
		t.Fatal(err)
	}
	return string(words), arrival.Of(arrival.Mark(arrival.WithConn(context.Background(), conn)))
}

// What was sent first came first, in whatever order the connections are read.
func TestOrderIsThePackets(t *testing.T) {
	t.Parallel()
	const crowd = 50
	l := listen(t)
	awake(t, l)
	served, clients := make([]net.Conn, crowd), make([]net.Conn, crowd)
	for i := range crowd {
		served[i], clients[i] = pair(t, l)
	}
	for _, client := range clients {
		say(t, client, "bid")
	}
	came := make([]time.Time, crowd)
	for i := crowd - 1; i >= 0; i-- {
		_, came[i] = hear(t, served[i], 3)
	}
	for i := 1; i < crowd; i++ {
		if came[i].Before(came[i-1]) {
			t.Errorf("%d came at %v, before %d at %v", i, came[i], i-1, came[i-1])
		}
	}
}

// A connection that is kept has each request's own time.
func TestEachReadHasItsTime(t *testing.T) {
	t.Parallel()
	l := listen(t)
	awake(t, l)
	served, client := pair(t, l)
	say(t, client, "first")
	before := time.Now()
	_, first := hear(t, served, 5)
	if first.After(before) {
		t.Errorf("it came at %v, and had been sent before %v", first, before)
	}
	say(t, client, "second")
	if _, second := hear(t, served, 6); !second.After(first) {
		t.Errorf("the second came at %v, the first at %v", second, first)
	}
}

// What has been read says nothing of what is read later: a mark stays.
func TestMarkStays(t *testing.T) {
	t.Parallel()
	served, client := pair(t, listen(t))
	say(t, client, "a")
	hear(t, served, 1)
	marked := arrival.Mark(arrival.WithConn(t.Context(), served))
	at := arrival.Of(marked)
	say(t, client, "b")
	hear(t, served, 1)
	if again := arrival.Of(marked); !again.Equal(at) {
		t.Errorf("the mark was %v, and is %v", at, again)
	}
}

// Of what did not come over such a connection, the time is the present one.
func TestWithoutAConnection(t *testing.T) {
	t.Parallel()
	before := time.Now()
	ctx := arrival.Mark(t.Context())
	if at := arrival.Of(ctx); at.Before(before) || at.After(time.Now()) {
		t.Errorf("marked at %v, asked at %v", at, before)
	}
	if at := arrival.Of(t.Context()); at.Before(before) {
		t.Errorf("unmarked it is %v, asked at %v", at, before)
	}
}

// A connection fails as any other does.
func TestReadFailsLikeAnyOther(t *testing.T) {
	t.Parallel()
	l := listen(t)
	word := make([]byte, 8)

	served, client := pair(t, l)
	if n, err := served.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing to read into: %d, %v", n, err)
	}
	_ = served.SetReadDeadline(time.Now().Add(-time.Second))
	_, err := served.Read(word)
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
	_ = served.SetReadDeadline(time.Time{})
	say(t, client, "after")
	if heard, _ := hear(t, served, 5); heard != "after" {
		t.Errorf("after a deadline it read %q", heard)
	}
	_ = client.Close()
	if _, err := served.Read(word); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}

	served, client = pair(t, l)
	_ = client.(*net.TCPConn).SetLinger(0) // a close is a reset
	_ = client.Close()
	if _, err := served.Read(word); err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "reset") {
		t.Errorf("reset: %v", err)
	}

	served, _ = pair(t, l)
	_ = served.Close()
	if _, err := served.Read(word); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A read that waits is ended by a deadline that is set meanwhile, as net/http does to take a connection over.
func TestDeadlineEndsAReadThatWaits(t *testing.T) {
	t.Parallel()
	served, _ := pair(t, listen(t))
	ended := make(chan error)
	go func() {
		_, err := served.Read(make([]byte, 1))
		ended <- err
	}()
	_ = served.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	plain, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	for name, l := range map[string]net.Listener{"plain": plain, "timed": arrival.Listen(plain)} {
		b.Run(name, func(b *testing.B) {
			client, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			served, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = served.Close() }()
			word := make([]byte, 512)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Write(word); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(served, word); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
