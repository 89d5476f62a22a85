package media_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/blob/blobtest"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
)

// hand is a clock that a test sets.
type hand struct{ at time.Time }

func (h *hand) Now() time.Time { return h.at }

// heard keeps the jobs that were enqueued, beside enqueueing them.
type heard struct {
	*river.Client[pgx.Tx]
	mu   sync.Mutex
	jobs []*rivertype.JobRow
}

func (h *heard) InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	made, err := h.Client.InsertTx(ctx, tx, args, opts)
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.jobs = append(h.jobs, made.Job)
	}
	return made, err
}

type bundle struct {
	*domaintest.World
	*media.Service
	disk   *blob.Disk
	dir    string
	bucket *blobtest.Fake // nil on a disk
	clock  *hand
	server *httptest.Server
	jobs   *heard
	owner  uuid.UUID
}

// server is one more server on a world, with a disk of its own.
func newServer(t *testing.T, w *domaintest.World, bucket *blobtest.Fake) *bundle {
	t.Helper()
	b := &bundle{World: w, dir: t.TempDir(), clock: &hand{time.Now()}, bucket: bucket}
	base := func() string { return b.server.URL }
	var err error
	b.disk, err = blob.NewDisk(b.dir, base, []byte("key"), b.clock)
	b.Must(err)
	client, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{})
	b.Must(err)
	b.jobs = &heard{Client: client}
	config := media.Config{Pool: w.Pool, Disk: b.disk, BaseURL: base, Jobs: b.jobs, Log: slog.New(slog.DiscardHandler)}
	if bucket != nil {
		config.Bucket = blob.NewS3(bucket.Config(b.clock))
	}
	b.Service = media.New(config)
	mux := http.NewServeMux()
	mux.Handle(media.PhotoPath, b.PhotoHandler())
	mux.Handle(blob.ObjectPath, b.disk.Handler(b.Receive, func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(domaintest.Code(err)))
	}))
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.owner = w.User(identity.Seller)
	return b
}

// onBoth runs a test with photos on a disk, and with photos in a bucket.
func onBoth(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	t.Run("disk", func(t *testing.T) { t.Parallel(); test(t, newServer(t, domaintest.New(t), nil)) })
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		test(t, newServer(t, domaintest.New(t), blobtest.New(t)))
	})
}

// store is where new photos go.
func (b *bundle) store() blob.Store {
	if b.bucket != nil {
		return blob.NewS3(b.bucket.Config(b.clock))
	}
	return b.disk
}

func paint(width, height int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7)
	}
	img.Set(0, 0, color.White)
	return img
}

func picture(contentType string, width, height int) []byte {
	var out bytes.Buffer
	if contentType == "image/jpeg" {
		_ = jpeg.Encode(&out, paint(width, height), nil)
	} else {
		_ = png.Encode(&out, paint(width, height))
	}
	return out.Bytes()
}

func (b *bundle) announced(contentType string, size int) media.Upload {
	b.T.Helper()
	u, err := b.Announce(b.Ctx(), b.owner, contentType, int64(size))
	b.Must(err)
	return u
}

// put does what a ticket says, with another body where the test wants.
func (b *bundle) put(u media.Upload, body []byte) (status int, text string) {
	b.T.Helper()
	request, err := http.NewRequestWithContext(b.Ctx(), u.Method, u.URL, bytes.NewReader(body))
	b.Must(err)
	for _, h := range u.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	status, text, _ = b.do(request)
	return status, text
}

func (b *bundle) get(link string) (status int, body string, header http.Header) {
	b.T.Helper()
	request, err := http.NewRequestWithContext(b.Ctx(), http.MethodGet, link, nil)
	b.Must(err)
	return b.do(request)
}

func (b *bundle) do(request *http.Request) (status int, body string, header http.Header) {
	b.T.Helper()
	response, err := http.DefaultClient.Do(request)
	b.Must(err)
	defer func() { _ = response.Body.Close() }()
	var out bytes.Buffer
	_, err = out.ReadFrom(response.Body)
	b.Must(err)
	return response.StatusCode, out.String(), response.Header
}

// sent is a photo whose bytes have come and were taken.
func (b *bundle) sent(width, height int) media.Photo {
	b.T.Helper()
	body := picture("image/jpeg", width, height)
	u := b.announced("image/jpeg", len(body))
	if status, text := b.put(u, body); status/100 != 2 {
		b.T.Fatalf("sent: %d %s", status, text)
	}
	p, err := b.Complete(b.Ctx(), b.owner, u.PhotoID)
	b.Must(err)
	return p
}

// shown is a photo with all its sizes.
func (b *bundle) shown(width, height int) media.Photo {
	b.T.Helper()
	p := b.sent(width, height)
	b.Must(b.Render(b.Ctx(), p.ID))
	p, err := b.Get(b.Ctx(), p.ID)
	b.Must(err)
	return p
}

// objects are the keys of what is kept.
func (b *bundle) objects() (keys []string) {
	b.T.Helper()
	for _, prefix := range []string{"uploads/", "photos/"} {
		found, err := b.store().List(b.Ctx(), prefix, "")
		b.Must(err)
		for _, o := range found {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

func (b *bundle) status(photo uuid.UUID) (status string) {
	b.T.Helper()
	b.Must(b.Admin.QueryRow(b.Ctx(), `SELECT status FROM photo WHERE id = $1`, photo).Scan(&status))
	return status
}
