package blob

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/fault"
)

// ObjectPath is where a disk's objects are sent to and fetched from, by signed links.
const ObjectPath = "/media/objects/"

const sendTime = 2 * time.Minute // for a client to send an object's bytes

// The refusals of who uses a signed link.
var (
	ErrLink = fault.New(fault.Forbidden, "UPLOAD_LINK_INVALID", "This link is not valid, or has expired.")
	ErrSize = fault.New(fault.Invalid, "PHOTO_SIZE", "A photo has at most 20 MiB and 40 million pixels, and exactly the announced size.")
	ErrBody = fault.New(fault.Invalid, "UPLOAD_CUT", "The upload ended early.")
)

// Disk keeps objects in a directory, whose name is written in it: servers that share the directory are one store.
type Disk struct {
	dir     string
	name    string
	baseURL func() string
	key     []byte
	clock   clock.Clock
}

// NewDisk keeps objects under dir. baseURL is the server's public address without a slash at its end; it is asked late, as the port may be
// chosen at start. key signs links.
func NewDisk(dir string, baseURL func() string, key []byte, c clock.Clock) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory of objects: %w", err)
	}
	name, err := nameOf(dir)
	if err != nil {
		return nil, fmt.Errorf("name the directory of objects: %w", err)
	}
	return &Disk{dir: dir, name: "disk-" + name, baseURL: baseURL, key: key, clock: c}, nil
}

// nameOf reads a directory's name, and gives it one where it has none; of several that do so at once one does.
func nameOf(dir string) (string, error) {
	path := filepath.Join(dir, ".name")
	made := strings.ToLower(rand.Text()[:16])
	tmp := filepath.Join(dir, ".name-"+made)
	if err := os.WriteFile(tmp, []byte(made), 0o600); err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	name, err := os.ReadFile(path)
	if err == nil && !keys.Match(name) {
		return "", fmt.Errorf("%s holds no name", path)
	}
	return string(name), err
}

// Name implements Store.
func (d *Disk) Name() string { return d.name }

// SignPut implements Store.
func (d *Disk) SignPut(_ context.Context, key, contentType string, bytes int64, ttl time.Duration) (Ticket, error) {
	link, expires, err := d.link(key, http.MethodPut, contentType, bytes, ttl)
	return Ticket{URL: link, Method: http.MethodPut, Headers: []Header{{"Content-Type", contentType}}, ExpiresAt: expires}, err
}

// SignGet implements Store.
func (d *Disk) SignGet(_ context.Context, key string, ttl time.Duration) (string, error) {
	link, _, err := d.link(key, http.MethodGet, "", 0, ttl)
	return link, err
}

func (d *Disk) link(key, method, contentType string, bytes int64, ttl time.Duration) (string, time.Time, error) {
	if err := checkKey(key); err != nil {
		return "", time.Time{}, err
	}
	expires := d.clock.Now().Add(ttl).Truncate(time.Second)
	query := url.Values{"expires": {strconv.FormatInt(expires.Unix(), 10)}}
	if method == http.MethodPut {
		query.Set("type", contentType)
		query.Set("bytes", strconv.FormatInt(bytes, 10))
	}
	query.Set("signature", base64.RawURLEncoding.EncodeToString(d.mac(method, key, query)))
	return d.baseURL() + ObjectPath + key + "?" + query.Encode(), expires, nil
}

func (d *Disk) mac(method, key string, query url.Values) []byte {
	h := hmac.New(sha256.New, d.key)
	_, _ = fmt.Fprintf(h, "%q %q %q %q %q", method, key, query.Get("expires"), query.Get("type"), query.Get("bytes"))
	return h.Sum(nil)
}

func (d *Disk) verify(method, key string, query url.Values) error {
	expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
	if err != nil || d.clock.Now().Unix() > expires || checkKey(key) != nil {
		return ErrLink
	}
	signature, err := base64.RawURLEncoding.DecodeString(query.Get("signature"))
	if err != nil || !hmac.Equal(signature, d.mac(method, key, query)) {
		return ErrLink
	}
	return nil
}

