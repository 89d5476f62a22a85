package graph_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
)

// badCatalogue is a seller with a product and a listing, who sends what is no good.
type badCatalogue struct {
	*graphtest.API
	seller, admin graphtest.Person
	variant       string
	place         string
}

func newBadCatalogue(t *testing.T) *badCatalogue {
	t.Helper()
	b := &badCatalogue{API: graphtest.New(t)}
	b.seller, b.admin = b.Person(identity.Seller), b.Person(identity.Admin)
	b.variant = b.seller.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { variants { id } } userErrors { code } } }`,
		input(apitest.Vars{"kind": "RETAIL", "title": "A cotton shirt", "photoIds": []any{b.Photo(b.seller).String()}, "variants": []any{apitest.Vars{"price": eur("19")}}})).
		Str("listingCreate.listing.variants.0.id")
	b.place = b.seller.Must(t, `mutation($input: LocationCreateInput!) { locationCreate(input: $input) { location { id } userErrors { code } } }`,
		input(apitest.Vars{"name": "Home", "region": "FR"})).Str("locationCreate.location.id")
	return b
}

// leaves does something, and insists that no table but those named is another after it.
func (b *badCatalogue) leaves(t *testing.T, do func(), but ...string) {
	t.Helper()
	before := b.Digest()
	do()
	after := b.Digest()
	but = append(but, "idempotency_answer", "session", "app_user")
	maps.DeleteFunc(after, func(table, digest string) bool {
		return before[table] == digest || slices.Contains(but, strings.TrimPrefix(table, "public."))
	})
	if len(after) > 0 {
		t.Errorf("%v changed", slices.Sorted(maps.Keys(after)))
	}
}

// What is sent as a photo and is none, or one that would fill the memory, or the disk: none is kept, and no listing shows it.
func TestBadPhotos(t *testing.T) {
	t.Parallel()
	b := newBadCatalogue(t)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if f, err := z.Create("photo.jpg"); err != nil {
		t.Fatal(err)
	} else if _, err := io.WriteString(f, "no picture"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const announce = `mutation($input: PhotoUploadCreateInput!) { photoUploadCreate(input: $input) { upload { photoId url method } userErrors { code field } } }`
	const complete = `mutation($input: PhotoUploadCompleteInput!) { photoUploadComplete(input: $input) { photo { id } userErrors { code } } }`
	for name, c := range map[string]struct {
		kind, code string
		body       []byte
	}{
		"a ZIP renamed .jpg":   {"image/jpeg", "PHOTO_TYPE", archive.Bytes()},
		"a decompression bomb": {"image/png", "PHOTO_SIZE", enormous(30_000, 30_000)},
		"a thin one":           {"image/png", "PHOTO_SIZE", enormous(1<<20, 1)},
	} {
		b.leaves(t, func() {
			got := b.seller.Must(t, announce, input(apitest.Vars{"contentType": c.kind, "bytes": len(c.body)}))
			answer := fetch(t, got.Str("photoUploadCreate.upload.method"), got.Str("photoUploadCreate.upload.url"), string(c.body))
			if said, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode/100 != 4 || !strings.Contains(string(said), c.code) {
				t.Errorf("%s: %s %s, %v", name, answer.Status, said, err)
			}
			photo := got.Str("photoUploadCreate.upload.photoId")
			refused(t, b.seller.Client, "UPLOAD_MISSING", complete, input(apitest.Vars{"photoId": photo}))
			refused(t, b.seller.Client, "PHOTO_NOT_FOUND", mutation("listingCreate"), input(apitest.Vars{"title": "A thing", "price": eur("1"), "photoIds": []any{photo}}))
		}, "photo")
	}
	b.leaves(t, func() {
		refused(t, b.seller.Client, "PHOTO_SIZE", announce, input(apitest.Vars{"contentType": "image/jpeg", "bytes": 200 << 20}))
	})
	if n := b.Int(`SELECT count(*) FROM photo WHERE status <> 'PENDING' AND id NOT IN (SELECT photo_id FROM listing_photo)`); n != 0 {
		t.Errorf("%d are kept", n)
	}
}

// enormous is a PNG of a few bytes that says how large it is.
func enormous(width, height uint32) []byte {
	part := func(kind string, data []byte) []byte {
		body := append([]byte(kind), data...)
		return binary.BigEndian.AppendUint32(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), body...), crc32.ChecksumIEEE(body))
	}
	head := append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height), 8, 2, 0, 0, 0)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), part("IHDR", head), part("IDAT", []byte{0x78, 0x9c, 3, 0, 0, 0, 0, 1}), part("IEND", nil))
}

// Files of listings in another encoding, with another delimiter, or with a formula: the first two are refused as a whole, of the last the row.
func TestBadListingFiles(t *testing.T) {
	t.Parallel()
	b := newBadCatalogue(t)
	var wide bytes.Buffer
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune("title,price,currency\nVase,1,EUR\n"))...) {
		_ = binary.Write(&wide, binary.LittleEndian, u)
	}
	for name, c := range map[string]struct{ file, want string }{
		"UTF-16":              {wide.String(), `"status":"FAILED","created":0,"refused":0,"failure":"FILE_ENCODING","errors":{"nodes":[]}`},
		"Latin-1":             {"title,price,currency\nA cup,1,EUR\nCaf\xe9 cup,1,EUR\n", `"status":"FAILED","created":0,"refused":0,"failure":"FILE_ENCODING","errors":{"nodes":[]}`},
		"another delimiter":   {"title|price|currency\nVase|1|EUR\n", `"status":"FAILED","created":0,"refused":0,"failure":"FILE_DELIMITER","errors":{"nodes":[]}`},
		"a formula":           {"title,price,currency\n\"=HYPERLINK(\"\"http://x\"\")\",1,EUR\n", `"status":"DONE","created":0,"refused":1,"failure":null,"errors":{"nodes":[{"line":2,"column":"title","code":"CELL_FORMULA"}]}`},
		"a formula in a name": {"title,description,price,currency\nVase,@SUM(A1),1,EUR\n", `"status":"DONE","created":0,"refused":1,"failure":null,"errors":{"nodes":[{"line":2,"column":"description","code":"CELL_FORMULA"}]}`},
	} {
		b.leaves(t, func() {
			begun := b.seller.Must(t, `mutation($input: ListingImportCreateInput!) { listingImportCreate(input: $input) { import { id } upload { url method } userErrors { code } } }`, input(apitest.Vars{"bytes": len(c.file)}))
			imp, err := id.Import.Decode(begun.Str("listingImportCreate.import.id"))
			if err != nil {
				t.Fatal(err)
			}
			fetch(t, begun.Str("listingImportCreate.upload.method"), begun.Str("listingImportCreate.upload.url"), c.file)
			if _, err := b.Resolver.Files.Run(t.Context(), imp, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			got := string(b.seller.Must(t, `query($id: ID!) { node(id: $id) { ... on ListingImport { status created refused failure errors { nodes { line column code } } } } }`,
				apitest.Vars{"id": id.Import.Encode(imp)}).Raw())
			if !strings.Contains(got, c.want) {
				t.Errorf("%s: %s", name, got)
			}
		}, "listing_import", "listing_import_error", "listing_import_part", "river_job")
	}
}

// Stock below nothing, cursors of other queries, filters that match nothing or are too many, texts without end, and categories in a circle.
func TestBadCatalogueInput(t *testing.T) {
	t.Parallel()
	b := newBadCatalogue(t)
	category := func(name, parent string) string {
		in := apitest.Vars{"slug": name, "names": namesOf(name), "reason": "x"}
		if parent != "" {
			in["parentId"] = parent
		}
		got := b.admin.Must(t, `mutation($input: CategoryCreateInput!) { categoryCreate(input: $input) { category { id } userErrors { code field } } }`, input(in))
		return got.Str("categoryCreate.category.id")
	}
	top := category("fashion", "")
	below := category("shoes", top)
	const listings = `query($after: String, $filter: ListingFilter) { listings(after: $after, first: 1, filter: $filter) { nodes { id } pageInfo { endCursor } } }`
	cursor := b.Nobody().Must(t, listings, nil).Str("listings.pageInfo.endCursor")
	thousand := slices.Repeat([]string{id.Brand.Encode(id.New())}, 1000)
	values := slices.Repeat([]apitest.Vars{{"attributeId": id.Attribute.Encode(id.New()), "values": []string{"x"}}}, 1000)
	long := strings.Repeat("x", 10_000)
	stock := func(quantity int) apitest.Vars {
		return input(apitest.Vars{"variantId": b.variant, "locationId": b.place, "quantity": quantity, "idempotencyKey": id.New().String()})
	}
	seller, buyer, anybody := b.seller.Client, b.Person(identity.Buyer).Client, b.Nobody()
	for name, c := range map[string]struct {
		who         apitest.Client
		code, query string
		vars        apitest.Vars
	}{
		"negative stock received":           {seller, "QUANTITY_INVALID", mutation("stockReceive"), stock(-5)},
		"stock adjusted below nothing":      {seller, "STOCK_SHORT", mutation("stockAdjust"), stock(-5)},
		"a cursor of listings in a search":  {anybody, "CURSOR_INVALID", `query($after: String) { search(after: $after) { totalCount } }`, apitest.Vars{"after": cursor}},
		"a cursor of listings in one's own": {seller, "CURSOR_INVALID", `query($after: String) { viewer { listings(after: $after) { nodes { id } } } }`, apitest.Vars{"after": cursor}},
		"a cursor of listings in orders":    {seller, "CURSOR_INVALID", `query($after: String) { viewer { sales(after: $after) { nodes { id } } } }`, apitest.Vars{"after": cursor}},
		"a thousand brands":                 {anybody, "SEARCH_FILTER_COUNT", searchQuery, apitest.Vars{"filter": apitest.Vars{"brandIds": thousand}}},
		"a thousand attributes":             {anybody, "SEARCH_FILTER_COUNT", searchQuery, apitest.Vars{"filter": apitest.Vars{"attributes": values}}},
		"a search of 10,000 characters":     {anybody, "SEARCH_TEXT_LENGTH", searchQuery, apitest.Vars{"text": long}},
		"suggestions for 10,000 characters": {anybody, "SEARCH_TEXT_LENGTH", `query($p: String!) { searchSuggestions(prefix: $p) { text } }`, apitest.Vars{"p": long}},
		"a want of 10,000 characters":       {buyer, "WANT_WORDS", wantCreate, input(apitest.Vars{"words": long})},
		"a category below itself":           {b.admin.Client, "CATEGORY_CYCLE", mutation("categoryMove"), input(apitest.Vars{"categoryId": top, "parentId": top, "reason": "x"})},
		"a category below what is below it": {b.admin.Client, "CATEGORY_CYCLE", mutation("categoryMove"), input(apitest.Vars{"categoryId": top, "parentId": below, "reason": "x"})},
	} {
		b.leaves(t, func() {
			answer, err := c.who.Do(c.query, c.vars)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(answer.Body), `"code":"`+c.code+`"`) || strings.Contains(string(answer.Body), "INTERNAL") {
				t.Errorf("%s: %.300s", name, answer.Body)
			}
		})
	}
	b.leaves(t, func() {
		for name, c := range map[string]struct {
			query, want string
			vars        apitest.Vars
		}{
			"a search":    {`query($filter: SearchFilter) { search(text: "shirt", filter: $filter) { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }`, `"totalCount":0,"nodes":[],"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":null}`, apitest.Vars{"filter": apitest.Vars{"kinds": []string{"LOT"}}}},
			"no brand":    {`query($filter: SearchFilter) { search(filter: $filter) { totalCount nodes { id } facets { kinds { count } } } }`, `"totalCount":0,"nodes":[],"facets":{"kinds":[]}`, apitest.Vars{"filter": apitest.Vars{"brandIds": thousand[:1]}}},
			"a category":  {listings, `{"listings":{"nodes":[],"pageInfo":{"endCursor":null}}}`, apitest.Vars{"filter": apitest.Vars{"categoryId": below}}},
			"no category": {listings, `{"listings":{"nodes":[],"pageInfo":{"endCursor":null}}}`, apitest.Vars{"filter": apitest.Vars{"categoryId": id.Category.Encode(id.New())}}},
		} {
			if got := string(anybody.Must(t, c.query, c.vars).Raw()); !strings.Contains(got, c.want) {
				t.Errorf("%s that matches nothing: %s", name, got)
			}
		}
	})
}
