package graph_test

import (
	"testing"
	"time"

	"github.com/souklive/souk/internal/apitest"
	"github.com/souklive/souk/internal/page"
	"github.com/souklive/souk/internal/reconcile"
)

const report = `query($first: Int, $after: String) { reconciliationReport { provider since providerRecords ourRecords pending differenceCount agrees
	differences(first: $first, after: $after) { nodes { kind providerId entry { id reversedBy { id } } currencyCode theirs { amount } ours { amount } detail } pageInfo { hasNextPage endCursor } } } }`

// Support reads what the last comparison found: here, that an admin took back what the provider still has.
func TestReconciliationReport(t *testing.T) {
	t.Parallel()
	b := newBazaar(t)
	defer everything(t, b.API)
	if got := b.support.Must(t, report, nil); got.Str("reconciliationReport") != "" {
		t.Errorf("before the first: %s", got.Raw())
	}
	compare := func() {
		t.Helper()
		if _, err := b.Resolver.Reconcile.Run(t.Context(), reconcile.Options{Cut: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	compare()
	got := b.support.Must(t, report, nil).At("reconciliationReport")
	if got.Str("agrees") != "true" || got.Str("differenceCount") != "0" || got.Str("providerRecords") != "4" || got.Str("ourRecords") != "4" || got.Str("since") != "" {
		t.Fatalf("got %s", got.Raw())
	}
	entry := b.entriesOf(t)[2]
	b.admin.Must(t, takeBack, input(apitest.Vars{"entryId": entry, "reason": "a mistake", "idempotencyKey": "once"}))
	compare()
	got = b.admin.Must(t, report, apitest.Vars{"first": 1}).At("reconciliationReport")
	first := got.At("differences.nodes.0")
	if got.Str("agrees") != "false" || got.Str("differenceCount") != "2" || first.Str("kind") != "ENTRY_REVERSED" || first.Str("entry.id") != entry ||
		first.Str("entry.reversedBy.id") == "" || first.Str("theirs.amount") != "1.00" || first.Str("ours") != "" || first.Str("providerId") == "" {
		t.Errorf("got %s", got.Raw())
	}
	next := b.support.Must(t, report, apitest.Vars{"first": 1, "after": got.Str("differences.pageInfo.endCursor")}).At("reconciliationReport.differences")
	if next.Str("nodes.0.kind") != "BALANCE_DIFFERS" || next.Str("pageInfo.hasNextPage") != "false" {
		t.Errorf("then %s", next.Raw())
	}
	b.refuse(t, []bad{
		{name: "for the buyer", who: b.buyer.Client, query: report, code: "FORBIDDEN", top: true},
		{name: "for nobody", who: b.Nobody(), query: report, code: "UNAUTHENTICATED", top: true},
		{name: "none", who: b.support.Client, query: report, vars: apitest.Vars{"first": 0}, code: "PAGE_SIZE_INVALID", top: true},
		{name: "after another list's cursor", who: b.support.Client, query: report, vars: apitest.Vars{"after": page.EncodeNumber('W', 1)}, code: "CURSOR_INVALID", top: true},
	})
}
