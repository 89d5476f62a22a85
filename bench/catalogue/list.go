//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/google/uuid"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/media"
	"github.com/souklive/souk/internal/money"
)

const listQuery = `{"query":"{ listings(first: 20) { nodes { id title price { amount currencyCode } photos { url } seller { id name } } } }"}`

// bareList is what a page of the list takes, in one statement.
const bareList = `SELECT l.id, l.title, l.price, l.currency, u.id, u.name, ARRAY(SELECT photo_id FROM listing_photo p WHERE p.listing_id = l.id ORDER BY position)
	FROM listing l JOIN app_user u ON u.id = l.seller_id
	WHERE l.status IN ('ACTIVE', 'RESERVED', 'SOLD') AND l.published_at IS NOT NULL AND u.banned_at IS NULL AND l.minimum_tier IS NULL
	ORDER BY l.published_at DESC, l.id DESC LIMIT 20`

// measureList has both sides send the same page.
func (b *bench) measureList(ctx context.Context) (err error) {
	souk, err := b.StartSouk(ctx, rig.AnyCore, "serve", "api")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, souk.Stop(context.WithoutCancel(ctx))) }()
	ours := "http://" + souk.Addr + "/graphql"
	want, err := post(ctx, ours, listQuery)
	if err != nil {
		return err
	}
	bare := httptest.NewServer(b.bareHandler(want))
	defer bare.Close()
	got, err := post(ctx, bare.URL, listQuery)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the bare handler sends\n%s\nand GraphQL\n%s", got, want)
	}
	var rates, bares []float64
	for range b.rounds {
		for url, rounds := range map[string]*[]float64{ours: &rates, bare.URL: &bares} {
			t, err := b.ours(ctx, func(ctx context.Context, _, _ int) error {
				_, err := post(ctx, url, listQuery)
				return err
			})
			if err != nil {
				return err
			}
			*rounds = append(*rounds, t.rate)
		}
	}
	b.Row("a list of 20 with price, picture and seller, %d clients: %s a second by GraphQL, %s by the bare handler", clients, rig.Listed(rates, "%.0f"), rig.Listed(bares, "%.0f"))
	b.Result("catalogue_list_per_s", rig.Median(rates))
	b.Result("catalogue_list_vs_bare", rig.Ratio(rates, bares))
	return nil
}

// bareHandler answers as GraphQL does, from one statement; like is such an answer, for what stands around the rows.
func (b *bench) bareHandler(like []byte) http.Handler {
	_, after, _ := bytes.Cut(like, []byte(`]}}`))
	base := photoBase(like)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		rows, err := b.pool.Query(r.Context(), bareList)
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

// client keeps its connections.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * clients}}

func post(ctx context.Context, url, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors":`))) {
		err = fmt.Errorf("%s answered %.300s", url, answer)
	}
	return answer, err
}
