package graph_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

const importFields = `import { id status progress rows created changed refused failure failedAt endedAt errors(first: 5) { nodes { line column code message } pageInfo { hasNextPage } } }`

// A file goes the way of the API, is seen by its seller alone, and ends as it is told to.
func TestListingFiles(t *testing.T) {
	t.Parallel()
	a := graphtest.New(t)
	defer everything(t, a)
	seller, other, buyer := a.Person(identity.Seller), a.Person(identity.Seller), a.Person(identity.Buyer)
	begin := `mutation($input: ListingImportCreateInput!) { listingImportCreate(input: $input) { ` + importFields + ` upload { url method expiresAt } userErrors { code field } } }`

	file := "title,price,currency\nVase,12.50,EUR\n"
	got := seller.Must(t, begin, apitest.Vars{"input": apitest.Vars{"bytes": len(file)}})
	imp := got.Str("listingImportCreate.import.id")
	if status := got.Str("listingImportCreate.import.status"); status != "WAITING" {
		t.Errorf("%s", got.Raw())
	}
	if code := seller.Must(t, begin, apitest.Vars{"input": apitest.Vars{"bytes": 0}}).Str("listingImportCreate.userErrors.0.code"); code != "FILE_SIZE" {
		t.Errorf("no bytes: %s", code)
	}
	sent := fetch(t, got.Str("listingImportCreate.upload.method"), got.Str("listingImportCreate.upload.url"), file)
	if sent.StatusCode != http.StatusCreated {
		t.Errorf("the upload: %s", sent.Status)
	}
	if cut := fetch(t, "PUT", got.Str("listingImportCreate.upload.url")+"x", file); cut.StatusCode != http.StatusForbidden {
		t.Errorf("a link that was changed: %s", cut.Status)
	}

	node := `query($id: ID!) { node(id: $id) { ... on ListingImport { status created } } }`
	key, err := id.Import.Decode(imp)
	if err != nil {
		t.Fatal(err)
	}
	if more, err := a.Resolver.Files.Run(t.Context(), key, time.Now().Add(time.Hour)); more || err != nil {
		t.Errorf("the run: %v, %v", more, err)
	}
	if done := seller.Must(t, node, apitest.Vars{"id": imp}); done.Str("node.status") != "DONE" {
		t.Errorf("%s", done.Raw())
	}
	for who, c := range map[string]graphtest.Person{"another seller": other, "a buyer": buyer} {
		if seen := c.Must(t, node, apitest.Vars{"id": imp}); strings.Contains(string(seen.Raw()), "DONE") {
			t.Errorf("%s sees %s", who, seen.Raw())
		}
	}
	list := seller.Must(t, `{ viewer { listingImports { nodes { id status errors { nodes { code } } } } } }`, nil)
	if list.Str("viewer.listingImports.nodes.0.id") != imp {
		t.Errorf("%s", list.Raw())
	}
	cancel := `mutation($input: ListingImportCancelInput!) { listingImportCancel(input: $input) { import { status } userErrors { code field } } }`
	for who, c := range map[string]struct {
		by   graphtest.Person
		want string
	}{"its seller": {seller, "IMPORT_OVER"}, "another": {other, "IMPORT_NOT_FOUND"}} {
		if code := c.by.Must(t, cancel, apitest.Vars{"input": apitest.Vars{"importId": imp}}).Str("listingImportCancel.userErrors.0.code"); code != c.want {
			t.Errorf("%s cancels: %s", who, code)
		}
	}

	link := seller.Must(t, `{ viewer { listingExport { url method expiresAt } } }`, nil)
	exported := fetch(t, "GET", link.Str("viewer.listingExport.url"), "")
	body, err := io.ReadAll(exported.Body)
	if err != nil || !strings.Contains(string(body), ",Vase,") || !strings.Contains(string(body), "12.50,EUR") {
		t.Errorf("%s, %v", body, err)
	}
}

// fetch makes a request; its body is there until the test's end.
func fetch(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}
