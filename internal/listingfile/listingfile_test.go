package listingfile_test

import (
	"context"
	"encoding/csv"
	"errors"
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

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
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

// A file of everything: what is good is imported, what is not is told by its line.
func TestImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.imported(`title;kind;handle;price;currency;sku;option1_name;option1;condition
Vase;one off;;12.50;EUR;;;;good
Shirt;RETAIL;shirt;20;EUR;S-1;Size;S;
;;shirt;21.00;EUR;S-2;;M;
ab;ONE_OFF;;1;EUR;;;;
Lamp;ONE_OFF;;cheap;EUR;;;;
Lamp;ONE_OFF;;1;XYZ;;;;
Lamp;GIFT;;1;EUR;;;;
=1+1;ONE_OFF;;1;EUR;;;;
Broken;RETAIL;broken;1;EUR;B-1;Size;S;
too;few
;;broken;1;EUR;B-2;;M;
Socks;RETAIL;socks;5;EUR;S-1;;;
Mixed;RETAIL;mixed;5;EUR;;Size;S;
;;mixed;5;USD;;;M;

Café;LOT;;;;;;;
`)
	b.want(got, listingfile.Done, 3, 0, 11,
		"5 title TITLE_LENGTH", "6 price CELL_PRICE", "7 currency CELL_PRICE", "8 kind LISTING_KIND_UNKNOWN", "9 title CELL_FORMULA",
		"10 - PRODUCT_REFUSED", "11 - ROW_COLUMNS", "12 - PRODUCT_REFUSED", "13 sku SKU_TAKEN", "14 - PRODUCT_REFUSED", "15 price CURRENCY_MIXED")
	if got.Rows != 15 || got.BytesDone != got.Bytes || got.Progress() != 1 {
		t.Errorf("%+v", got)
	}
	if titles := b.titles(); titles != "Vase Shirt Café" {
		t.Errorf("the listings are %s", titles)
	}
	if n := b.Int(`SELECT count(*) FROM variant v JOIN listing l ON l.id = v.listing_id WHERE l.title = 'Shirt' AND v.sku LIKE 'S-%'`); n != 2 {
		t.Errorf("the shirt has %d variants", n)
	}
	if n := b.Int(`SELECT count(*) FROM listing_import_part`); n != 0 {
		t.Errorf("%d parts of the file are left", n)
	}
}

// A file that is no good as a whole imports nothing, and says why.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for file, want := range map[string]string{
		"\xff\xfet\x00":         "FILE_ENCODING ",
		"PK\x03\x04\x00\x00\n":  "FILE_ENCODING ",
		"title|price\nVase|1\n": "FILE_DELIMITER ",
		"title,prize\nVase,1\n": "COLUMN_UNKNOWN prize",
		"price\n1\n":            "COLUMN_MISSING title",
		"\n":                    "FILE_EMPTY ",
		// What of it is ASCII would read as well: three batches, and the last row in Latin-1; cut in its last character; with a zero.
		"title\n" + strings.Repeat("Vase\n", 150) + "Caf\xe9\n": "FILE_ENCODING ",
		"title\nVase\nCaf\xc3":        "FILE_ENCODING ",
		"title\nVase\nCaf\x00\n":      "FILE_ENCODING ",
		"t\x00i\x00t\x00l\x00e\x00\n": "FILE_ENCODING ",
	} {
		got := b.imported(file)
		if said := got.Failure + " " + got.FailedAt; got.Status != listingfile.Failed || said != want || got.EndedAt == nil {
			t.Errorf("%q: %+v, want %s", file, got, want)
		}
	}
	if titles := b.titles(); titles != "" {
		t.Errorf("the listings are %s", titles)
	}
}

