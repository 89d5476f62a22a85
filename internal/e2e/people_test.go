package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/ide"
)

const password = "a long enough password"

// tour is the IDE's operation of that title: what newcomers are shown is what is tested.
func tour(t *testing.T, title string) string {
	t.Helper()
	for _, example := range ide.Examples() {
		if example.Title == title {
			return example.Query
		}
	}
	t.Fatalf("the IDE's tour has no step %q", title)
	return ""
}

// person is somebody who is signed in.
type person struct {
	apitest.Client
	name string
}

func (s *server) signUp(name, role string) person {
	s.t.Helper()
	token := s.client().Must(s.t, tour(s.t, "Sign up"), apitest.Vars{"input": signUpInput(name, role)}).Str("signUp.session.token")
	return person{s.client().As(token), name}
}

func signUpInput(name, role string) apitest.Vars {
	email := strings.ToLower(strings.ReplaceAll(name, "é", "e")) + "@example.test"
	return apitest.Vars{"email": email, "password": password, "name": name, "role": role}
}

// at is the same person at another server.
func (p person) at(s *server) person {
	p.URL = s.url
	return p
}

// topUp pays euros into the wallet.
func (p person) topUp(t *testing.T, euros int) {
	t.Helper()
	input := apitest.Vars{"amount": eur(euros * 100), "paymentMethod": "pm_card_visa", "idempotencyKey": rand.Text()}
	got := p.Must(t, tour(t, "Pay into the wallet (buyer)"), apitest.Vars{"input": input})
	if status := got.Str("walletTopUp.topUp.status"); status != "SUCCEEDED" {
		t.Fatalf("%s's top-up: %s", p.name, got.Raw())
	}
}

// openLot lists an item with a photo and starts its auction at 10 euros.
func (p person) openLot(t *testing.T, seconds, extension int) (auction string) {
	t.Helper()
	listing := p.Must(t, tour(t, "List an item"), apitest.Vars{"input": apitest.Vars{
		"title": "Brass coffee pot", "condition": "GOOD", "photoIds": []string{p.sendPhoto(t)},
	}}).Str("listingCreate.listing.id")
	input := apitest.Vars{"listingId": listing, "startPrice": eur(1000), "durationSeconds": seconds, "extensionSeconds": extension}
	got := p.Must(t, tour(t, "Start the auction"), apitest.Vars{"input": input})
	if got.Str("auctionStart.auction.status") != "OPEN" {
		t.Fatalf("start an auction: %s", got.Raw())
	}
	return got.Str("auctionStart.auction.id")
}

func (p person) sendPhoto(t *testing.T) (id string) {
	t.Helper()
	id, err := p.trySendPhoto(t)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// trySendPhoto announces a photo and sends it, by the instructions that it gets.
func (p person) trySendPhoto(t *testing.T) (id string, err error) {
	t.Helper()
	body := picture(t)
	var data struct{ PhotoUploadCreate struct{ Upload uploadData } }
	if err := ask(p, tour(t, "Announce a photo"), apitest.Vars{"contentType": "image/jpeg", "bytes": len(body)}, &data); err != nil {
		return "", err
	}
	upload := data.PhotoUploadCreate.Upload
	return upload.PhotoID, upload.send(t.Context(), body)
}

// uploadData is how a photo is to be sent.
type uploadData struct {
	PhotoID, Method, URL string
	Headers              []struct{ Name, Value string }
}

// send follows the instructions.
func (u uploadData) send(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, u.Method, u.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, h := range u.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the upload was answered %s", resp.Status)
	}
	return nil
}

// ask sends an operation that has an input, and reads the answer into data.
func ask(p person, query string, input apitest.Vars, data any) error {
	answer, err := p.Do(query, apitest.Vars{"input": input})
	switch {
	case err != nil:
		return err
	case len(answer.Errors) > 0:
		return fmt.Errorf("%.60s: %+v", query, answer.Errors)
	}
	return json.Unmarshal(answer.Data, data)
}

// picture is a JPEG of a pot, seen by somebody without glasses.
func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := range 64 {
		for y := range 48 {
			img.Set(x, y, color.RGBA{R: uint8(3 * x), G: uint8(4 * y), B: 40, A: 255})
		}
	}
	var body bytes.Buffer
	if err := jpeg.Encode(&body, img, nil); err != nil {
		t.Fatal(err)
	}
	return body.Bytes()
}

// wallet is what is free and what is held, in cents.
func (p person) wallet(t *testing.T) (available, held int) {
	t.Helper()
	got := p.Must(t, `{ viewer { wallets { available { minor } held { minor } } } }`, nil)
	return cents(t, got.Str("viewer.wallets.0.available.minor")), cents(t, got.Str("viewer.wallets.0.held.minor"))
}

// eur is an amount of cents as the API takes it.
func eur(cents int) apitest.Vars {
	return apitest.Vars{"amount": decimal(cents), "currencyCode": "EUR"}
}

func bidID(t *testing.T, stored string) string {
	t.Helper()
	u, err := uuid.Parse(stored)
	if err != nil {
		t.Fatal(err)
	}
	return id.Bid.Encode(u)
}

func decimal(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func cents(t *testing.T, minor string) int {
	t.Helper()
	n, err := strconv.Atoi(minor)
	if err != nil {
		t.Fatalf("minor units: %v", err)
	}
	return n
}

const bidPlace = `mutation Bid($input: BidPlaceInput!) { bidPlace(input: $input) {
	leading bid { id number amount { minor } }
	userErrors { code ... on BidTooLow { minimum { minor } } } } }`

// bid is what became of one bid.
type bid struct {
	ID     string
	Number int
	Amount int // in cents
	Code   string
	// Minimum is in cents, where the bid was too low.
	Minimum int
}

// place bids; an error says that it is unknown whether the bid counts.
func (p person) place(auction string, cents int, key string) (bid, error) {
	answer, err := p.Persist(bidPlace, apitest.Vars{"input": apitest.Vars{"auctionId": auction, "amount": eur(cents), "idempotencyKey": key}})
	if err != nil {
		return bid{}, err
	}
	if len(answer.Errors) > 0 {
		return bid{}, fmt.Errorf("bidPlace: %+v", answer.Errors)
	}
	var data struct {
		BidPlace struct {
			Bid        *bidData
			UserErrors []struct {
				Code    string
				Minimum amountData
			}
		}
	}
	if err := json.Unmarshal(answer.Data, &data); err != nil {
		return bid{}, err
	}
	if data.BidPlace.Bid != nil {
		return data.BidPlace.Bid.bid(), nil
	}
	refusal := data.BidPlace.UserErrors[0]
	return bid{Code: refusal.Code, Minimum: refusal.Minimum.Minor}, nil
}

type amountData struct {
	Minor int `json:",string"`
}

type bidData struct {
	ID     string
	Number int
	Amount amountData
}

func (b bidData) bid() bid { return bid{ID: b.ID, Number: b.Number, Amount: b.Amount.Minor} }

// duel has two people outbid each other until n bids are placed or ctx ends; it gives what was acknowledged.
// Each knows the price from the other's answer, so that no bid is refused.
func duel(ctx context.Context, auction string, one, two person, n int, onBid func(bid)) error {
	price := 1000
	for i := 0; i < n && ctx.Err() == nil; i++ {
		who := one
		if i%2 == 1 {
			who = two
		}
		placed, err := who.place(auction, price, rand.Text())
		if err == nil && placed.Code != "" {
			err = fmt.Errorf("bid %d of %d: %s", i+1, price, placed.Code)
		}
		if err != nil {
			return err
		}
		onBid(placed)
		price += 2500
	}
	return nil
}
