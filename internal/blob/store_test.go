package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/blob/blobtest"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
)

// drivers are the stores that the suite holds. A real server is one of them where its address is set: see `make test-s3`.
func drivers(t *testing.T) map[string]blob.Store {
	t.Helper()
	fake := blobtest.New(t)
	stores := map[string]blob.Store{"disk": onDisk(t), "bucket": blob.NewS3(fake.Config(clock.System{}))}
	if endpoint := os.Getenv("SOUK_TEST_S3"); endpoint != "" {
		stores["real"] = blob.NewS3(blob.S3Config{
			Endpoint: endpoint, Region: "us-east-1", Bucket: os.Getenv("SOUK_TEST_S3_BUCKET"), AccessKey: os.Getenv("SOUK_TEST_S3_ACCESS_KEY"),
			SecretKey: os.Getenv("SOUK_TEST_S3_SECRET_KEY"), Clock: clock.System{},
		})
	}
	return stores
}

func onDisk(t *testing.T) *blob.Disk {
	t.Helper()
	var server *httptest.Server
	disk, err := blob.NewDisk(t.TempDir(), func() string { return server.URL }, []byte("key"), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(disk.Handler(func(ctx context.Context, key, contentType string, body []byte) error {
		return disk.Put(ctx, key, contentType, body)
	}, func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, domaintest.Code(err))
	}))
	t.Cleanup(server.Close)
	return disk
}

func suite(t *testing.T, test func(t *testing.T, s blob.Store)) {
	t.Helper()
	for name, s := range drivers(t) {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, s) })
	}
}

func key(t *testing.T, name string) string {
	t.Helper()
	return fmt.Sprintf("t%d/%s", time.Now().UnixNano(), name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, method, link, contentType string, body io.Reader, length int64) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, link, body)
	must(t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if length != 0 {
		r.ContentLength = length
	}
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, string(got)
}

func TestKeepAndDelete(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T, s blob.Store) {
		k := key(t, "a.jpg")
		if _, err := blob.ReadAll(t.Context(), s, k, 10); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("before: %v", err)
		}
		must(t, s.Put(t.Context(), k, "image/jpeg", []byte("first")))
		must(t, s.Put(t.Context(), k, "image/jpeg", []byte("second")))
		if body, err := blob.ReadAll(t.Context(), s, k, 6); err != nil || string(body) != "second" {
			t.Errorf("%q, %v", body, err)
		}
		if _, err := blob.ReadAll(t.Context(), s, k, 5); !errors.Is(err, blob.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		must(t, s.Delete(t.Context(), k, k, key(t, "never.jpg")))
		must(t, s.Delete(t.Context()))
		if _, _, err := s.Open(t.Context(), k); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("after: %v", err)
		}
	})
}

func TestKeysLeadNowhereElse(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T, s blob.Store) {
		for _, k := range []string{"", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/.b", "A", "a\x00b", "a/b/", `a\b`, "é", strings.Repeat("a", 201), "a/b/c/d/e/f"} {
			_, _, err := s.Open(t.Context(), k)
			_, signErr := s.SignGet(t.Context(), k, time.Minute)
			_, putErr := s.SignPut(t.Context(), k, "image/png", 1, time.Minute)
			for _, err := range []error{err, signErr, putErr, s.Put(t.Context(), k, "image/png", nil), s.Delete(t.Context(), k)} {
				if !errors.Is(err, blob.ErrKey) {
					t.Errorf("%q: %v", k, err)
				}
			}
		}
	})
}

func TestListed(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T, s blob.Store) {
		prefix := key(t, "")
		for _, name := range []string{"b", "a", "c/d", "c/e.jpg"} {
			must(t, s.Put(t.Context(), prefix+name, "image/jpeg", []byte(name)))
		}
		list := func(prefix, after string) string {
			t.Helper()
			found, err := s.List(t.Context(), prefix, after)
			must(t, err)
			var names []string
			for _, o := range found {
				if o.Bytes == 0 || time.Since(o.ModifiedAt).Abs() > time.Hour {
					t.Errorf("%+v", o)
				}
				names = append(names, o.Key[strings.Index(o.Key, "/")+1:])
			}
			return strings.Join(names, " ")
		}
		for _, c := range [][3]string{{"", "", "a b c/d c/e.jpg"}, {"", "a", "b c/d c/e.jpg"}, {"c/", "", "c/d c/e.jpg"}, {"", "c/e.jpg", ""}, {"none/", "", ""}} {
			after := c[1]
			if after != "" {
				after = prefix + after
			}
			if got := list(prefix+c[0], after); got != c[2] {
				t.Errorf("%q after %q: %s", c[0], c[1], got)
			}
		}
	})
}