// What is exported can be changed and imported again, whatever is in it.
func TestExportAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.imported("title,description,kind,handle,price,currency,sku,option1_name,option1,grams\n" +
		"'=Sum of it,\"two\nlines, \"\"quoted\"\"\",ONE_OFF,,3,EUR,,,,\n" +
		"Shirt,,RETAIL,s,20,EUR,A,Size,S,210\n,,,s,21,EUR,B,,M,\nHat,,ONE_OFF,,7,EUR,,,,90\n")
	file := b.send(http.MethodGet, b.Export(b.seller).URL, "")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
	b.Must(err)
	if len(rows) != 5 {
		t.Fatalf("%d rows: %s", len(rows), file)
	}
	changed := strings.NewReplacer(",21.00,EUR,", ",25.00,EUR,230", "EUR,90", "EUR,95", "Hat", "Fine hat").Replace(file)
	got := b.imported(changed)
	b.want(got, listingfile.Done, 0, 3, 0)
	if titles := b.titles(); titles != "=Sum of it Shirt Fine hat" {
		t.Errorf("the listings are %s", titles)
	}
	if n := b.Int(`SELECT price FROM variant WHERE sku = 'B'`); n != 2500 {
		t.Errorf("the price is %d", n)
	}
	if n := b.Int(`SELECT sum(grams) FROM variant`); n != 210+230+95 {
		t.Errorf("all weigh %d", n)
	}
	for cell, want := range map[string]string{"0": "GRAMS_INVALID", "-1": "GRAMS_INVALID", "1.5": "GRAMS_INVALID", "1000001": "GRAMS_INVALID", "99999999999999999999": "GRAMS_INVALID"} {
		for _, kind := range []string{"ONE_OFF", "RETAIL"} {
			b.want(b.imported("title,kind,price,currency,grams\nA thing,"+kind+",3,EUR,"+cell+"\n"), listingfile.Done, 0, 0, 1, "2 grams "+want)
		}
	}
	again := b.send(http.MethodGet, b.Export(b.seller).URL, "")
	if want := strings.TrimSpace(changed); strings.TrimSpace(again) != want {
		t.Errorf("exported again:\n%s\nwant:\n%s", again, want)
	}
}

// Nobody changes what is another's, by whatever ids are in the file.
func TestAnothersListing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.imported("title,kind,handle,price,currency,sku\nShirt,RETAIL,s,20,EUR,A\n")
	mine := b.send(http.MethodGet, b.Export(b.seller).URL, "")
	owner := b.seller
	b.seller = b.User(identity.Seller)
	got := b.imported(strings.ReplaceAll(mine, "20.00", "1.00"))
	b.want(got, listingfile.Done, 0, 0, 1, "2 - LISTING_NOT_FOUND")

	b.imported("title,kind,handle,price,currency,sku\nCoat,RETAIL,s,20,EUR,A\n")
	own, err := b.Catalog.Own(b.Ctx(), b.seller, nil, page.Args{})
	b.Must(err)
	variants, err := b.Catalog.Own(b.Ctx(), owner, nil, page.Args{})
	b.Must(err)
	theirs, err := b.Catalog.VariantsByListing(b.Ctx(), []uuid.UUID{variants.Nodes[0].ID})
	b.Must(err)
	got = b.imported(fmt.Sprintf("title,listing_id,variant_id,price,currency\n,%s,%s,1,EUR\n",
		id.Listing.Encode(own.Nodes[0].ID), id.Variant.Encode(theirs[variants.Nodes[0].ID][0].ID)))
	b.want(got, listingfile.Done, 0, 0, 1, "2 - VARIANT_NOT_FOUND")
	if n := b.Int(`SELECT count(*) FROM variant WHERE price <> 2000`); n != 0 {
		t.Errorf("%d prices are changed", n)
	}
}

func file(n int) string {
	var text strings.Builder
	text.WriteString("title,handle,kind,price,currency\n")
	for i := range n {
		fmt.Fprintf(&text, "Product %d,h%d,RETAIL,%d.00,EUR\n", i, i, i+1)
	}
	return text.String()
}

// A run that has to stop is gone on with, by whichever server, and every row is imported once.
func TestGoingOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 430
	imp := b.sent(file(n))
	runs := 0
	for more := true; more; runs++ {
		var err error
		more, err = b.Run(b.Ctx(), imp, b.clock.Now().Add(-time.Second)) // a batch each
		b.Must(err)
	}
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, n, 0, 0)
	if runs < n/50 {
		t.Errorf("it took %d runs", runs)
	}
	if distinct := b.Int(`SELECT count(DISTINCT title) FROM listing`); distinct != n {
		t.Errorf("%d listings", distinct)
	}
}

