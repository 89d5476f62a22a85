package listingfile_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/listingfile"
	"github.com/souklive/souk/internal/page"
)

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
