package catalog_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/domaintest"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/media"
)

type bundle struct {
	*domaintest.World
	*catalog.Service

	seller uuid.UUID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	w := domaintest.New(t)
	return &bundle{World: w, Service: w.Catalog, seller: w.User(identity.Seller)}
}

// announced is a photo that waits for so many bytes.
func (b *bundle) announced(contentType string, size int) media.Upload {
	b.T.Helper()
	u, err := b.Media.Announce(b.Ctx(), b.seller, contentType, int64(size))
	b.Must(err)
	return u
}

// photo is a stored photo of an owner.
func (b *bundle) photo(owner uuid.UUID) uuid.UUID {
	b.T.Helper()
	var body bytes.Buffer
	b.Must(png.Encode(&body, image.NewGray(image.Rect(0, 0, 3, 2))))
	u, err := b.Media.Announce(b.Ctx(), owner, "image/png", int64(body.Len()))
	b.Must(err)
	b.Must(b.Media.Store(b.Ctx(), u.PhotoID, body.Bytes()))
	return u.PhotoID
}

func input(photos ...uuid.UUID) catalog.CreateInput {
	return catalog.CreateInput{Title: "A thing", Description: "Of use.", Condition: catalog.ConditionGood, Photos: photos}
}

func repeated(s string, n int) string { return strings.Repeat(s, n) }
