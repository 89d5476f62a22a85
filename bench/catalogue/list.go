//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/souklive/souk/bench/rig"
)

const listQuery = `{"query":"{ listings(first: 20) { nodes { id title price { amount currencyCode } photos { url } seller { id name } } } }"}`

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
	bare, err := b.startBare(ctx, want)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.End(context.WithoutCancel(ctx))) }()
	got, err := post(ctx, bare.Addr, listQuery)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the bare handler sends\n%s\nand GraphQL\n%s", got, want)
	}
	type side struct {
		server *rig.Process
		rates  []float64
		took   spent
	}
	sides := map[string]*side{ours: {server: souk}, bare.Addr: {server: bare.Process}}
	for range b.rounds {
		for url, side := range sides {
			t, err := b.ours(ctx, side.server, func(ctx context.Context, _, _ int) error {
				_, err := post(ctx, url, listQuery)
				return err
			})
			if err != nil {
				return err
			}
			side.rates, side.took = append(side.rates, t.rate), t.spent
		}
	}
	graphql, handler := sides[ours], sides[bare.Addr]
	b.Row("a list of 20 with price, picture and seller, %d clients: %s a second by GraphQL, %s by the bare handler",
		clients, rig.Listed(graphql.rates, "%.0f"), rig.Listed(handler.rates, "%.0f"))
	b.Row("  of the processor: %s ms for one, in the server, PostgreSQL and the clients; %s by the bare handler", graphql.took, handler.took)
	b.Result("catalogue_list_per_s", rig.Median(graphql.rates))
	b.Result("catalogue_list_vs_bare", rig.Ratio(graphql.rates, handler.rates))
	return nil
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
