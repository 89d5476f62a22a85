//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/id"
)

// market is the demo's stall: lots to watch, and two people with money who outbid each other. All by the API.
type market struct {
	url     string
	host    string // tokens
	bidders [2]string
	lots    []lot
}

type lot struct {
	node    string // its id in the API
	minimum int    // the next bid, in cents
	turn    int    // whose
	version int64  // that the last bid made
}

const (
	lotsWanted = 10
	topUps     = 5 // of the most that one may be
)

func openMarket(ctx context.Context, url string) (*market, error) {
	m := &market{url: url}
	for who, email := range map[*string]string{&m.host: "hana@souk.example", &m.bidders[0]: "bilal@souk.example", &m.bidders[1]: "chloe@souk.example"} {
		var got struct {
			SignIn struct{ Session struct{ Token string } }
		}
		if err := m.do(ctx, "", `mutation($in: SignInInput!) { signIn(input: $in) { session { token } userErrors { code } } }`,
			vars{"in": vars{"email": email, "password": "open-sesame"}}, &got); err != nil {
			return nil, err
		}
		*who = got.SignIn.Session.Token
	}
	for _, token := range m.bidders {
		for n := range topUps {
			if err := m.do(ctx, token, `mutation($in: WalletTopUpInput!) { walletTopUp(input: $in) { topUp { status } userErrors { code } } }`,
				vars{"in": vars{"amount": euros(10_000_00), "paymentMethod": "pm_card_visa", "idempotencyKey": fmt.Sprintf("bench-%d", n)}}, nil); err != nil {
				return nil, err
			}
		}
	}
	if err := m.openLots(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// openLots puts what is for sale under the hammer, for longer than any measurement takes.
func (m *market) openLots(ctx context.Context) error {
	var goods struct {
		Listings struct{ Nodes []struct{ ID, Status string } }
	}
	if err := m.do(ctx, "", `{ listings(first: 50) { nodes { id status } } }`, nil, &goods); err != nil {
		return err
	}
	for _, thing := range goods.Listings.Nodes {
		if thing.Status != "ACTIVE" || len(m.lots) == lotsWanted {
			continue
		}
		var got struct {
			AuctionStart struct{ Auction struct{ ID string } }
		}
		if err := m.do(ctx, m.host, `mutation($in: AuctionStartInput!) { auctionStart(input: $in) { auction { id } userErrors { code } } }`,
			vars{"in": vars{"listingId": thing.ID, "startPrice": euros(20_00), "durationSeconds": 7200}}, &got); err != nil {
			return err
		}
		m.lots = append(m.lots, lot{node: got.AuctionStart.Auction.ID, minimum: 20_00})
	}
	if len(m.lots) < lotsWanted {
		return fmt.Errorf("the demo has %d things for sale, of %d wanted", len(m.lots), lotsWanted)
	}
	for i := range m.lots { // so that each has a leader, and an event to take after
		if err := m.bid(ctx, &m.lots[i]); err != nil {
			return err
		}
	}
	return nil
}

// bid places the next bid on a lot. The other bidder's turn comes after.
func (m *market) bid(ctx context.Context, l *lot) error {
	var got struct {
		BidPlace struct {
			Auction struct {
				Version     int64
				NextMinimum struct{ Minor string }
			}
		}
	}
	err := m.do(ctx, m.bidders[l.turn], `mutation($in: BidPlaceInput!) {
		bidPlace(input: $in) { auction { version nextMinimum { minor } } userErrors { code } } }`,
		vars{"in": vars{"auctionId": l.node, "amount": euros(l.minimum), "idempotencyKey": fmt.Sprintf("%s-%d", l.node, l.minimum)}}, &got)
	if err != nil {
		return err
	}
	l.turn, l.version = 1-l.turn, got.BidPlace.Auction.Version
	l.minimum, err = strconv.Atoi(got.BidPlace.Auction.NextMinimum.Minor)
	return err
}

// key is the lot's id in the database.
func (l lot) key() (uuid.UUID, error) {
	_, key, err := id.Parse(l.node)
	return key, err
}

type vars = map[string]any

func euros(cents int) vars {
	return vars{"amount": fmt.Sprintf("%d.%02d", cents/100, cents%100), "currencyCode": "EUR"}
}

// do sends an operation, whose every error ends the measurement.
func (m *market) do(ctx context.Context, token, query string, variables vars, into any) error {
	body, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	var refused map[string]struct {
		UserErrors []struct {
			Code string `json:"code"`
		} `json:"userErrors"`
	}
	_ = json.Unmarshal(answer.Data, &refused) // queries have none
	for _, payload := range refused {
		for _, e := range payload.UserErrors {
			err = errors.Join(err, errors.New(e.Code))
		}
	}
	if len(answer.Errors) > 0 {
		err = errors.Join(err, errors.New(answer.Errors[0].Message))
	}
	if err != nil {
		return fmt.Errorf("%.60s…: %w", query, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Data, into)
}
