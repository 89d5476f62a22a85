package graph_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/chat"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/payment"
	"github.com/souklive/souk/internal/show"
)

// bazaar is an API with one of everything in it.
type bazaar struct {
	*graphtest.API
	seller, rivalSeller           graphtest.Person
	buyer, rival, poor            graphtest.Person
	support, admin                graphtest.Person
	listing                       catalog.Listing // the seller's, on the market
	photo, foreignPhoto           id.ID           // on no listing yet
	lot, closed                   auction.Auction // open with the buyer's bid of 10 euros; won by the buyer
	order                         id.ID
	conversation                  chat.Conversation // of the buyer and the seller
	topUp                         payment.TopUp     // the buyer's
	show, foreignShow             show.Show
	otherLot                      auction.Auction // open, in another show than its own listing's
	listingID, auctionID, closeID string
}

func newBazaar(t *testing.T, options ...graphtest.Option) *bazaar {
	t.Helper()
	b := &bazaar{API: graphtest.New(t, options...)}
	b.seller, b.rivalSeller = b.Person(identity.Seller), b.Person(identity.Seller)
	b.buyer, b.rival, b.poor = b.Funded(500), b.Funded(500), b.Funded(5)
	b.support, b.admin = b.Person(identity.Support), b.Person(identity.Admin)
	b.topUp = b.TopUp(b.buyer, 1)
	b.listing, b.photo, b.foreignPhoto = b.Listing(b.seller, "A brass pot"), b.Photo(b.seller), b.Photo(b.rivalSeller)
	b.lot, b.closed = b.Lot(b.seller, nil), b.Lot(b.seller, nil)
	b.Bid(b.buyer, b.lot, 10)
	b.Bid(b.buyer, b.closed, 10)
	b.order = b.Close(b.closed)
	var err error
	if b.conversation, _, err = b.Resolver.Chat.Start(t.Context(), b.buyer.ID, b.listing.ID, "Is it heavy?"); err != nil {
		t.Fatal(err)
	}
	if b.show, err = b.Resolver.Shows.Create(t.Context(), b.seller.ID, show.Draft{Title: "Saturday's show", StartsAt: b.Resolver.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if b.foreignShow, err = b.Resolver.Shows.Create(t.Context(), b.rivalSeller.ID, show.Draft{Title: "Sunday's show", StartsAt: b.Resolver.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	b.otherLot = b.Lot(b.rivalSeller, nil)
	b.listingID, b.auctionID, b.closeID = b.listing.NodeID().String(), b.lot.NodeID().String(), b.closed.NodeID().String()
	b.Log.Drain(slog.LevelInfo)
	return b
}

// bad is a request that has to be refused.
type bad struct {
	name   string
	who    apitest.Client
	query  string
	vars   apitest.Vars
	code   string // of the first error, or of the first of userErrors
	top    bool   // it is in errors, not in userErrors
	status int    // 200 where it is not given
	field  string // the input's field that is blamed, joined by dots
	data   string // what the refusal carries beside code, message and field, as JSON
}

// ownKey stands for an idempotency key that no other case of a table uses.
const ownKey = "a key of its own"

func withOwnKey(vars apitest.Vars) apitest.Vars {
	in, _ := vars["input"].(apitest.Vars)
	if in["idempotencyKey"] != ownKey {
		return vars
	}
	return with(vars, "input", with(in, "idempotencyKey", uuid.NewString()))
}

// nulls is a query for what does not exist for who asks.
const nulls = "NULL"

// refuse sends the requests one after another and insists on the answer, that nothing was changed, and that
// nobody is called out of bed for a client's mistake.
func (b *bazaar) refuse(t *testing.T, table []bad) {
	t.Helper()
	before := b.Digest()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			answer, err := c.who.Do(c.query, withOwnKey(c.vars))
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, answer)
			b.quiet(t, before)
		})
	}
}

func (c bad) check(t *testing.T, answer apitest.Answer) {
	t.Helper()
	if want := max(c.status, http.StatusOK); answer.Status != want {
		t.Errorf("status %d, want %d", answer.Status, want)
	}
	code, field, data := refusal(t, answer)
	if code != c.code {
		t.Fatalf("code %s, want %s: %+v %s", code, c.code, answer.Errors, answer.Data)
	}
	if len(answer.Errors) > 0 != c.top {
		t.Errorf("refused in the wrong place: errors %+v, data %s", answer.Errors, answer.Data)
	}
	if c.field != "" && field != c.field {
		t.Errorf("blames %s, want %s", field, c.field)
	}
	if c.data != "" && data != c.data {
		t.Errorf("carries %s, want %s", data, c.data)
	}
	for _, e := range answer.Errors {
		if e.Extensions.RequestID == "" || e.Extensions.Kind == "" || e.Message == "" {
			t.Errorf("the error is not whole: %+v", e)
		}
	}
}

// answers is the one table where a refusal leaves something: that it was answered.
const answers = "public.idempotency_answer"

// quiet insists that nothing is in the log above the level of information, and that no table changed.
func (b *bazaar) quiet(t *testing.T, before map[string]string) {
	t.Helper()
	for _, line := range b.Log.Drain(slog.LevelWarn) {
		t.Errorf("logged %s %q %v", line.Level, line.Message, line.Attrs)
	}
	after := b.Digest()
	delete(after, answers)
	for table, content := range after {
		if content != before[table] {
			t.Errorf("%s was changed: %s, then %s", table, before[table], content)
		}
	}
	maps.Copy(before, after) // one fault is told once
}

// refusal finds what was refused in an answer: the first error, or the first of the payload's userErrors.
func refusal(t *testing.T, answer apitest.Answer) (code, field, data string) {
	t.Helper()
	if len(answer.Errors) > 0 {
		return answer.Errors[0].Extensions.Code, "", ""
	}
	var payloads map[string]json.RawMessage
	if err := json.Unmarshal(answer.Data, &payloads); err != nil {
		t.Fatalf("%s: %v", answer.Data, err)
	}
	for _, raw := range payloads {
		if string(raw) == "null" {
			return nulls, "", ""
		}
		var payload struct{ UserErrors []map[string]any }
		if err := json.Unmarshal(raw, &payload); err != nil || len(payload.UserErrors) == 0 {
			continue
		}
		e := payload.UserErrors[0]
		code, _ = e["code"].(string)
		var path []string
		if names, ok := e["field"].([]any); ok {
			for _, name := range names {
				path = append(path, name.(string))
			}
		}
		delete(e, "__typename")
		delete(e, "code")
		delete(e, "message")
		delete(e, "field")
		carried, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return code, strings.Join(path, "."), string(carried)
	}
	return "none", "", ""
}

const userErrors = ` userErrors { __typename code message field
	... on BidTooLow { minimum { amount currencyCode } }
	... on InsufficientFunds { available { amount currencyCode } }
	... on CardDeclined { declineCode } }`

// mutation is the text of a mutation that takes an input of its own type.
func mutation(field string) string {
	return `mutation($input: ` + strings.ToUpper(field[:1]) + field[1:] + `Input!) { ` + field + `(input: $input) {` + userErrors + ` } }`
}

func input(fields apitest.Vars) apitest.Vars { return apitest.Vars{"input": fields} }

func eur(amount any) apitest.Vars { return apitest.Vars{"amount": amount, "currencyCode": "EUR"} }

// with is a copy of some fields with one of another value.
func with(fields apitest.Vars, name string, value any) apitest.Vars {
	out := maps.Clone(fields)
	out[name] = value
	return out
}