// However many work at an import at once, and however they are cut off, every row is imported once.
func TestManyAtOneImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 300
	imp := b.sent(file(n))
	errs := domaintest.AtOnce(4, func(i int) error {
		for attempt := range 5 { // the last of them has the time that it takes
			ctx, cancel := context.WithTimeout(b.Ctx(), time.Duration(10+20*i)*time.Millisecond)
			if attempt == 4 {
				ctx = b.Ctx()
			}
			_, err := b.Run(ctx, imp, time.Now().Add(time.Hour))
			cut := ctx.Err() != nil
			cancel()
			if err != nil && !cut {
				return err
			}
		}
		return nil
	})
	b.Must(errors.Join(errs...))
	b.Must2(b.Run(b.Ctx(), imp, time.Now().Add(time.Hour))) // whoever was last may have left it to another
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, n, 0, 0)
	if listings := b.Int(`SELECT count(*) FROM listing`); listings != n {
		t.Errorf("%d listings", listings)
	}
}

// A server that is gone leaves its import to the sweep, and what is old is forgotten.
func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.sent(file(3))
	b.Must(b.Sweep(b.Ctx(), time.Hour))
	if got, err := b.Get(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Running {
		t.Errorf("somebody is at it, and the sweep made it %+v, %v", got, err)
	}
	b.Exec(`UPDATE listing_import SET touched_at = touched_at - interval '2 hours'`)
	for range 2 { // of two sweeps, one hands it on
		b.Must(b.Sweep(b.Ctx(), time.Hour))
	}
	if len(b.jobs.imports) != 2 || b.jobs.imports[1] != imp { // the upload's own is the first
		t.Errorf("enqueued are %v", b.jobs.imports)
	}
	b.Must2(b.Run(b.Ctx(), imp, b.clock.Now().Add(time.Hour)))
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, 3, 0, 0)

	_, _, err = b.Begin(b.Ctx(), b.seller, 10)
	b.Must(err)
	b.Exec(`UPDATE listing_import SET created_at = created_at - interval '2 days', ended_at = ended_at - interval '91 days'`)
	b.Must(b.Sweep(b.Ctx(), time.Hour))
	if n := b.Int(`SELECT count(*) FROM listing_import`); n != 0 {
		t.Errorf("%d imports are left", n)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.sent(file(120))
	_, err := b.Run(b.Ctx(), imp, b.clock.Now().Add(-time.Second))
	b.Must(err)
	if _, err := b.Cancel(b.Ctx(), b.User(identity.Seller), imp); domaintest.Code(err) != "IMPORT_NOT_FOUND" {
		t.Errorf("another's: %v", err)
	}
	for range 2 {
		if got, err := b.Cancel(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Cancelled || got.Created != 50 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if more, err := b.Run(b.Ctx(), imp, b.clock.Now().Add(time.Hour)); more || err != nil {
		t.Errorf("it goes on: %v, %v", more, err)
	}
	if _, err := b.Cancel(b.Ctx(), b.seller, b.imported(file(1)).ID); domaintest.Code(err) != "IMPORT_OVER" {
		t.Errorf("one that is done: %v", err)
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, bytes := range []int64{0, -1, 64<<20 + 1} {
		if _, _, err := b.Begin(b.Ctx(), b.seller, bytes); domaintest.Code(err) != "FILE_SIZE" {
			t.Errorf("%d bytes: %v", bytes, err)
		}
	}
	text := file(2)
	imp, link, err := b.Begin(b.Ctx(), b.seller, int64(len(text)))
	b.Must(err)
	_, other, err := b.Begin(b.Ctx(), b.seller, int64(len(text)))
	b.Must(err)
	for name, c := range map[string]struct{ method, url, body, want string }{
		"no signature":     {"PUT", strings.Split(link.URL, "?")[0], text, "FILE_LINK_INVALID"},
		"another's":        {"PUT", strings.Replace(link.URL, id.Import.Encode(imp.ID), "imp_"+strings.Repeat("0", 26), 1), text, "FILE_LINK_INVALID"},
		"another import's": {"PUT", strings.Split(link.URL, "?")[0] + "?" + strings.Split(other.URL, "?")[1], text, "FILE_LINK_INVALID"},
		"an import's read": {"GET", link.URL, "", "FILE_LINK_INVALID"},
		"an export's sent": {"PUT", b.Export(b.seller).URL, text, "FILE_LINK_INVALID"},
		"too long":         {"PUT", link.URL, text + "\n", "FILE_SIZE"},
		"too short":        {"PUT", link.URL, text[1:], "FILE_SIZE"},
		"deleted":          {"DELETE", link.URL, "", "method not allowed\n"},
	} {
		if said := b.send(c.method, c.url, c.body); said != c.want {
			t.Errorf("%s: %s, want %s", name, said, c.want)
		}
	}
	b.jobs.down = errors.New("down")
	if said := b.send("PUT", link.URL, text); said == "" || b.Int(`SELECT count(*) FROM listing_import_part`) != 0 {
		t.Errorf("nobody works it off, and the upload is answered %q", said)
	}
	b.jobs.down = nil
	if said := b.send("PUT", link.URL, text); said != "" || len(b.jobs.imports) != 2 {
		t.Errorf("%q; enqueued are %v", said, b.jobs.imports)
	}
	if said := b.send("PUT", link.URL, text); said != "UPLOAD_DONE" {
		t.Errorf("sent again: %s", said)
	}
	b.clock.at = b.clock.at.Add(16 * time.Minute)
	if said := b.send("PUT", other.URL, text); said != "FILE_LINK_INVALID" {
		t.Errorf("later: %s", said)
	}
	errs := domaintest.AtOnce(8, func(int) error { _, _, err := b.Begin(b.Ctx(), b.seller, 1); return err })
	refused := 0
	for _, err := range errs {
		if domaintest.Code(err) == "IMPORTS_OPEN" {
			refused++
		}
	}
	if refused != 7 {
		t.Errorf("%d of 8 are refused beside two open ones", refused)
	}
}

// A listing that is to be on the market has to be complete; one that nobody may change is refused.
func TestStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.imported("title,status,price,currency\nVase,ACTIVE,1,EUR\nLamp,SOLD,1,EUR\nBowl,draft,1,EUR\n")
	b.want(got, listingfile.Done, 1, 0, 2, "2 photo_ids PHOTO_COUNT", "3 status CELL_VALUE")
	own, err := b.Catalog.Own(b.Ctx(), b.seller, nil, page.Args{})
	b.Must(err)
	bowl := id.Listing.Encode(own.Nodes[0].ID)
	got = b.imported("title,listing_id,status\nBig bowl," + bowl + ",ACTIVE\n")
	b.want(got, listingfile.Done, 0, 0, 1, "2 photo_ids PHOTO_COUNT")
	b.Must2(b.Catalog.End(b.Ctx(), b.seller, own.Nodes[0].ID))
	if l, err := b.Catalog.Get(b.Ctx(), own.Nodes[0].ID); err != nil || l.Title != "Bowl" || l.Status != catalog.Ended {
		t.Errorf("%+v, %v", l, err)
	}
}

// A product that fails each time by a fault of ours is refused after some tries, and the others are imported; what is no product's fault
// refuses none.
func TestAFaultThatStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const raise = `CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.title = 'Cup' THEN RAISE EXCEPTION 'broken' USING ERRCODE = '%s'; END IF; RETURN NEW; END $$`
	b.Exec(fmt.Sprintf(raise, "53100")) // a disk that is full
	b.Exec(`CREATE TRIGGER broken BEFORE INSERT ON listing FOR EACH ROW EXECUTE FUNCTION broken()`)
	imp := b.sent("title,price,currency\nVase,1,EUR\nCup,1,EUR\nBowl,1,EUR\n")
	run := func() error {
		_, err := b.Run(b.Ctx(), imp, b.clock.Now())
		return err
	}
	for range 7 {
		if run() == nil {
			t.Fatal("it is done without a disk")
		}
	}
	if titles := b.titles(); titles != "" {
		t.Errorf("the listings are %s", titles)
	}
	b.Exec(fmt.Sprintf(raise, "XX000"))
	b.Must(run())
	got, err := b.Get(b.Ctx(), b.seller, imp)
	b.Must(err)
	b.want(got, listingfile.Done, 2, 0, 1, "3 - IMPORT_BROKEN")

	imp = b.sent("title,price,currency\nVase,1,EUR\nCup,1,EUR\n")
	for range 5 {
		if run() == nil {
			t.Fatal("it is refused at once")
		}
	}
	b.Exec(`UPDATE listing_import SET tries = 120 WHERE status = 'RUNNING'`)
	b.Must(run())
	if got, err = b.Get(b.Ctx(), b.seller, imp); err != nil || got.Status != listingfile.Failed || got.Failure != "IMPORT_BROKEN" || got.Created != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
