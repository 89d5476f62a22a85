package graph_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souklive/souk/graph"
	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/auction"
	"github.com/souklive/souk/internal/graphtest"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/identity"
	"github.com/souklive/souk/internal/show"
)

var update = flag.Bool("update", false, "write the golden files anew")

const statementsFile = "testdata/statements.txt"

const (
	listingsQuery  = `{ listings(first: 50) { nodes { title price { amount } seller { name } photos { url } auction { price { amount } leader { name } } } } }`
	showsQuery     = `{ shows { nodes { title host { name } lots { listing { title photos { url } } seller { name } leader { name } show { title } } } } }`
	auctionsQuery  = `{ auctions(first: 50) { nodes { listing { title seller { name } } leader { name } order { id } show { title } } } }`
	viewerQuery    = `{ viewer { email wallets { available { amount } } earnings { available { amount } } } }`
	ordersQuery    = `{ viewer { purchases { nodes { total { amount } listing { title photos { url } } seller { name } auction { lotNumber } availableActions } } } }`
	chatsQuery     = `{ viewer { conversations { nodes { listing { title } buyer { name } seller { name } } } } }`
	statementQuery = `{ viewer { wallets { statement(first: 50) { nodes { number balance { amount } cause { id ... on Order { total { amount } } ... on TopUp { status } ... on Auction { endsAt } } } } } } }`
	accountsQuery  = `{ ledgerAccounts(kind: WALLET, first: 30) { nodes { kind owner balance { amount } postings(first: 3) { nodes { amount { amount } } } } } }`
	accountQuery   = `{ ledgerAccount(kind: PSP_CLEARING, ref: "stripe", currencyCode: "EUR") { balance { amount } postings(first: 20) { nodes {
		amount { amount } entry { flow cause reverses { id } reversedBy { id } } } } } }`
	entryQuery = `{ ledgerEntry(id: "1") { key postings { amount { amount } account { kind balance { amount } } } reversedBy { id } } }`
	foundQuery = `{ search(text: "lot", filter: { kinds: [ONE_OFF], currencyCode: "EUR" }, first: 50) { totalCount facets { kinds { count } } nodes {
		title price { amount } seller { name } photos { url } place { latitude } } } }`
	bidsQuery = `query($id: ID!) { auction(id: $id) { bids(first: 50) { nodes { amount { amount } bidder { name } } } } }`
)

// crowd is a market with so many of everything.
type crowd struct {
	*graphtest.API
	seller, buyer graphtest.Person
	support       graphtest.Person
	lot           auction.Auction
	golden        map[string][]string // the statements of each operation that are written down
}

