//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/postgres"
)

// bareList is what a page of the list takes, in one statement.
const bareList = `SELECT l.id, l.title, l.price, l.currency, u.id, u.name, ARRAY(SELECT photo_id FROM listing_photo p WHERE p.listing_id = l.id ORDER BY position)
	FROM listing l JOIN app_user u ON u.id = l.seller_id
	WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD') AND l.published_at IS NOT NULL AND u.banned_at IS NULL AND l.minimum_tier IS NULL
	ORDER BY l.published_at DESC, l.id DESC LIMIT 20`

// bareSpec is what the bare server needs to know.
type bareSpec struct {
	Database string `json:"database"`
	Like     []byte `json:"like"` // an answer of ours
}

// startBare starts the bare server, in a process of its own as ours is: who is in one with the clients is woken without the kernel.
func (b *bench) startBare(ctx context.Context, like []byte) (*rig.Talker, error) {
	bare, err := rig.Converse(rig.AnyCore, "bare", bareSpec{Database: b.Database.ServerURL(rig.DatabaseName), Like: like})
	if err != nil {
		return nil, err
	}
	bare.Addr, err = bare.Hear(ctx, "listening")
	return bare, err
}

// serveBare is the bare server. It ends with its input.
func serveBare(ctx context.Context, spec string, in io.Reader, out io.Writer) error {
	var s bareSpec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, s.Database, 20)
	if err != nil {
		return err
	}
	defer pool.Close()
	server := httptest.NewServer(bareHandler(pool, s.Like))
	defer server.Close()
	fmt.Fprintln(out, "listening", server.URL)
	_, err = io.Copy(io.Discard, in)
	return err
}

// bareHandler answers as GraphQL does, from one statement; like is such an answer, for what stands around the rows.
func bareHandler(pool *pgxpool.Pool, like []byte) http.Handler {
	_, after, _ := bytes.Cut(like, []byte(`]}}`))
	base := photoBase(like)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		rows, err := pool.Query(r.Context(), bareList)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		out := []byte(`{"data":{"listings":{"nodes":[`)
		for n := 0; rows.Next(); n++ {
			var listing, seller uuid.UUID
			var title, name string
			var price *int64
			var currency *string
			var photos []uuid.UUID
			if err := rows.Scan(&listing, &title, &price, &currency, &seller, &name, &photos); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			if n > 0 {
				out = append(out, ',')
			}
			out = fmt.Appendf(out, `{"id":"%s","title":%s,"price":`, id.Listing.Encode(listing), text(title))
			if price == nil {
				out = append(out, "null"...)
			} else {
				out = fmt.Appendf(out, `{"amount":"%s","currencyCode":"%s"}`, money.New(*price, money.Currency(*currency)).Decimal(), *currency)
			}
			out = append(out, `,"photos":[`...)
			for i, photo := range photos {
				if i > 0 {
					out = append(out, ',')
				}
				out = fmt.Appendf(out, `{"url":"%s%s%s"}`, base, media.PhotoPath, id.Photo.Encode(photo))
			}
			out = fmt.Appendf(out, `],"seller":{"id":"%s","name":%s}}`, id.User.Encode(seller), text(name))
		}
		out = append(append(out, `]}}`...), after...)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
	})
}

// text is a JSON string as GraphQL writes it.
func text(s string) []byte {
	raw, _ := json.Marshal(s)
	return raw
}

// photoBase is where an answer's pictures are.
func photoBase(answer []byte) string {
	_, rest, _ := bytes.Cut(answer, []byte(`"url":"`))
	base, _, _ := bytes.Cut(rest, []byte(media.PhotoPath))
	return string(base)
}
