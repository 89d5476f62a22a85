//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/bench/rig"
	"github.com/souklive/souk/internal/id"
)

const (
	addLine = `mutation($input: CartLineAddInput!) { cartLineAdd(input: $input) { cart { lineCount } userErrors { code message } } }`
	quote   = `mutation($input: CheckoutQuoteInput!) { checkoutQuote(input: $input) { quote { id total { amount currencyCode } } userErrors { code message } } }`
	confirm = `mutation($input: CheckoutConfirmInput!) { checkoutConfirm(input: $input) { orders { id payment total { amount } } userErrors { code message } } }`
)

// steps are the mutations of a checkout.
var steps = []string{"cartLineAdd", "checkoutQuote", "checkoutConfirm"}

// trip is one client's way through checkouts, and what each step took in milliseconds.
type trip struct {
	url    string
	client *http.Client
	took   map[string][]float64
}

func newTrip(url string) *trip {
	return &trip{url: url, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}, took: map[string][]float64{}}
}

// refusedError is a refusal that a payload has.
type refusedError struct{ step, code, message string }

func (e *refusedError) Error() string { return e.step + ": " + e.code + ": " + e.message }

// do sends one mutation and reads its payload.
func (t *trip) do(ctx context.Context, who buyer, step, query string, input map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"input": input}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+who.token)
	at := time.Now()
	response, err := t.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	t.took[step] = append(t.took[step], float64(time.Since(at).Microseconds())/1000)
	var answer struct {
		Data   map[string]json.RawMessage `json:"data"`
		Errors []json.RawMessage          `json:"errors"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		return fmt.Errorf("%s answered %.500s", step, raw)
	}
	var refused struct {
		UserErrors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"userErrors"`
	}
	if err := json.Unmarshal(answer.Data[step], &refused); err != nil {
		return err
	}
	if len(refused.UserErrors) > 0 {
		return &refusedError{step, refused.UserErrors[0].Code, refused.UserErrors[0].Message}
	}
	return json.Unmarshal(answer.Data[step], into)
}

// buy puts goods into a cart, has it quoted and confirms that. before is called before each of the three.
func (t *trip) buy(ctx context.Context, who buyer, goods []good, before func(step string) error) error {
	began := time.Now()
	if err := before(steps[0]); err != nil {
		return err
	}
	for _, g := range goods {
		if err := t.do(ctx, who, steps[0], addLine, map[string]any{"variantId": id.Variant.Encode(g.variant)}, &struct{}{}); err != nil {
			return err
		}
	}
	var quoted struct {
		Quote struct {
			ID    string         `json:"id"`
			Total map[string]any `json:"total"`
		} `json:"quote"`
	}
	if err := before(steps[1]); err != nil {
		return err
	}
	if err := t.do(ctx, who, steps[1], quote, map[string]any{"addressId": id.Address.Encode(who.address), "idempotencyKey": uuid.NewString()}, &quoted); err != nil {
		return err
	}
	var confirmed struct {
		Orders []struct {
			Payment string `json:"payment"`
		} `json:"orders"`
	}
	if err := before(steps[2]); err != nil {
		return err
	}
	in := map[string]any{"quoteId": quoted.Quote.ID, "total": quoted.Quote.Total, "idempotencyKey": uuid.NewString()}
	if err := t.do(ctx, who, steps[2], confirm, in, &confirmed); err != nil {
		return err
	}
	if len(confirmed.Orders) == 0 || confirmed.Orders[0].Payment != "PAID" {
		return fmt.Errorf("a checkout ends with %+v", confirmed)
	}
	t.took["whole"] = append(t.took["whole"], float64(time.Since(began).Microseconds())/1000)
	return nil
}

func nothing(string) error { return nil }