// Handler serves who holds a signed link. What was sent is given to received, which keeps it or refuses; fail writes a refusal.
func (d *Disk) Handler(
	received func(ctx context.Context, key, contentType string, body []byte) error, fail func(http.ResponseWriter, *http.Request, error),
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, ObjectPath)
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			if err := d.verify(http.MethodGet, key, r.URL.Query()); err != nil {
				fail(w, r, err)
				return
			}
			w.Header().Set("Cache-Control", "private, no-store")
			d.Serve(w, r, key)
		case http.MethodPut:
			body, err := d.receive(w, r, key)
			if err == nil {
				err = received(r.Context(), key, r.URL.Query().Get("type"), body)
			}
			if err != nil {
				fail(w, r, err)
				return
			}
			w.WriteHeader(http.StatusCreated)
		default:
			w.Header().Set("Allow", "GET, HEAD, PUT")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		}
	})
}

// receive reads what was announced. A body that says it is larger is refused before it is read, one that does not say is read so far.
func (d *Disk) receive(w http.ResponseWriter, r *http.Request, key string) ([]byte, error) {
	query := r.URL.Query()
	if err := d.verify(http.MethodPut, key, query); err != nil {
		return nil, err
	}
	want, err := strconv.ParseInt(query.Get("bytes"), 10, 64)
	if err != nil || r.ContentLength >= 0 && r.ContentLength != want {
		return nil, ErrSize
	}
	// The server has no read time-out of its own, because that would cut streams. A writer without deadlines is a test's.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(sendTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, want))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, ErrSize
	}
	if err != nil {
		return nil, ErrBody.Because(err)
	}
	if int64(len(body)) != want {
		return nil, ErrSize
	}
	return body, nil
}

// Serve writes an object, or 404. Its type is told by its bytes.
func (d *Disk) Serve(w http.ResponseWriter, r *http.Request, key string) {
	f, err := os.Open(d.path(key))
	if checkKey(key) != nil || err != nil {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }()
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// Has says whether an object is there.
func (d *Disk) Has(key string) bool {
	info, err := os.Stat(d.path(key))
	return checkKey(key) == nil && err == nil && info.Mode().IsRegular()
}

func (d *Disk) path(key string) string { return filepath.Join(d.dir, filepath.FromSlash(key)) }

// Put implements Store. It writes to a temporary name first, so that a crash leaves no half object behind the real one.
func (d *Disk) Put(_ context.Context, key, _ string, body []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	path := d.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(body)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	return os.Rename(tmp.Name(), path)
}

// Open implements Store.
func (d *Disk) Open(_ context.Context, key string) (io.ReadCloser, int64, error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	f, err := os.Open(d.path(key))
	if err != nil {
		return nil, 0, named(err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, errors.Join(ErrNotFound, err, f.Close())
	}
	return f, info.Size(), nil
}

func named(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return errors.Join(ErrUnavailable, err)
}

// Delete implements Store.
func (d *Disk) Delete(_ context.Context, keys ...string) error {
	var errs []error
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		if err := os.Remove(d.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, errors.Join(ErrUnavailable, err))
		}
	}
	return errors.Join(errs...)
}

// List implements Store.
func (d *Disk) List(ctx context.Context, prefix, after string) (objects []Object, err error) {
	root := d.path(prefix)
	if !strings.HasSuffix(prefix, "/") {
		root = filepath.Dir(root)
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted while we look
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		relative, err := filepath.Rel(d.dir, path)
		key := filepath.ToSlash(relative)
		if err != nil || entry.IsDir() || !strings.HasPrefix(key, prefix) || key <= after || checkKey(key) != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // deleted while we look
		}
		objects = append(objects, Object{key, info.Size(), info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, errors.Join(ErrUnavailable, err)
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return objects[:min(len(objects), listed)], nil
}