// A ticket is for one key, one type, one length, and a time; a link for one key and a time.
func TestTickets(t *testing.T) {
	t.Parallel()
	suite(t, func(t *testing.T, s blob.Store) {
		k, other := key(t, "a.png"), key(t, "b.png")
		ticket, err := s.SignPut(t.Context(), k, "image/png", 5, time.Minute)
		must(t, err)
		if left := time.Until(ticket.ExpiresAt); left > time.Minute || left < 50*time.Second || ticket.Method != http.MethodPut || ticket.Headers[0].Value != "image/png" {
			t.Errorf("%+v", ticket)
		}
		link, err := url.Parse(ticket.URL)
		must(t, err)
		for name, c := range map[string]struct {
			link   string
			body   io.Reader
			length int64
		}{
			"too short":       {ticket.URL, strings.NewReader("1234"), 0},
			"too long":        {ticket.URL, strings.NewReader("123456"), 0},
			"another's key":   {strings.Replace(ticket.URL, k, other, 1), strings.NewReader("12345"), 0},
			"no signature":    {link.Scheme + "://" + link.Host + link.Path, strings.NewReader("12345"), 0},
			"another's query": {strings.Replace(ticket.URL, "ignature=", "ignature=0", 1), strings.NewReader("12345"), 0},
		} {
			if status, _ := send(t, http.MethodPut, c.link, "image/png", c.body, c.length); status/100 != 4 {
				t.Errorf("%s: %d", name, status)
			}
		}
		if _, _, err := s.Open(t.Context(), k); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("what was refused is kept: %v", err)
		}
		if status, text := send(t, http.MethodPut, ticket.URL, "image/png", strings.NewReader("12345"), 0); status/100 != 2 {
			t.Fatalf("%d %s", status, text)
		}
		if status, _ := send(t, http.MethodGet, ticket.URL, "", nil, 0); status/100 != 4 {
			t.Errorf("the ticket fetches: %d", status)
		}
		fetch, err := s.SignGet(t.Context(), k, time.Minute)
		must(t, err)
		if status, text := send(t, http.MethodGet, fetch, "", nil, 0); status != http.StatusOK || text != "12345" {
			t.Errorf("%d %q", status, text)
		}
		if status, _ := send(t, http.MethodPut, fetch, "", strings.NewReader("12345"), 0); status/100 != 4 {
			t.Errorf("the link sends: %d", status)
		}
		short, err := s.SignGet(t.Context(), k, time.Second)
		must(t, err)
		time.Sleep(2100 * time.Millisecond)
		if status, _ := send(t, http.MethodGet, short, "", nil, 0); status/100 != 4 {
			t.Errorf("after its time: %d", status)
		}
	})
}

// 200 MB that say so are refused before they are read; 200 MB that do not, once there is more than was announced.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	disk := onDisk(t)
	ticket, err := disk.SignPut(t.Context(), key(t, "a.png"), "image/png", 5, time.Minute)
	must(t, err)
	const huge = 200 << 20
	for name, length := range map[string]int64{"told": huge, "not told": -1} {
		read := &counter{Reader: io.LimitReader(zeros{}, huge)}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, ticket.URL, read)
		must(t, err)
		r.ContentLength = length
		answer, err := http.DefaultClient.Do(r)
		if err == nil { // the server may hang up while we send
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s", name, answer.Status)
			}
		}
		if n := read.n.Load(); n > 32<<20 {
			t.Errorf("%s: %d bytes were sent", name, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// counter counts what is read of it: the client may still be sending when it has its answer.
type counter struct {
	io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// What does not answer is not missing.
func TestAwayIsNotMissing(t *testing.T) {
	t.Parallel()
	fake := blobtest.New(t)
	s := blob.NewS3(fake.Config(clock.System{}))
	must(t, s.Put(t.Context(), "a/b", "image/jpeg", []byte("x")))
	fake.Down(true)
	_, _, err := s.Open(t.Context(), "a/b")
	_, listErr := s.List(t.Context(), "a/", "")
	for _, err := range []error{err, listErr, s.Put(t.Context(), "a/c", "image/jpeg", nil), s.Delete(t.Context(), "a/b")} {
		if !errors.Is(err, blob.ErrUnavailable) || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
	fake.Down(false)
	if body, err := blob.ReadAll(t.Context(), s, "a/b", 10); err != nil || !bytes.Equal(body, []byte("x")) {
		t.Errorf("%q, %v", body, err)
	}
}

// The name of a directory is given once, however many look at it at once.
func TestTheNameOfADisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := make([]string, 8)
	for i, err := range domaintest.AtOnce(len(names), func(i int) error {
		disk, err := blob.NewDisk(dir, nil, nil, clock.System{})
		if err == nil {
			names[i] = disk.Name()
		}
		return err
	}) {
		if must(t, err); names[i] != names[0] {
			t.Errorf("%s and %s", names[i], names[0])
		}
	}
	other, err := blob.NewDisk(t.TempDir(), nil, nil, clock.System{})
	if must(t, err); other.Name() == names[0] {
		t.Error("two directories have one name")
	}
}
