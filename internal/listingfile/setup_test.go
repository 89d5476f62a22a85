package listingfile_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/page"
)

// jobs keeps what is enqueued.
type jobs struct {
	mu      sync.Mutex
	imports []uuid.UUID
	down    error
}

func (j *jobs) InsertTx(_ context.Context, _ pgx.Tx, args river.JobArgs, _ *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.imports = append(j.imports, args.(listingfile.RunJob).Import)
	return nil, j.down
}

type bundle struct {
	*domaintest.World
	*listingfile.Service
	jobs   *jobs
	clock  *hand
	server *httptest.Server
	seller uuid.UUID
}

// hand is a clock that a test sets.
type hand struct{ at time.Time }

func (h *hand) Now() time.Time { return h.at }

var _ clock.Clock = (*hand)(nil)

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{World: domaintest.New(t), jobs: &jobs{}, clock: &hand{time.Now()}}
	b.Service = listingfile.New(listingfile.Config{
		Pool: b.Pool, Catalog: b.Catalog, Jobs: b.jobs, Clock: b.clock, Log: slog.New(slog.DiscardHandler), Key: []byte("key"),
		BaseURL: func() string { return b.server.URL },
	})
	mux := http.NewServeMux()
	mux.Handle(listingfile.Path, b.Handler(func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(domaintest.Code(err)))
	}))
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	b.seller = b.User(identity.Seller)
	return b
}

// send makes a request by a link; the answer is its body, "" where it is empty.
func (b *bundle) send(method, url, body string) string {
	b.T.Helper()
	r, err := http.NewRequestWithContext(b.Ctx(), method, url, strings.NewReader(body))
	b.Must(err)
	response, err := http.DefaultClient.Do(r)
	b.Must(err)
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	b.Must(err)
	return string(said)
}

// sent is an import whose file has come.
func (b *bundle) sent(file string) uuid.UUID {
	b.T.Helper()
	imp, link, err := b.Begin(b.Ctx(), b.seller, int64(len(file)))
	b.Must(err)
	if said := b.send(link.Method, link.URL, file); said != "" {
		b.T.Fatalf("the upload: %s", said)
	}
	return imp.ID
}

// imported is an import that is over.
func (b *bundle) imported(file string) listingfile.Import {
	b.T.Helper()
	imp := b.sent(file)
	for more := true; more; {
		var err error
		more, err = b.Run(b.Ctx(), imp, b.clock.Now().Add(time.Hour))
		b.Must(err)
	}
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	return got
}

// refusals are an import's errors as "line column code".
func (b *bundle) refusals(imp uuid.UUID) (all []string) {
	b.T.Helper()
	errs, err := b.Errors(b.Ctx(), imp, page.Args{})
	b.Must(err)
	for _, e := range errs.Nodes {
		column := "-"
		if e.Column != nil {
			column = *e.Column
		}
		all = append(all, fmt.Sprintf("%d %s %s", e.Line, column, e.Code))
	}
	return all
}

func (b *bundle) want(got listingfile.Import, status listingfile.Status, created, changed, refused int, refusals ...string) {
	b.T.Helper()
	if got.Status != status || got.Created != created || got.Changed != changed || got.Refused != refused {
		b.T.Errorf("%+v, want %s with %d created, %d changed, %d refused", got, status, created, changed, refused)
	}
	if errs := b.refusals(got.ID); strings.Join(errs, "\n") != strings.Join(refusals, "\n") {
		b.T.Errorf("refused:\n%s\nwant:\n%s", strings.Join(errs, "\n"), strings.Join(refusals, "\n"))
	}
}

func (b *bundle) titles() string {
	b.T.Helper()
	own, err := b.Catalog.Own(b.Ctx(), b.seller, nil, page.Args{})
	b.Must(err)
	titles := make([]string, len(own.Nodes))
	for i, l := range own.Nodes {
		titles[len(titles)-1-i] = l.Title
	}
	return strings.Join(titles, " ")
}
func file(n int) string {
	var text strings.Builder
	text.WriteString("title,handle,kind,price,currency\n")
	for i := range n {
		fmt.Fprintf(&text, "Product %d,h%d,RETAIL,%d.00,EUR\n", i, i, i+1)
	}
	return text.String()
}
