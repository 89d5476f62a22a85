package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/money"
	"github.com/souklive/souk/internal/order"
	"github.com/souklive/souk/internal/realtime"
)

// facts are what the API has to say: objects by their fields, and texts, whole numbers, instants and nil.
type facts = map[string]any

// list is a list of facts.
type list []any

// record is one version of a topic, as the database has it.
type record struct {
	event facts // the whole of it
	sale  *sale // of a lot that was sold
}

// sale is the order that a lot became.
type sale struct{ order, buyer, seller uuid.UUID }

// truth is the table event, read as it grows: its rows never change.
type truth struct {
	pool  *pgxpool.Pool
	epoch string

	mu       sync.Mutex
	records  map[realtime.Topic][]record // version v is at v-1
	names    map[uuid.UUID]string
	listings map[uuid.UUID]facts
}

func newTruth(ctx context.Context, url string) (*truth, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	t := &truth{pool: pool, records: map[realtime.Topic][]record{}, names: map[uuid.UUID]string{}, listings: map[uuid.UUID]facts{}}
	return t, pool.QueryRow(ctx, `SELECT id::text FROM epoch`).Scan(&t.epoch)
}

// at is a version of a topic; where the database has none, found is false. A database that does not answer is asked again.
func (t *truth) at(ctx context.Context, topic realtime.Topic, version int) (_ record, found bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for version > len(t.records[topic]) {
		before := len(t.records[topic])
		if err := t.insist(ctx, func() error { return t.load(ctx, topic) }); err != nil {
			return record{}, false, err
		}
		if len(t.records[topic]) == before {
			return record{}, false, nil
		}
	}
	return t.records[topic][version-1], true, nil
}