func newCrowd(t *testing.T, n int) *crowd {
	t.Helper()
	// Loaders that gather for long see all ids of a level, even on a slow machine.
	c := &crowd{golden: golden(t), API: graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })}
	c.seller, c.buyer, c.support = c.Person(identity.Seller), c.Funded(1_000), c.Person(identity.Support)
	for range n {
		seller, buyer := c.Person(identity.Seller), c.Funded(100)
		live, err := c.Resolver.Shows.Create(t.Context(), seller.ID, show.Draft{Title: "One show of many", StartsAt: c.Resolver.Clock.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Resolver.Shows.Start(t.Context(), seller.ID, live.ID); err != nil {
			t.Fatal(err)
		}
		open, won := c.Lot(seller, &live.ID), c.Lot(seller, nil)
		c.Bid(buyer, open, 10)
		c.Bid(c.buyer, won, 10)
		c.Close(won)
		if _, _, err := c.Resolver.Chat.Start(t.Context(), c.buyer.ID, open.ListingID, "Hello"); err != nil {
			t.Fatal(err)
		}
	}
	c.lot = c.Lot(c.seller, nil)
	rivals := []graphtest.Person{c.Funded(1_000), c.Funded(1_000)}
	for i := range n {
		c.Bid(rivals[i%2], c.lot, int64(10+i*10))
	}
	return c
}

// read gives the statements that a query took. A machine that stalls can cut a loader's batch in two, or make one of
// two: then it is tried again. What takes other statements than written down takes them every time.
func (c *crowd) read(t *testing.T, name string, who apitest.Client, query string, vars apitest.Vars) counted {
	t.Helper()
	want := c.golden[name]
	sent := c.send(t, who, query, vars)
	for tries := 1; tries < 5 && !slices.Equal(sent, want); tries++ {
		sent = c.send(t, who, query, vars)
	}
	return counted{name, sent}
}

// send runs an operation that has to succeed, and gives the statements that it took.
func (c *crowd) send(t *testing.T, who apitest.Client, query string, vars apitest.Vars) []string {
	t.Helper()
	c.Statements.Drain()
	got := who.Must(t, query, vars)
	if strings.Contains(string(got.Raw()), `"userErrors":[{`) {
		t.Fatalf("%s: %s", query, got.Raw())
	}
	sent := c.Statements.Drain()
	slices.Sort(sent) // loaders run side by side
	return sent
}

// golden reads the statements that are written down.
func golden(t *testing.T) map[string][]string {
	t.Helper()
	written := map[string][]string{}
	var name string
	for line := range strings.SplitSeq(read(t, statementsFile), "\n") {
		if statement, ok := strings.CutPrefix(line, "   "); ok {
			written[name] = append(written[name], statement)
		} else if len(line) > 3 {
			name = line[3:]
		}
	}
	return written
}

type counted struct {
	name string
	sent []string
}

func (c *crowd) reads(t *testing.T) []counted {
	t.Helper()
	lot := apitest.Vars{"id": c.lot.NodeID().String()}
	return []counted{
		c.read(t, "listings", c.Nobody(), listingsQuery, nil),
		c.read(t, "shows", c.Nobody(), showsQuery, nil),
		c.read(t, "auctions", c.buyer.Client, auctionsQuery, nil),
		c.read(t, "auction.bids", c.Nobody(), bidsQuery, lot),
		c.read(t, "viewer", c.buyer.Client, viewerQuery, nil),
		c.read(t, "viewer.purchases", c.buyer.Client, ordersQuery, nil),
		c.read(t, "search", c.Nobody(), foundQuery, nil),
		c.read(t, "viewer.conversations", c.buyer.Client, chatsQuery, nil),
		c.read(t, "viewer.wallets.statement", c.buyer.Client, statementQuery, nil),
		c.read(t, "ledgerAccounts", c.support.Client, accountsQuery, nil),
		c.read(t, "ledgerAccount", c.support.Client, accountQuery, nil),
		c.read(t, "ledgerEntry", c.support.Client, entryQuery, nil),
	}
}

// entryOf is the newest entry of somebody's wallet.
func (c *crowd) entryOf(t *testing.T, p graphtest.Person) string {
	t.Helper()
	got := c.support.Must(t, oneAccount, apitest.Vars{"kind": "WALLET", "owner": id.User.Encode(p.ID), "first": 1})
	return got.Str("ledgerAccount.postings.nodes.0.entry.id")
}

func (c *crowd) writes(t *testing.T) []counted {
	t.Helper()
	lot, won := c.Lot(c.seller, nil), c.Lot(c.seller, nil)
	c.Bid(c.buyer, won, 10)
	orderID := apitest.Vars{"orderId": c.Close(won).String(), "idempotencyKey": "count"}
	bid := func(lot auction.Auction, amount string) apitest.Vars {
		return input(apitest.Vars{"auctionId": lot.NodeID().String(), "amount": eur(amount), "idempotencyKey": "count " + amount})
	}
	const conversation = `mutation($input: ConversationStartInput!) { conversationStart(input: $input) { conversation { id } userErrors { code } } }`
	begin := input(apitest.Vars{"listingId": c.Listing(c.seller, "A thing").NodeID().String(), "body": "Hello"})
	message := func(id string) apitest.Vars { return input(apitest.Vars{"conversationId": id, "body": "Hello"}) }
	rival := c.Funded(100)
	out := []counted{
		{"bidPlace, the first", c.send(t, rival.Client, mutation("bidPlace"), bid(lot, "10"))},
		{"bidPlace, outbidding", c.send(t, c.buyer.Client, mutation("bidPlace"), bid(lot, "11"))},
		{"bidPlace, again", c.send(t, c.buyer.Client, mutation("bidPlace"), bid(lot, "11"))},
		{"orderShip", c.send(t, c.seller.Client, mutation("orderShip"), input(orderID))},
		{"orderConfirmReceipt", c.send(t, c.buyer.Client, mutation("orderConfirmReceipt"), input(orderID))},
		{"walletTopUp", c.send(t, c.buyer.Client, mutation("walletTopUp"), input(apitest.Vars{
			"amount": eur("10"), "paymentMethod": "pm_card_visa", "idempotencyKey": "count",
		}))},
		{"ledgerEntryReverse", c.send(t, c.Person(identity.Admin).Client, takeBack, input(apitest.Vars{
			"entryId": c.entryOf(t, c.Funded(1)), "reason": "why", "idempotencyKey": "count",
		}))},
		{"conversationStart", c.send(t, c.buyer.Client, mutation("conversationStart"), begin)},
		{"listingCreate", c.send(t, c.seller.Client, mutation("listingCreate"), input(apitest.Vars{
			"title": "A brass pot", "condition": "GOOD", "photoIds": []string{c.Photo(c.seller).String()},
		}))},
		{"auctionStart", c.send(t, c.seller.Client, mutation("auctionStart"), input(apitest.Vars{
			"listingId": c.Listing(c.seller, "A thing").NodeID().String(), "startPrice": eur("10"), "durationSeconds": 60,
		}))},
	}
	id := c.buyer.Must(t, conversation, begin).Str("conversationStart.conversation.id")
	out = append(out, counted{"messageSend", c.send(t, c.buyer.Client, mutation("messageSend"), message(id))})
	c.Statements.Drain()
	c.Close(lot)
	closing := c.Statements.Drain()
	slices.Sort(closing)
	return append(out, counted{"closing a lot that is won", closing})
}

// What an operation costs the database is written down, so that nobody adds a statement unawares: look at the
// difference, and run with -update where it is meant.
func TestStatementsOfAnOperation(t *testing.T) {
	t.Parallel()
	few, many := newCrowd(t, 2), newCrowd(t, 20)
	table := few.reads(t)
	for i, wide := range many.reads(t) {
		if !slices.Equal(wide.sent, table[i].sent) {
			t.Errorf("%s depends on the number of rows: %v for 2, %v for 20", wide.name, table[i].sent, wide.sent)
		}
	}
	table = append(table, few.writes(t)...)

	var got bytes.Buffer
	for _, c := range table {
		fmt.Fprintf(&got, "%2d %s\n", len(c.sent), c.name)
		for _, statement := range c.sent {
			fmt.Fprintf(&got, "   %s\n", statement)
		}
	}
	if *update {
		if err := os.WriteFile(statementsFile, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := read(t, statementsFile); got.String() != want {
		for i, line := range strings.Split(got.String(), "\n") {
			if was := strings.Split(want, "\n"); i >= len(was) || was[i] != line {
				t.Errorf("line %d of %s is %q now", i+1, statementsFile, line)
				break
			}
		}
		t.Logf("all of it:\n%s", got.String())
	}
}

// A page of a statement takes as many statements for a few lines as for many, whatever the lines are for.
func TestCausesOfAStatementAreLoadedTogether(t *testing.T) {
	t.Parallel()
	const query = `{ viewer { wallets { statement(first: 50) { nodes { cause { id
		... on Withdrawal { state: status refunds { id } } ... on Exchange { rate } ... on Refund { arrived: status }
		... on Chargeback { reason } ... on Referral { refereeName } } } } } } }`
	taken := func(n int) []string {
		a := graphtest.New(t, func(r *graph.Resolver, _ *graph.Config) { r.Gather = 40 * time.Millisecond })
		buyer, seen := a.Funded(100), 0
		for i := range n {
			key := fmt.Sprint("k", i)
			buyer.Must(t, walletExchange, input(apitest.Vars{"from": eur("1"), "to": "JPY", "idempotencyKey": key}))
			buyer.Must(t, withdraw, input(apitest.Vars{"amount": eur("1"), "idempotencyKey": key}))
			for _, cause := range []string{"refund", "chargeback", "referral"} { // of nothing: they are asked for all the same
				a.Exec(`SELECT ledger.post($1, decode(repeat('00', 32), 'hex'), 'maturity', $2, gen_random_uuid(), ARRAY['referral_cost', 'wallet'],
					ARRAY['00000000-0000-0000-0000-000000000000', $3]::uuid[], ARRAY['', ''], ARRAY['EUR', 'EUR'], ARRAY[-1, 1])`, cause+key, cause, buyer.ID)
			}
		}
		c := &crowd{API: a}
		// A machine that stalls can cut a loader's batch in two: the fewest of a few tries count.
		var fewest []string
		for range 5 {
			if sent := c.send(t, buyer.Client, query, nil); fewest == nil || len(sent) < len(fewest) {
				fewest = sent
			}
		}
		answer := buyer.Must(t, query, nil)
		for _, part := range []string{`"refunds":[{`, `"rate":"`} {
			seen += strings.Count(string(answer.Raw()), part)
		}
		if seen != 3*n { // an exchange has a line in each wallet
			t.Errorf("%d causes of %d came: %s", seen, 3*n, answer.Raw())
		}
		return fewest
	}
	if few, many := taken(2), taken(6); !slices.Equal(few, many) {
		t.Errorf("%d statements for a few lines, %d for many:\n%s\n\n%s", len(few), len(many), strings.Join(few, "\n"), strings.Join(many, "\n"))
	}
}
