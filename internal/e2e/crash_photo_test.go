package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/apitest"
)

// A photo is announced, sent and made into its sizes; the server is killed between any two of these. What was sent again at most once is
// served in the end.
func TestKilledOnAPhotosWay(t *testing.T) {
	t.Parallel()
	for _, point := range []crashPoint{
		at("announced, before the answer", commit("INSERT", "photo", "", happens)),
		at("written to the disk, before its row", write("UPDATE", "photo", "NEW.status = 'STORED'")),
		at("before the commit of its row", commit("UPDATE", "photo", "NEW.status = 'STORED'", lost)),
		at("after the commit, before the answer", commit("UPDATE", "photo", "NEW.status = 'STORED'", happens)),
		at("it is ready, what was sent is not erased", commit("UPDATE", "photo", "NEW.status = 'READY'", happens)),
	} {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashSite(t)
			hana := c.server.signUp("Hana", "SELLER")
			body, done := picture(t), make(chan struct{})
			var upload uploadData
			announce := func() error {
				var data struct{ PhotoUploadCreate struct{ Upload uploadData } }
				err := ask(hana, tour(t, "Announce a photo"), apitest.Vars{"contentType": "image/jpeg", "bytes": len(body)}, &data)
				upload = data.PhotoUploadCreate.Upload
				return err
			}
			c.dieAt(point, func() (wait func()) {
				go func() {
					defer close(done)
					if announce() == nil {
						_ = upload.send(t.Context(), body) // the server dies on the way, or after it
					}
				}()
				return func() { <-done }
			})
			c.rescue()
			hana = hana.at(c.server)
			if upload.URL == "" { // the ticket never came: another is asked for
				if err := announce(); err != nil {
					t.Fatal(err)
				}
			}
			ticket, err := url.Parse(upload.URL)
			if err != nil {
				t.Fatal(err)
			}
			ticket.Host = strings.TrimPrefix(c.server.url, "http://")
			upload.URL = ticket.String()
			complete := func() string {
				return hana.Must(t, `mutation($input: PhotoUploadCompleteInput!) { photoUploadComplete(input: $input) { photo { id } userErrors { code } } }`,
					apitest.Vars{"input": apitest.Vars{"photoId": upload.PhotoID}}).Str("photoUploadComplete.photo.id")
			}
			if complete() == "" { // it has not come: it is sent again
				if err := upload.send(t.Context(), body); err != nil {
					t.Fatal(err)
				}
				if complete() == "" {
					t.Fatal("it was sent, and is not there")
				}
			}
			const shown = `query($id: ID!) { node(id: $id) { ... on Photo { status url(width: 160) } } }`
			eventually(t, "its sizes", func() bool {
				return hana.Must(t, shown, apitest.Vars{"id": upload.PhotoID}).Str("node.status") == "READY"
			})
			address := hana.Must(t, shown, apitest.Vars{"id": upload.PhotoID}).Str("node.url")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			served, err := http.DefaultClient.Do(r)
			if err != nil || served.StatusCode != http.StatusOK || served.Header.Get("Content-Type") != "image/jpeg" {
				t.Fatalf("%s: %+v, %v", address, served, err)
			}
			_ = served.Body.Close()
			if n := c.count(`SELECT count(*) FROM photo WHERE status NOT IN ('READY', 'PENDING')`); n != 0 {
				t.Errorf("%d photos are on their way", n)
			}
			made := hana.Must(t, `mutation($input: ListingCreateInput!) { listingCreate(input: $input) { listing { photos { status } } userErrors { code } } }`, apitest.Vars{"input": apitest.Vars{
				"title": "A thing", "price": eur(900), "photoIds": []string{upload.PhotoID},
			}})
			if made.Str("listingCreate.listing.photos.0.status") != "READY" {
				t.Errorf("on a listing: %s", made.Raw())
			}
		})
	}
}