// play has so many clients buy one thing after another for a time.
func (b *bench) play(ctx context.Context, clients int) (rate float64, took map[string][]float64, err error) {
	var done atomic.Int64
	trips, errs := make([]*trip, clients), make([]error, clients)
	var all sync.WaitGroup
	began := time.Now()
	for c := range clients {
		trips[c] = newTrip(b.url)
		all.Go(func() {
			for n := 0; time.Since(began) < b.length; n++ {
				who := b.buyers[warm+c+n%((people-warm)/64)*64]
				if errs[c] = trips[c].buy(ctx, who, []good{b.goods[(c*7919+n*31)%len(b.goods)]}, nothing); errs[c] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	length := time.Since(began)
	took = map[string][]float64{}
	for c, t := range trips {
		if errs[c] != nil {
			return 0, nil, errs[c]
		}
		for step, ms := range t.took {
			took[step] = append(took[step], ms...)
		}
	}
	for _, ms := range took {
		slices.Sort(ms)
	}
	return float64(done.Load()) / length.Seconds(), took, nil
}

// measureCheckouts has 8, 32 and 64 clients buy, and pgbench the same with 32.
func (b *bench) measureCheckouts(ctx context.Context) error {
	for _, clients := range []int{8, 32, 64} {
		var rates, bares []float64
		took := map[string][]float64{}
		// Autovacuum looks each minute, and a table that has grown by tenths is analysed, so that everybody plans anew. A run is over before it comes: plans from
		// when a few hundred quotes were one page would read ten thousand of them for each.
		if _, err := b.Admin.Exec(ctx, "ANALYZE"); err != nil {
			return err
		}
		for range b.rounds {
			rate, ms, err := b.told(ctx, clients)
			if err != nil {
				return err
			}
			rates = append(rates, rate)
			for step := range ms {
				took[step] = append(took[step], ms[step]...)
			}
			if clients == 32 {
				bare, err := b.pgbench(ctx, clients)
				if err != nil {
					return err
				}
				bares = append(bares, bare)
			}
		}
		b.Row("%d clients: %s checkouts a second", clients, rig.Listed(rates, "%.0f"))
		for _, step := range append(slices.Clone(steps), "whole") {
			slices.Sort(took[step])
			b.Row("  %-16s p50 %.1f ms, p95 %.1f ms", step, rig.Quantile(took[step], 0.5), rig.Quantile(took[step], 0.95))
		}
		switch clients {
		case 32:
			b.Row("  pgbench with the same statements: %s a second", rig.Listed(bares, "%.0f"))
			b.Result("checkout_vs_pgbench", rig.Ratio(rates, bares))
			b.Result("checkout_orders_per_s_32", rig.Median(rates))
		case 64:
			b.Result("checkout_confirm_p95_ms", rig.Quantile(took[steps[2]], 0.95))
		}
	}
	return nil
}

// told plays a round, and tells its statements where that was asked for.
func (b *bench) told(ctx context.Context, clients int) (rate float64, ms map[string][]float64, err error) {
	if !b.spend {
		return b.play(ctx, clients)
	}
	if err := b.CountStatements(ctx); err != nil {
		return 0, nil, err
	}
	if rate, ms, err = b.play(ctx, clients); err != nil {
		return 0, nil, err
	}
	lines, err := b.Statements(ctx)
	b.Say("%d clients: %.0f checkouts a second\n%s", clients, rate, strings.Join(lines, "\n"))
	return rate, ms, err
}

// measureCarts counts the statements of twenty lines by how many sellers they are of.
func (b *bench) measureCarts(ctx context.Context) error {
	by := map[uuid.UUID][]good{}
	var sellers []uuid.UUID
	for _, g := range b.goods {
		if by[g.seller] == nil {
			sellers = append(sellers, g.seller)
		}
		by[g.seller] = append(by[g.seller], g)
	}
	for i, c := range []struct{ sellers, each int }{{1, 1}, {1, 4}, {5, 1}, {5, 4}} {
		var goods []good
		for _, s := range sellers {
			if len(goods) < c.sellers*c.each && len(by[s]) >= c.each {
				goods = append(goods, by[s][:c.each]...)
			}
		}
		counts := map[string]int64{}
		last := ""
		if err := newTrip(b.url).buy(ctx, b.buyers[i], goods, func(step string) (err error) {
			if last != "" {
				counts[last], err = b.calls(ctx)
			}
			last = step
			if err == nil {
				err = b.CountStatements(ctx)
			}
			return err
		}); err != nil {
			return err
		}
		var err error
		if counts[last], err = b.calls(ctx); err != nil {
			return err
		}
		b.Row("%2d lines of %d sellers: %d statements to put them into the cart, %d to quote, %d to confirm", len(goods), c.sellers, counts[steps[0]], counts[steps[1]], counts[steps[2]])
	}
	return nil
}

// calls is how many statements the server made since they were counted anew, besides what it does by itself.
func (b *bench) calls(ctx context.Context) (n int64, err error) {
	err = b.Admin.QueryRow(ctx, `SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
		WHERE r.rolname = 'souk_server' AND toplevel AND left(query, 60) <> ALL ($1)`, b.quiet).Scan(&n)
	return n, err
}

// measureCrowd has 64 buyers want ten pieces at once.
func (b *bench) measureCrowd(ctx context.Context) error {
	const crowd, pieces = 64, 10
	scarce := b.goods[0]
	for _, statement := range []string{
		`ALTER TABLE stock DISABLE TRIGGER USER`, fmt.Sprintf(`UPDATE stock SET on_hand = reserved WHERE variant_id = '%s'`, scarce.variant),
		fmt.Sprintf(`UPDATE stock SET on_hand = reserved + %d WHERE variant_id = '%s' AND location_id = '%s'`, pieces, scarce.variant, scarce.location),
		`ALTER TABLE stock ENABLE TRIGGER USER`,
	} {
		if _, err := b.Admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	errs := make([]error, crowd)
	began := time.Now()
	for i := range crowd {
		all.Go(func() { errs[i] = newTrip(b.url).buy(ctx, b.buyers[warm+i], []good{scarce}, nothing) })
	}
	all.Wait()
	length := time.Since(began)
	orders, refusals := 0, map[string]int{}
	for _, err := range errs {
		refused, is := err.(*refusedError) //nolint:errorlint // as do gives it
		switch {
		case err == nil:
			orders++
		case is:
			refusals[refused.step+" "+refused.code]++
		default:
			return err
		}
	}
	var told []string
	for code, n := range refusals {
		told = append(told, fmt.Sprintf("%d %s", n, code))
	}
	slices.Sort(told)
	b.Row("%d buyers for %d pieces: %d orders, refused: %s; %s", crowd, pieces, orders, strings.Join(told, ", "), length.Round(time.Millisecond))
	b.Result("checkout_contended_orders", float64(orders))
	return nil
}
