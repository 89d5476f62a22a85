//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/souklive/souk/bench/rig"
)

// search is what was measured on so many listings.
type search struct{ rate, p95 float64 }

const searchQuery = `query($text: String, $filter: SearchFilter, $sort: SearchSort) { search(text: $text, filter: $filter, sort: $sort, first: 20) { totalCount ` +
	`nodes { id title price { amount currencyCode } photos { url } seller { id name } } ` +
	`facets { kinds { kind count } conditions { condition count } categories { category { id slug } count } prices { from { amount } count } } } }`

// measureSearch asks by 8 clients: mostly words, often with filters, in several orders, few questions twice.
func (b *bench) measureSearch(ctx context.Context, listings int) (s search, err error) {
	souk, err := b.StartSouk(ctx, rig.AnyCore, "serve", "api")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, souk.Stop(context.WithoutCancel(ctx))) }()
	url := "http://" + souk.Addr + "/graphql"
	if err := warm(ctx, url); err != nil {
		return s, err
	}
	var rates, p50s, p95s []float64
	var took spent
	for round := range b.rounds {
		t, err := b.ours(ctx, souk, func(ctx context.Context, client, n int) error {
			_, err := post(ctx, url, question(rand.New(rand.NewPCG(uint64(round*100+client), uint64(n)))))
			return err
		})
		if err != nil {
			return s, err
		}
		rates, p50s, p95s, took = append(rates, t.rate), append(p50s, t.p50), append(p95s, t.p95), t.spent
	}
	memory, err := souk.RSS()
	if err != nil {
		return s, err
	}
	b.Row("search with four facets in %d listings, %d clients: %s a second; p50 %s ms, p95 %s ms; the server has %d MB",
		listings, clients, rig.Listed(rates, "%.0f"), rig.Listed(p50s, "%.1f"), rig.Listed(p95s, "%.1f"), memory>>20)
	b.Row("  of the processor: %s ms for one, in the server, PostgreSQL and the clients", took)
	return search{rate: rig.Median(rates), p95: rig.Median(p95s)}, nil
}

// warm waits until the index in memory answers: until then a broad question takes PostgreSQL long.
func warm(ctx context.Context, url string) error {
	for range 600 {
		at := time.Now()
		if _, err := post(ctx, url, fmt.Sprintf(`{"query":%q,"variables":{"filter":{"conditions":["NEW","GOOD"]}}}`, searchQuery)); err != nil {
			return err
		}
		if time.Since(at) < 20*time.Millisecond {
			return nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return errors.New("searches stay slow")
}

var searched = []string{
	"lamp", "chair", "phone", "headphones", "watch", "shoes", "carpet", "bicycle", "table", "guitar", "lampe", "chaise", "téléphone", "montre", "tapis", "vélo", "livre",
	"مصباح", "كرسي", "هاتف", "ساعة", "سجادة", "كتاب", "red", "rouge", "أحمر", "copper", "cuivre", "wireles", "gitar",
}

// question is a request: two in three have words, of which a third two; the filters are of four kinds.
func question(r *rand.Rand) string {
	body := fmt.Appendf(nil, `{"query":%q,"variables":{`, searchQuery)
	if r.IntN(3) > 0 {
		words := searched[r.IntN(len(searched))]
		if r.IntN(3) == 0 {
			words += " " + searched[r.IntN(len(searched))]
		}
		body = fmt.Appendf(body, `"text":%q,`, words+" ")
	}
	sorts := []string{"RELEVANCE", "NEWEST", "PRICE_UP", "PRICE_DOWN"}
	currency := []string{"EUR", "MAD", "USD"}[r.IntN(3)]
	body = fmt.Appendf(body, `"sort":%q,"filter":{"currencyCode":%q`, sorts[r.IntN(4)], currency)
	if r.IntN(2) == 0 {
		body = fmt.Appendf(body, `,"kinds":[%q]`, []string{"ONE_OFF", "RETAIL"}[r.IntN(2)])
	}
	if r.IntN(2) == 0 {
		body = fmt.Appendf(body, `,"conditions":["NEW",%q]`, []string{"GOOD", "FAIR"}[r.IntN(2)])
	}
	if r.IntN(2) == 0 {
		body = fmt.Appendf(body, `,"priceFrom":{"amount":"%d","currencyCode":%q}`, r.IntN(900), currency)
	}
	return string(append(body, `}}}`...))
}
