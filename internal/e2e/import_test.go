package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
)

var importRows = flag.Int("import.rows", 400, "how many rows are imported; make soak-import has 100,000")

const importProgress = `{ viewer { listingImports(first: 1) { nodes { status progress rows created refused errors(first: 1) { nodes { line code } } } } } }`

type importState struct {
	Viewer struct {
		ListingImports struct {
			Nodes []struct {
				Status                 string
				Progress               float64
				Rows, Created, Refused int
				Errors                 struct {
					Nodes []struct {
						Line int
						Code string
					}
				}
			}
		}
	}
}

// A file is imported once, row by row, although the server is killed again and again while it works; the row that is no good is told.
func TestImportThroughKills(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	srv := site.start()
	hana := srv.signUp("Hana", "SELLER")
	var file strings.Builder
	file.WriteString("title,kind,sku,price,currency\n")
	for i := range *importRows {
		fmt.Fprintf(&file, "Product %d,RETAIL,SKU-%d,%d.50,EUR\n", i, i, i%90+1)
	}
	file.WriteString("no,RETAIL,,1,EUR\n")
	begun := hana.Must(t, tour(t, "Listings as a file"), apitest.Vars{"input": apitest.Vars{"bytes": file.Len()}})
	sendFile(t, begun.Str("listingImportCreate.upload.method"), begun.Str("listingImportCreate.upload.url"), file.String())

	look := func() (s importState) {
		answer := hana.Must(t, importProgress, nil)
		if err := json.Unmarshal(answer.Raw(), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	// Whoever comes after a killed server need not wait for the minute after which an import is swept.
	reach := func(what string, there func() bool) {
		for deadline := time.Now().Add(patience + time.Duration(*importRows)*20*time.Millisecond); !there(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: not reached; %+v", what, look())
			}
		}
	}
	for kill := range 3 {
		goal := *importRows * kill / 4
		reach("the import's rows", func() bool { return look().Viewer.ListingImports.Nodes[0].Rows >= goal })
		srv.kill()
		if _, err := site.db.Admin.Exec(t.Context(), `UPDATE listing_import SET touched_at = touched_at - interval '2 minutes'`); err != nil {
			t.Fatal(err)
		}
		srv = site.start()
		hana = hana.at(srv)
	}
	reach("the import's end", func() bool { return look().Viewer.ListingImports.Nodes[0].Status == "DONE" })
	got := look().Viewer.ListingImports.Nodes[0]
	if got.Created != *importRows || got.Refused != 1 || got.Rows != *importRows+1 || got.Progress != 1 || len(got.Errors.Nodes) != 1 ||
		got.Errors.Nodes[0].Line != *importRows+2 || got.Errors.Nodes[0].Code != "TITLE_LENGTH" {
		t.Errorf("%+v", got)
	}
	var listings, titles int
	err := site.db.Pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT title) FROM listing`).Scan(&listings, &titles)
	if err != nil || listings != *importRows || titles != *importRows {
		t.Errorf("%d listings of %d titles, %v", listings, titles, err)
	}
	srv.stop()
}

func sendFile(t *testing.T, method, url, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("the upload was answered %s", response.Status)
	}
}
