package graphtest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"image"
	"image/png"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/notify"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/realtime"
)

// Person is somebody with an account and an open session.
type Person struct {
	apitest.Client
	ID    uuid.UUID
	Email string
}

// Person makes somebody of a role, without the work of hashing a password.
func (a *API) Person(role identity.Role) Person {
	a.t.Helper()
	a.users++
	p := Person{
		ID: id.New(), Email: fmt.Sprintf("person%d@souk.example", a.users),
		Client: apitest.Client{URL: a.URL, Token: "souk_" + rand.Text(), Reached: Reached()},
	}
	a.Exec(`INSERT INTO app_user (id, email, name, role, password_hash) VALUES ($1, $2, $3, $4, 'none')`,
		p.ID, p.Email, fmt.Sprintf("Person %d", a.users), string(role))
	digest := sha256.Sum256([]byte(p.Token))
	a.Exec(`INSERT INTO session (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')`,
		id.New(), p.ID, digest[:])
	a.people = append(a.people, p)
	return p
}

// People are all whom Person has made.
func (a *API) People() []Person { return slices.Clone(a.people) }

// Funded is a buyer with so many euros.
func (a *API) Funded(euros int64) Person {
	a.t.Helper()
	p := a.Person(identity.Buyer)
	a.TopUp(p, euros)
	return p
}

// TopUp pays so many euros into a wallet.
func (a *API) TopUp(p Person, euros int64) payment.TopUp {
	a.t.Helper()
	top, err := a.Resolver.Payment.TopUp(a.t.Context(), p.ID, payment.TopUpInput{
		Amount: Euros(euros), PaymentMethod: "pm_card_visa", IdempotencyKey: uuid.NewString(),
	})
	a.must(err)
	return top
}

// Photo is an uploaded photo that is on no listing yet.
func (a *API) Photo(owner Person) id.ID {
	a.t.Helper()
	var picture bytes.Buffer
	a.must(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))))
	upload, err := a.Resolver.Media.Announce(a.t.Context(), owner.ID, "image/png", int64(picture.Len()))
	a.must(err)
	a.must(a.Resolver.Media.Store(a.t.Context(), upload.PhotoID, picture.Bytes()))
	return upload.NodeID()
}

// Listing is something for sale at 20 euros.
func (a *API) Listing(seller Person, title string) catalog.Listing {
	a.t.Helper()
	price := Euros(20)
	l, err := a.Resolver.Catalog.Create(a.t.Context(), seller.ID, catalog.CreateInput{
		Title: title, Condition: "GOOD", Price: &price, Photos: []uuid.UUID{a.Photo(seller).UUID},
	})
	a.must(err)
	return l
}

// Lot is an open auction of a listing, from 10 euros, for an hour.
func (a *API) Lot(seller Person, show *uuid.UUID) auction.Auction {
	a.t.Helper()
	return a.LotFrom(seller, show, 10)
}

// LotFrom is a Lot from so many euros.
func (a *API) LotFrom(seller Person, show *uuid.UUID, euros int64) auction.Auction {
	a.t.Helper()
	lot, err := a.Resolver.Auctions.Start(a.t.Context(), seller.ID, auction.StartInput{
		Listing: a.Listing(seller, "A lot of something").ID, Show: show, StartPrice: Euros(euros), Duration: time.Hour,
	})
	a.must(err)
	return lot
}

// Bid bids so many euros.
func (a *API) Bid(bidder Person, lot auction.Auction, euros int64) {
	a.t.Helper()
	_, err := a.Resolver.Auctions.Place(a.t.Context(), bidder.ID, auction.PlaceInput{
		Auction: lot.ID, Amount: Euros(euros), IdempotencyKey: uuid.NewString(),
	})
	a.must(err)
}

// Close ends a lot now, and gives the winner's order if there is one.
func (a *API) Close(lot auction.Auction) id.ID {
	a.t.Helper()
	a.Exec(`WITH ended AS (UPDATE auction SET ends_at = clock_timestamp() WHERE id = $1 RETURNING *)
		INSERT INTO auction_end (auction_id, version, seq, ends_at, latest_end) SELECT id, version, bid_seq, ends_at, latest_end FROM ended`, lot.ID)
	if closed, err := a.Resolver.Auctions.Close(a.t.Context(), lot.ID); err != nil || !closed {
		a.t.Fatalf("close a lot: %v, %v", closed, err)
	}
	var order uuid.UUID
	a.must(a.data.Admin.QueryRow(a.t.Context(),
		`SELECT coalesce((SELECT id FROM orders WHERE auction_id = $1), gen_random_uuid())`, lot.ID).Scan(&order))
	return id.Order.ID(order)
}

// Tell tells users, and brings it to who listens.
func (a *API) Tell(notes ...notify.Note) {
	a.t.Helper()
	var told []realtime.Event
	a.must(postgres.InTx(a.t.Context(), a.pool, func(tx pgx.Tx) (err error) {
		told, err = notify.InsertTx(a.t.Context(), tx, notes...)
		return err
	}))
	a.Resolver.Hub.Publish(a.t.Context(), told...)
}

// Euros is so many of them.
func Euros(n int64) money.Amount { return money.New(n*100, "EUR") }