// top is the last version of a topic; 0 where it has none.
func (t *truth) top(ctx context.Context, topic realtime.Topic) (top int64, err error) {
	err = t.insist(ctx, func() error {
		return t.pool.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM event WHERE topic = $1`, string(topic)).Scan(&top)
	})
	return top, err
}

func (t *truth) forget(topic realtime.Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.records, topic)
}

func (t *truth) nameOf(u uuid.UUID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[u]
}

// insist asks until there is an answer, or ctx ends.
func (t *truth) insist(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// load reads what has been added to a topic; mu is held.
func (t *truth) load(ctx context.Context, topic realtime.Topic) error {
	rows, err := t.pool.Query(ctx, `SELECT version, kind, payload, at FROM event WHERE topic = $1 AND version > $2 ORDER BY version`,
		string(topic), len(t.records[topic]))
	if err != nil {
		return err
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e realtime.Event, err error) {
		e.Topic = topic
		return e, row.Scan(&e.Version, &e.Kind, &e.Payload, &e.At)
	})
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Version != int64(len(t.records[topic])+1) {
			return fmt.Errorf("the database has %s version %d after %d", topic, e.Version, len(t.records[topic]))
		}
		r, err := t.recordOf(ctx, e)
		if err != nil {
			return err
		}
		t.records[topic] = append(t.records[topic], r)
	}
	return nil
}

func (t *truth) recordOf(ctx context.Context, e realtime.Event) (record, error) {
	r := record{event: facts{"version": e.Version, "epoch": t.epoch, "kind": e.Kind, "at": e.At}}
	kind, _, _ := strings.Cut(string(e.Topic), ":")
	switch kind {
	case "auction":
		err := t.tellLot(ctx, e, &r)
		return r, err
	case "conversation":
		var m chat.Message
		if err := json.Unmarshal(e.Payload, &m); err != nil {
			return r, err
		}
		sender, err := t.user(ctx, m.SenderID)
		r.event["message"] = facts{
			"id": id.Message.Encode(m.ID), "version": m.Version, "body": m.Body, "sentAt": m.SentAt, "sender": sender,
		}
		return r, err
	case "order":
		err := t.tellOrder(ctx, e, &r)
		return r, err
	case "user", "support":
		var told struct{ Object string }
		err := json.Unmarshal(e.Payload, &told)
		r.event["object"] = facts{"id": told.Object}
		if kind == "support" { // whose desk has nothing else yet
			r.event["object"] = facts{"id": told.Object, "__typename": "Chargeback"}
		}
		return r, err
	}
	return r, fmt.Errorf("an event of %s", e.Topic)
}

func (t *truth) tellLot(ctx context.Context, e realtime.Event, r *record) error {
	var c auction.Change
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return err
	}
	a := c.Auction
	seller, err := t.user(ctx, a.SellerID)
	if err != nil {
		return err
	}
	listing, err := t.listing(ctx, a.ListingID, seller)
	if err != nil {
		return err
	}
	lot := facts{
		"id": id.Auction.Encode(a.ID), "status": string(a.Status), "version": a.Version, "bidCount": a.BidCount,
		"backing": string(a.Backing), "lotNumber": nil, "show": nil, "price": nil, "nextMinimum": sum(a.NextMinimum),
		"startPrice": sum(a.StartPrice), "leader": nil, "seller": seller, "listing": listing, "openedAt": *a.OpenedAt,
		"endsAt": *a.EndsAt, "closedAt": nil, "extensionSeconds": a.ExtensionSeconds(), "order": nil,
	}
	if a.Price != nil {
		lot["price"] = sum(*a.Price)
	}
	if a.ClosedAt != nil {
		lot["closedAt"] = *a.ClosedAt
	}
	if a.LeaderID != nil {
		if lot["leader"], err = t.user(ctx, *a.LeaderID); err != nil {
			return err
		}
	}
	r.event["__typename"], r.event["auction"] = "AuctionEvent", lot
	bids := list{}
	for _, b := range c.Bids {
		bidder, err := t.user(ctx, b.BidderID)
		if err != nil {
			return err
		}
		bids = append(bids, facts{
			"id": id.Bid.Encode(b.ID), "number": *b.Number, "bidder": bidder, "amount": sum(b.Amount), "placedAt": b.PlacedAt,
		})
	}
	r.event["bids"] = bids
	if a.Status == auction.Sold {
		r.sale = &sale{}
		return t.pool.QueryRow(ctx, `SELECT id, buyer_id, seller_id FROM orders WHERE auction_id = $1`, a.ID).
			Scan(&r.sale.order, &r.sale.buyer, &r.sale.seller)
	}
	return nil
}

func (t *truth) tellOrder(ctx context.Context, e realtime.Event, r *record) error {
	var o order.Order
	if err := json.Unmarshal(e.Payload, &o); err != nil {
		return err
	}
	buyer, err := t.user(ctx, o.BuyerID)
	if err != nil {
		return err
	}
	seller, err := t.user(ctx, o.SellerID)
	r.event["order"] = facts{
		"id": id.Order.Encode(o.ID), "version": o.Version, "payment": string(o.Payment), "fulfilment": string(o.Fulfilment),
		"tracking": o.Tracking, "total": sum(o.Total), "buyer": buyer, "seller": seller,
	}
	return err
}

func sum(a money.Amount) facts {
	return facts{"amount": a.Decimal(), "currencyCode": string(a.Currency), "minor": strconv.FormatInt(a.Minor, 10)}
}

func (t *truth) user(ctx context.Context, u uuid.UUID) (facts, error) {
	if t.names[u] == "" {
		var name string
		if err := t.pool.QueryRow(ctx, `SELECT name FROM app_user WHERE id = $1`, u).Scan(&name); err != nil {
			return nil, err
		}
		t.names[u] = name
	}
	return facts{"id": id.User.Encode(u), "name": t.names[u]}, nil
}

func (t *truth) listing(ctx context.Context, l uuid.UUID, seller facts) (facts, error) {
	if t.listings[l] == nil {
		var title, description string
		if err := t.pool.QueryRow(ctx, `SELECT title, description FROM listing WHERE id = $1`, l).Scan(&title, &description); err != nil {
			return nil, err
		}
		t.listings[l] = facts{"id": id.Listing.Encode(l), "title": title, "description": description, "seller": seller}
	}
	return t.listings[l], nil
}

// snapshot is what a snapshot at this version has to say: the object as it is, and nothing of what made it so.
func (r record) snapshot() facts {
	s := facts{}
	for field, value := range r.event {
		switch field {
		case "at":
			s[field] = anyTime{}
		case "message", "object":
			s[field] = nil
		case "bids":
			s[field] = list{}
		default:
			s[field] = value
		}
	}
	s["kind"] = "SNAPSHOT"
	return s
}

// withOrder is an event as the buyer or the seller of the sold lot sees it.
func withOrder(event facts, s *sale, names func(uuid.UUID) string) facts {
	order := facts{
		"id": id.Order.Encode(s.order), "seller": facts{"id": id.User.Encode(s.seller)},
		"buyer": facts{"id": id.User.Encode(s.buyer), "name": names(s.buyer)},
	}
	lot := facts{"order": order}
	for field, value := range event["auction"].(facts) {
		if field != "order" {
			lot[field] = value
		}
	}
	changed := facts{"auction": lot}
	for field, value := range event {
		if field != "auction" {
			changed[field] = value
		}
	}
	return changed
}

// anyTime is an instant that is not known beforehand.
type anyTime struct{}

var (
	numbered = regexp.MustCompile(`_\d+$`)
	// of is when it was asked, not when it happened.
	ofTheMoment = map[string]bool{"serverTime": true, "availableActions": true, "auction.bids": true}
)

// difference says where an answer says something else than the facts; it may say less.
func difference(got, want any, at string) string {
	switch want := want.(type) {
	case facts:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v", at, got)
		}
		for field, value := range object {
			name := numbered.ReplaceAllString(field, "")
			if ofTheMoment[name] || ofTheMoment[at[strings.LastIndexByte(at, '.')+1:]+"."+name] {
				continue
			}
			expected, known := want[name]
			if !known {
				return fmt.Sprintf("%s.%s is %v, of which nothing is known", at, field, value)
			}
			if d := difference(value, expected, at+"."+field); d != "" {
				return d
			}
		}
		return ""
	case list:
		items, ok := got.([]any)
		if !ok || len(items) != len(want) {
			return fmt.Sprintf("%s is %v, want %d of them", at, got, len(want))
		}
		for i, item := range items {
			if d := difference(item, want[i], fmt.Sprintf("%s[%d]", at, i)); d != "" {
				return d
			}
		}
		return ""
	case nil:
		if got != nil {
			return fmt.Sprintf("%s is %v, want null", at, got)
		}
		return ""
	case time.Time:
		text, _ := got.(string)
		if read, err := time.Parse(time.RFC3339Nano, text); err != nil || !read.Equal(want.Truncate(time.Microsecond)) {
			return fmt.Sprintf("%s is %v, want %v", at, got, want)
		}
		return ""
	case anyTime:
		text, _ := got.(string)
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			return fmt.Sprintf("%s is %v, no time", at, got)
		}
		return ""
	case string:
		if got != want {
			return fmt.Sprintf("%s is %.200v, want %.200v", at, got, want)
		}
		return ""
	}
	number, ok := got.(float64)
	if !ok || number != float64(reflect.ValueOf(want).Int()) {
		return fmt.Sprintf("%s is %v, want %v", at, got, want)
	}
	return ""
}
