package graph_test

import (
	"testing"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/id"
)

const (
	takeBack = `mutation($input: LedgerEntryReverseInput!) { ledgerEntryReverse(input: $input) {
		entry { id flow cause reverses { id reversedBy { id } } } userErrors { code field ... on EntryNotReversible { instead } ... on InsufficientFunds { available { amount currencyCode } } } } }`
	whatStaffDid = `{ adminActions { nodes { id actor { id } action subject reason } } }`
)

// entriesOf are the entries of the buyer's wallet, the newest first: two bids and two top-ups.
func (b *bazaar) entriesOf(t *testing.T) (ids []string) {
	t.Helper()
	got := b.support.Must(t, oneAccount, apitest.Vars{"kind": "WALLET", "owner": id.User.Encode(b.buyer.ID)})
	for _, i := range []string{"0", "1", "2", "3"} {
		ids = append(ids, got.Str("ledgerAccount.postings.nodes."+i+".entry.id"))
	}
	return ids
}

// Support sees and cannot move; an admin takes an entry back, once, and is named for it.
func TestAnEntryIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	defer everything(t, b.API)
	entry := b.entriesOf(t)[2] // the top-up of one euro
	in := input(apitest.Vars{"entryId": entry, "reason": "The card was charged for somebody else.", "idempotencyKey": "once"})
	b.refuse(t, []bad{
		{name: "by nobody", who: b.Nobody(), query: takeBack, vars: in, code: "UNAUTHENTICATED", top: true},
		{name: "by the wallet's owner", who: b.buyer.Client, query: takeBack, vars: in, code: "FORBIDDEN", top: true},
		{name: "by a seller", who: b.seller.Client, query: takeBack, vars: in, code: "FORBIDDEN", top: true},
		{name: "by support", who: b.support.Client, query: takeBack, vars: in, code: "FORBIDDEN", top: true},
	})
	done := b.admin.Must(t, takeBack, in).At("ledgerEntryReverse")
	reversal := done.Str("entry.id")
	if done.Str("entry.flow") != "REVERSAL" || done.Str("entry.reverses.id") != entry || done.Str("entry.reverses.reversedBy.id") != reversal {
		t.Fatalf("got %s", done.Raw())
	}
	again := b.admin.Must(t, takeBack, in).At("ledgerEntryReverse")
	if string(again.Raw()) != string(done.Raw()) {
		t.Errorf("first %s, again %s", done.Raw(), again.Raw())
	}
	action := b.admin.Must(t, whatStaffDid, nil).At("adminActions.nodes")
	if action.Str("0.id") != done.Str("entry.cause") || action.Str("0.actor.id") != id.User.Encode(b.admin.ID) || action.Str("0.action") != "LEDGER_ENTRY_REVERSED" ||
		action.Str("0.subject") != "entry "+entry || action.Str("0.reason") != "The card was charged for somebody else." || action.Str("1") != "" {
		t.Errorf("recorded %s", action.Raw())
	}
	line := b.buyer.Must(t, statementPage, apitest.Vars{"first": 1}).At("viewer.wallets.0.statement.nodes.0")
	if line.Str("flow") != "REVERSAL" || line.Str("amount.amount") != "-1.00" || line.Str("cause.id") != b.topUp.NodeID().String() {
		t.Errorf("the owner's line is %s", line.Raw())
	}
	const node = `query($id: ID!) { node(id: $id) { id } }`
	b.refuse(t, []bad{
		{name: "the action, for support", who: b.support.Client, query: node, vars: apitest.Vars{"id": action.Str("0.id")}, code: nulls},
		{name: "the action, for the owner", who: b.buyer.Client, query: node, vars: apitest.Vars{"id": action.Str("0.id")}, code: nulls},
	})
	if got := b.admin.Must(t, node, apitest.Vars{"id": action.Str("0.id")}); got.Str("node.id") != action.Str("0.id") {
		t.Errorf("the action, for an admin: %s", got.Raw())
	}
}

func TestReversalsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	entries := b.entriesOf(t)
	in := apitest.Vars{"entryId": entries[0], "reason": "why", "idempotencyKey": ownKey}
	entry := func(v any) apitest.Vars { return input(with(in, "entryId", v)) }
	table := []bad{
		{name: "a hold", vars: input(in), code: "ENTRY_NOT_REVERSIBLE", field: "entryId", data: `{"instead":"End what holds the money: the bid or the checkout."}`},
		{name: "what was spent since", vars: entry(entries[3]), code: "INSUFFICIENT_FUNDS", field: "entryId", data: `{"available":{"amount":"481.00","currencyCode":"EUR"}}`},
		{name: "entry 0", vars: entry("0"), code: "ENTRY_NOT_FOUND", field: "entryId"},
		{name: "an entry below zero", vars: entry("-7"), code: "ENTRY_NOT_FOUND"},
		{name: "the last entry that could be", vars: entry("9223372036854775807"), code: "ENTRY_NOT_FOUND"},
		{name: "an entry beyond 64 bits", vars: entry("9223372036854775808"), code: "BIG_INT_MALFORMED", top: true},
		{name: "an entry of a text", vars: entry("the last"), code: "BIG_INT_MALFORMED", top: true},
		{name: "an entry of a number", vars: entry(1), code: "BIG_INT_MALFORMED", top: true},
		{name: "without a reason", vars: input(with(in, "reason", " ")), code: "REASON_LENGTH", field: "reason"},
		{name: "without a key", vars: input(with(in, "idempotencyKey", "")), code: "IDEMPOTENCY_KEY_INVALID", field: "idempotencyKey"},
	}
	for i := range table {
		table[i].who, table[i].query = b.admin.Client, takeBack
	}
	b.refuse(t, table)
}
